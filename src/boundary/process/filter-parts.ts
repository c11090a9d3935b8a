/** Which parts of the filter are missing; none, but in the tests that leave one off. */
import type { InForce } from '../../plan/index.js'
import { FILTER_PARTS, type FilterPart } from '../../syscalls/index.js'
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

export function filterParts(inForce: InForce): readonly FilterPart[] {
  return FILTER_PARTS.filter((part) => !inForce.on(MECHANISM[part]))
}
