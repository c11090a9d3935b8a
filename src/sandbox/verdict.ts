/** Why a run ended, from all that is known about it. Pure: the one place that decides. */
import { constants } from 'node:os'
import { posix } from 'node:path'
import { type CommandEnd, hasOwnKernel, type SandboxEnd } from '../boundary/index.js'
import { visible } from '../errors/index.js'
import type { Plan } from '../plan/index.js'
import type { Reason } from '../report/index.js'
import { formatDuration, formatSize } from '../units/index.js'

/** What made Glovebox end the sandbox before the command did; the first one counts. */
export type Interruption =
  | { readonly kind: 'deadline' }
  /** the same, while it waited for its turn */
  | { readonly kind: 'queued' }
  | { readonly kind: 'noOutput' }
  | { readonly kind: 'output' }
  | { readonly kind: 'cancelled'; readonly signal: number | null }
  | { readonly kind: 'rejected'; readonly message: string }

export interface Verdict {
  readonly reason: Reason
  /** what the command line exits with */
  readonly exitCode: number
  readonly signal: string | null
  /** one sentence; `null` when the exit code says it all */
  readonly message: string | null
}

export const EXIT = { rejected: 125, notExecutable: 126, notFound: 127, timeUp: 124, killed: 137 } as const
const SIGNAL_BASE = 128

export function verdict(
  plan: Plan,
  command: string,
  interruption: Interruption | null,
  commandEnd: CommandEnd,
  end: SandboxEnd,
): Verdict {
  if (interruption?.kind === 'cancelled') {
    const exitCode = SIGNAL_BASE + (interruption.signal ?? constants.signals.SIGTERM)
    return { reason: 'cancelled', exitCode, signal: null, message: 'The run was cancelled.' }
  }
  if (end.outOfMemory) return ended('memory', EXIT.killed, memoryMessage(plan))
  if (interruption !== null) return interrupted(plan, interruption)
  switch (commandEnd.kind) {
    case 'exited':
      return { reason: 'exited', exitCode: commandEnd.code, signal: null, message: forkMessage(plan, end) }
    case 'signal':
      return bySignal(plan, commandEnd.signal)
    case 'notStarted':
      return notStarted(plan, command, commandEnd)
    case 'deadline':
      return interrupted(plan, { kind: 'deadline' })
    case 'broken':
      return ended(
        'failed',
        EXIT.rejected,
        `The sandbox was ended because of what came out of it: ${commandEnd.detail}.`,
      )
    case 'lost':
      return ended('failed', EXIT.rejected, lostMessage(plan, end))
  }
}

function interrupted(plan: Plan, interruption: Exclude<Interruption, { kind: 'cancelled' }>): Verdict {
  const { deadlineMs, noOutputMs } = plan.lifetime
  switch (interruption.kind) {
    case 'deadline':
      return ended(
        'deadline',
        EXIT.timeUp,
        `The job was ended at its deadline of ${formatDuration(deadlineMs)} (lifetime.deadline).`,
      )
    case 'queued':
      return ended(
        'deadline',
        EXIT.timeUp,
        `The run still waited for its turn at its deadline of ${formatDuration(deadlineMs)} (lifetime.deadline): more jobs come than may run at once.`,
      )
    case 'noOutput':
      return ended(
        'noOutput',
        EXIT.timeUp,
        `The job was ended after ${formatDuration(noOutputMs ?? 0)} without output (lifetime.noOutput).`,
      )
    case 'output':
      return ended(
        'output',
        EXIT.rejected,
        `The job was ended when it wrote more than ${formatSize(plan.limits.outputBytes)} (limits.output).`,
      )
    case 'rejected':
      return ended('rejected', EXIT.rejected, interruption.message)
  }
}

function ended(reason: Reason, exitCode: number, message: string): Verdict {
  return { reason, exitCode, signal: null, message }
}

function bySignal(plan: Plan, signal: number): Verdict {
  const name =
    Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `SIG${signal}`
  return { reason: 'signal', exitCode: SIGNAL_BASE + signal, signal: name, message: causeOf(plan, name) }
}

/** Of the signals that a limit or a filter sends. */
function causeOf(plan: Plan, name: string): string | null {
  if (name === 'SIGSYS')
    return 'The job was killed by SIGSYS: it made a system call by an ABI that no sandbox has (syscalls.native-abi-only).'
  if (name !== 'SIGXFSZ') return null
  const size = formatSize(plan.files.scratch.bytes)
  return `The job was killed by SIGXFSZ: a file would have grown beyond what it may write, ${size} (limits.scratch).`
}

function notStarted(plan: Plan, command: string, end: CommandEnd & { kind: 'notStarted' }): Verdict {
  const name = JSON.stringify(command)
  if (end.cause === 'workdir') {
    const message = `The work directory ${visible(plan.files.workdir)} can't be entered in the sandbox: ${end.detail} (workdir). Name a folder that a grant shows, or leave it out for private scratch.`
    return ended('rejected', EXIT.rejected, message)
  }
  if (end.cause === 'unconfined') {
    const message = `The job did not start, because a wall that was promised could not be put around it: ${end.detail}. Does something filter the system calls of Glovebox itself? docs/hosts.md has what a unit or a container must allow.`
    return ended('failed', EXIT.rejected, message)
  }
  return end.cause === 'notFound'
    ? ended(
        'failed',
        EXIT.notFound,
        `The command ${name}${orItsInterpreter(command)} is not in the sandbox: it shows ${shownBy(plan)}, and what the policy grants (files.read).${whereItMayBe(plan, command)}`,
      )
    : ended(
        'failed',
        EXIT.notExecutable,
        `The command ${name} can't be executed in the sandbox: ${end.detail}.${whatRunsIt(command, end.detail)}`,
      )
}

function shownBy({ files: { root } }: Plan): string {
  if (root.kind === 'host') return '/usr'
  return root.kind === 'dir' ? `the folder ${visible(root.path)}` : `the image ${root.reference}`
}

/** execve(2) says the same of a script whose `#!` names nothing. */
function orItsInterpreter(command: string): string {
  return command.includes('/') ? ', or the interpreter that its first line names,' : ''
}

/** An input is a file of data, whatever its mode was outside. */
function whatRunsIt(command: string, detail: string): string {
  return detail === 'EACCES' && !isHosts(command)
    ? ' Its mode may not allow it, and no input’s does: put the program that runs it in front, such as sh or python3.'
    : ''
}

/** Of the host's own programs and libraries, which every sandbox shows. */
const isHosts = (command: string) => /^\/(usr|etc|bin|sbin|lib\w*)(\/|$)/.test(command)

/** The likeliest mistake, told from how the command is written. */
function whereItMayBe(plan: Plan, command: string): string {
  if (/^[^/\s]+\s/.test(command)) return ' Give its words as separate arguments: there is no shell.'
  const granted = [...plan.files.read, ...plan.files.write].some(({ inside }) =>
    command.startsWith(`${inside}/`),
  )
  if (command.startsWith('/') && !isHosts(command) && !granted)
    return ` Show its folder with --read ${JSON.stringify(posix.dirname(command))}.`
  return ''
}

function memoryMessage(plan: Plan): string {
  const size = formatSize(plan.limits.memoryBytes ?? 0)
  return `The job was ended when it needed more than its ${size} of memory (limits.memory).`
}

function forkMessage(plan: Plan, end: SandboxEnd): string | null {
  return end.forkRefusals !== null && end.forkRefusals > 0 && plan.limits.processes !== null
    ? `The job ran into its limit of ${plan.limits.processes} processes (limits.processes).`
    : null
}

function lostMessage(plan: Plan, end: SandboxEnd): string {
  const known = end.launchFailure ?? end.lost
  if (known === null)
    return hasOwnKernel(plan.boundary)
      ? 'The sandbox was killed: from outside, or by the job, whom gVisor lets end its first process.'
      : 'The sandbox was killed from outside.'
  const { what, get } = known
  return get === '' ? what : `${what} ${get}`
}
