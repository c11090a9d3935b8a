import type { Given } from '../probes/index.js'
import { lookAtCaller } from './caller.js'
import { machineNow } from './machine.js'

/** What probes are given besides the plan and the host, as it is now. */
export function lookAround(): Pick<Given, 'caller' | 'machine'> {
  return { caller: lookAtCaller(), machine: machineNow() }
}
