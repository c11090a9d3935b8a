import type { BusyError } from '../errors/index.js'
import type { Admission, Asking, Place } from './admission/index.js'

/** The longest that a timer can wait: 24 days. */
const LONGEST_MS = 2 ** 31 - 1

/** A run's turn among those that there is room for, from when it is asked for until nothing is left of the run. */
export class Turn {
  readonly #admission: Admission | null
  readonly #asking: Asking
  /** there is nothing to wait for: not a turn of the loop is lost */
  readonly isNow: boolean
  #place: Place | null = null
  #isOver = false

  /**
   * @param admission `null`: it is always its turn
   * @param isWithin it is of a session, whose turn it is already
   */
  constructor(admission: Admission | null, asking: Asking, isWithin = false) {
    this.#admission = admission
    this.#asking = asking
    this.isNow = admission === null || isWithin
  }

  /**
   * `false`: the run was ended first, by its deadline perhaps, at which `onLate` is called.
   * @throws BusyError when no more may wait
   */
  async comes(interrupted: Promise<unknown>, deadlineMs: number, onLate: () => void): Promise<boolean> {
    const late = setTimeout(onLate, Math.min(deadlineMs, LONGEST_MS))
    try {
      return await this.#comes(interrupted)
    } finally {
      clearTimeout(late)
    }
  }

  async #comes(interrupted: Promise<unknown>): Promise<boolean> {
    let forget = () => {}
    const admitted = new Promise<true>((resolve, reject: (error: BusyError) => void) => {
      forget = this.#admission?.enter(this.#asking, (place) => resolve(this.#take(place)), reject) ?? forget
    })
    if (await Promise.race([admitted, interrupted.then(() => false)])) return true
    forget()
    return false
  }

  /** It may come when nobody waits for it any more. */
  #take(place: Place): true {
    this.#place = place
    if (this.#isOver) place.leave()
    return true
  }

  /** Another may be started. */
  started(): void {
    this.#place?.started()
  }

  /** `cpuMs`: of processor time, by all of its sandbox */
  used(cpuMs: number): void {
    this.#admission?.charge(this.#asking.tenant, cpuMs)
  }

  over(): void {
    this.#isOver = true
    this.#place?.leave()
  }
}
