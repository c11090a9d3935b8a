/** The parts of the filter, as mechanisms: which are missing, and which a policy opens. */
import type { InForce } from '../../plan/index.js'
import { FILTER_PARTS, type FilterPart, openedParts } from '../../syscalls/index.js'
import type { MechanismId } from './mechanisms.js'

const MECHANISM: Readonly<Record<FilterPart, MechanismId>> = {
  all: 'filter',
  abi: 'filter-abi',
  namespaces: 'filter-namespaces',
  terminal: 'filter-terminal',
  families: 'filter-families',
  'unix-sockets': 'filter-unix-sockets',
  modes: 'filter-modes',
  affinity: 'filter-affinity',
  'core-limit': 'filter-core-limit',
  execveat: 'filter-execveat',
  once: 'exec-gate',
  sealed: 'lock-gate',
}

/** None, but in the tests that leave one off. */
export function filterParts(inForce: InForce): readonly FilterPart[] {
  return FILTER_PARTS.filter((part) => !inForce.on(MECHANISM[part]))
}

/** What keeps nothing any more under a policy that allows these calls. */
export function openedMechanisms(allow: readonly string[]): ReadonlySet<string> {
  return new Set(openedParts(allow).map((part) => MECHANISM[part]))
}
