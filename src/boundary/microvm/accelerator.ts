/** By what a machine's instructions are run. KVM is tried where its device can be opened: only a machine that came up shows that it can be used. Pure. */
import { type HostFacts, KVM_DEVICE } from '../../host/index.js'
import type { Plan } from '../../plan/index.js'
import type { Observed } from '../boundary.js'
import { kvmFailureLack } from '../machine-lacks.js'
import type { Accelerator } from './vmm/machine.js'

/** What is tried first, and as far as is known will do. */
export function expectedAccelerator(host: HostFacts): Accelerator {
  const { state, failed } = host.machines().kvm
  return state === 'openable' && failed === null ? 'kvm' : 'tcg'
}

const RUN_BY: Readonly<Record<Accelerator, string>> = {
  kvm: 'the processor runs it (KVM)',
  tcg: 'QEMU translates its instructions (TCG)',
}

/** As the claims of a plan and of a report name a machine. `failed`: why not KVM, where that is here; empty otherwise */
export function machineText(accelerator: Accelerator, failed: string): string {
  const why = accelerator === 'tcg' && failed !== '' ? `, as none came up with KVM: ${failed}` : ''
  return `${MACHINE}; ${RUN_BY[accelerator]}${why}`
}

const MACHINE = 'a virtual machine: a Linux of the sandbox’s own, which nobody else is in'

/** As far as is known before one is started. */
export const expectedText = (host: HostFacts): string =>
  machineText(expectedAccelerator(host), host.machines().kvm.failed?.why ?? '')

/** Devices of the host that what runs the machine opens, besides the tap. */
export const devicesOf = (accelerator: Accelerator): string[] => (accelerator === 'kvm' ? [KVM_DEVICE] : [])

/** It is here and is not used: said where a plan is explained. */
export function acceleratorWarnings(host: HostFacts): string[] {
  const { failed } = host.machines().kvm
  if (failed === null) return []
  const { what, get } = kvmFailureLack(failed)
  return [`${what} ${get}`]
}

/** What became of it, where the plan said another. `failed`: as above */
export function observedAccelerator({ claims }: Plan, accelerator: Accelerator, failed: string): Observed[] {
  const id = 'isolation.processes'
  const by = claims.find((claim) => claim.id === id)?.by ?? []
  const isOther = by.some((text) => text.includes(MACHINE) && !text.includes(RUN_BY[accelerator]))
  const others = by.filter((text) => !text.includes(MACHINE))
  return isOther ? [{ id, by: [machineText(accelerator, failed), ...others].join('; ') }] : []
}
