/** What a run needs before its sandbox can start, for as long as it takes: none of it counts as the start. */
import type { SandboxSource } from '../boundary/index.js'
import type { Plan } from '../plan/index.js'

export interface ToMakeReady {
  readonly plan: Plan
  readonly source: SandboxSource
  /** what its root is made of, where that takes long; `null`: it is there */
  readonly makeRoot: ((cancel: AbortSignal) => Promise<void>) | null
  /** what comes from elsewhere; `false`: the run was ended first */
  readonly obtain: () => Promise<boolean>
  /** resolves when the run is ended before it began */
  readonly interrupted: Promise<unknown>
  readonly isInterrupted: () => boolean
}

/** `false`: the run was ended first. */
export async function madeReady(what: ToMakeReady): Promise<boolean> {
  try {
    await madeRoot(what)
    return (await prepared(what)) && (await what.obtain())
  } catch (error) {
    if (what.isInterrupted()) return false
    throw error
  }
}

async function madeRoot({ makeRoot, interrupted }: ToMakeReady): Promise<void> {
  if (makeRoot === null) return
  const cancel = new AbortController()
  void interrupted.then(() => cancel.abort())
  await makeRoot(cancel.signal)
}

/** Others may wait for the same: it goes on, and who ended the run need not wait for it. */
async function prepared({ plan, source, interrupted }: ToMakeReady): Promise<boolean> {
  const preparing = source.prepare?.(plan)
  if (preparing === undefined) return true
  return await Promise.race([preparing.then(() => true), interrupted.then(() => false)])
}
