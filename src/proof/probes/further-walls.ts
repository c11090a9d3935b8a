/** Walls behind others: Landlock, and the host's security module. Only a plan that has them promises them. */
import { isOfEngine } from '../../boundary/index.js'
import { granting } from './derive.js'
import type { Probe } from './probe.js'
import { attempt, refused } from './refused.js'

const GRANTED = '/glovebox-verify-granted'
/** `etc/apparmor.d/glovebox-job`, `etc/selinux/glovebox_job.cil` */
const OURS = /glovebox-job \(enforce\)|:glovebox_job_t:/
/** An engine has its own: what the claim promises there. */
const ENGINES = /docker-default \(enforce\)|:container_t:/

/** A fifo that nobody reads says ENXIO to who may open it. */
const opened = (path: string) =>
  attempt(['write', path], ({ result }) => result === 'ok' || result === 'ENXIO')

export const furtherWallProbes: readonly Probe[] = [
  {
    id: 'second-wall.fifo',
    claim: 'files.second-wall',
    threat: 'shown-by-mistake',
    tries: 'write to a fifo in a read grant, which no read-only mount forbids',
    trial: () => ({
      inside: async (bench) => {
        const plan = granting(bench.roomy, 'read', bench.decoys.granted, GRANTED)
        return (await bench.inside([opened(`${GRANTED}/fifo`)], plan)).tried
      },
      control: (bench) => bench.open([opened(`${bench.decoys.granted}/fifo`)]),
    }),
  },
  {
    id: 'security-module.label',
    claim: 'isolation.security-module',
    threat: 'shown-by-mistake',
    tries: 'run under another label than that for jobs',
    trial: () =>
      refused(({ plan }) => {
        const label = isOfEngine(plan.boundary) ? ENGINES : OURS
        return [
          attempt(
            ['read', '/proc/self/attr/current'],
            ({ result, detail }) => result === 'ok' && !label.test(detail),
          ),
        ]
      }),
  },
]
