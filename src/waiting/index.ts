/**
 * Waits for `done`, and for `ms` at the longest: whoever is waited for may be stopped, starved, or hostile. What comes after that
 * is nobody's business any more: should `done` fail then, nobody is told.
 * @param late says what there is instead, or throws; absent: nothing
 */
export async function inTime<T>(done: Promise<T>, ms: number): Promise<T | undefined>
export async function inTime<T, L>(done: Promise<T>, ms: number, late: () => L): Promise<T | L>
export async function inTime<T>(done: Promise<T>, ms: number, late?: () => unknown): Promise<unknown> {
  const isLate = Symbol()
  let timer: NodeJS.Timeout | undefined
  const time = new Promise<symbol>((resolve) => {
    timer = setTimeout(resolve, ms, isLate)
  })
  try {
    const first = await Promise.race([done, time])
    return first === isLate ? late?.() : first
  } finally {
    clearTimeout(timer)
  }
}
