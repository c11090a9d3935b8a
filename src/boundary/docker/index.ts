/** The boundaries of an engine on this machine: a container, with the agent as first process, by the engine's runc or its runsc. */
import { refusals, syscallFilter } from '../../syscalls/index.js'
import { filterOptions } from '../answers/filter.js'
import { HOST_PATHS, kernelSurface } from '../answers/host-kernel.js'
import { SENTRY_DEVICES } from '../answers/sentry.js'
import type { Boundary } from '../boundary.js'
import { answer } from './claims.js'
import type { RuntimeName } from './create-body.js'
import { asContained } from './host.js'
import { sentryAnswer } from './sentry-claims.js'
import { DockerSource } from './source.js'
import { unavailable, unavailableInSentry } from './unavailable.js'
import { dockerWords } from './words.js'

type Made = 'name' | 'answer' | 'unavailable' | 'kernel'

const withRuntime = (runtime: RuntimeName, own: Pick<Boundary, Made>): Boundary => ({
  ...own,
  hostPaths: HOST_PATHS,
  words: (plan, host) => dockerWords(plan, host, runtime),
  warnings: (plan, host) => syscallFilter(filterOptions(plan, asContained(host))).warnings,
  refusals: (plan, host) => refusals(filterOptions(plan, asContained(host))),
  open: (host, single, inForce) => new DockerSource(runtime, host, single, inForce),
})

export const dockerBoundary = withRuntime('runc', {
  name: 'docker',
  answer,
  unavailable,
  kernel: (plan, host) => kernelSurface(plan, asContained(host)),
})

export const dockerRunscBoundary = withRuntime('runsc', {
  name: 'docker+runsc',
  answer: sentryAnswer,
  unavailable: unavailableInSentry,
  kernel: (plan, host) => ({
    ...kernelSurface(plan, asContained(host)),
    shared: false,
    devices: SENTRY_DEVICES,
  }),
})
