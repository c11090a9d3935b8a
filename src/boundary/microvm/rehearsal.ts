/**
 * QEMU translates an instruction when it is first run, and a machine that goes on has nothing translated: most of what a job would wait for. So one that
 * waits for its job runs a command of ours before, as the job's would be, behind the same walls; then all that is left of it is cleared away, as
 * between two commands of a session.
 */
import { LaunchError } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import { inTime } from '../../waiting/index.js'
import type { AgentSandbox } from '../agent/sandbox.js'
import type { Command, Emptied, RunningSandbox } from '../boundary.js'
import { placeMode } from '../cell/request.js'

/** Some seconds where others use the processors; a command that takes longer than this hangs, ms. */
const COMMAND_MS = 5_000
/** So does a machine that takes longer for all of it, ms. */
const REHEARSAL_MS = 10_000

/**
 * The image's own: with its shell come the loader and the library that jobs have, too. Of an image that has none of these the way to its first
 * program is rehearsed.
 */
const COMMANDS: readonly Command[] = (
  [['/bin/sh', '-c', ':'], ['/bin/true'], ['/bin/busybox', 'true']] as const
).map((argv) => ({ argv, inputs: [], terminal: null, deadlineMs: COMMAND_MS }))

/** The sandbox to go on with. @throws Error when it can't be had: then the machine is of no use */
export async function rehearse(sandbox: AgentSandbox, { files }: Plan): Promise<RunningSandbox> {
  const folders = files.scratch.places.map((path) => ({ path, mode: placeMode(path) }))
  const emptied: Emptied = { folders, ipc: true }
  return await inTime(sandbox.rehearse(COMMANDS, emptied), REHEARSAL_MS, () => {
    throw new LaunchError('launch.machine', 'The virtual machine did not come to the end of its rehearsal.')
  })
}
