import type { HostFacts } from '../../host/index.js'
import { kernelLack } from '../answers/host-lack.js'
import { engineLack, engineRunscLack, type Lack } from '../runtime-lacks.js'
import { engineIn } from './host.js'

/** Docker 20.10, see version.ts. */
const OLDEST_API = 41

export const unavailable = (host: HostFacts): Lack | null =>
  kernelLack(host, 'docker') ?? engineLack(host) ?? tooOld(host)

export const unavailableInSentry = (host: HostFacts): Lack | null =>
  kernelLack(host, 'docker+runsc') ?? engineRunscLack(host) ?? tooOld(host) ?? remapped(host)

function tooOld(host: HostFacts): Lack | null {
  const engine = engineIn(host)
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(engine?.apiVersion ?? '') ?? []
  if (Number(major) > 1 || Number(minor) >= OLDEST_API) return null
  return {
    what: `Docker Engine ${engine?.version} is too old: it speaks API ${engine?.apiVersion}, and 1.${OLDEST_API} is needed.`,
    get: 'Docker 20.10 or newer has it.',
  }
}

/** Nobody knows yet what a sentry is to the host then. */
function remapped(host: HostFacts): Lack | null {
  if (engineIn(host)?.usernsRemap !== true) return null
  return {
    what: 'This Docker Engine has a user namespace for its containers (userns-remap), with which runsc was not tried.',
    get: '`boundary: docker` uses it; `boundary: gvisor` has a user namespace of its own for every sandbox.',
  }
}
