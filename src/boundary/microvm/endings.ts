/** Why there is no machine any more, where it could not say so itself. Pure. */
import type { CommandEnd, SandboxEnd } from '../boundary.js'
import type { GuestNews } from './guest/said.js'
import { VMM } from './vmm/qemu.js'

/** Of a panic: what the kernel says of it stands in one line, and before the next is its time. */
const PANIC = /Kernel panic - not syncing: ?([ -~]{0,200})/
const TIME = /\[ *\d+\.\d{6}\]/

/**
 * @param vmm how it ended; `undefined`: it has not, and is killed with its jail
 * @param said what it and the machine's kernel complained of
 */
export function machineLost(vmm: CommandEnd | undefined, said: string): NonNullable<SandboxEnd['lost']> {
  const panic = PANIC.exec(said)
  if (panic !== null)
    return {
      what: `The kernel of the virtual machine panicked: ${panic[1]?.split(TIME)[0]?.trim() || 'it did not say why'}.`,
      get: 'Nothing of it is left. A job that brings this about again may be after a hole in that kernel: keep it current.',
    }
  if (vmm === undefined)
    return { what: 'The virtual machine did not answer any more.', get: 'It was ended, with its jail.' }
  if (vmm.kind === 'exited' && vmm.code === 0)
    return {
      what: 'The virtual machine was switched off or started again before its job ended.',
      get: 'None is started twice: it is gone.',
    }
  const more = said === '' ? '' : ` It said: ${said.slice(0, 500)}`
  return { what: `The virtual machine ended before its job did: ${endOf(vmm)}.${more}`, get: '' }
}

/** Where it could: the job's first process was gone, or so it said, and nobody had heard of the job's end. */
export function agentLost({ end, complaints }: GuestNews): NonNullable<SandboxEnd['lost']> {
  const how = end.kind === 'exited' ? `with ${end.code}` : `by signal ${end.signal}`
  const more = complaints === '' ? '' : ` It said: ${complaints.slice(0, 500)}`
  return {
    what: `The first process of the virtual machine's job ended before the job did, ${how}.${more}`,
    get: '',
  }
}

export function endOf(vmm: CommandEnd): string {
  if (vmm.kind === 'exited') return `${VMM} exited with ${vmm.code}`
  if (vmm.kind === 'signal') return `${VMM} was ended by signal ${vmm.signal}`
  return vmm.kind === 'notStarted' ? `${VMM} can't be started (${vmm.detail})` : `${VMM}'s jail ended`
}
