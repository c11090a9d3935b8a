/** Where a text comes from that another one reads as: its runs, of which each byte stands for one. */
export class Places {
  /** where each run begins: here, and in the text above */
  #outs = NONE
  #ins = NONE
  #first = 0
  #end = 0
  /** of the last run: its place above, less its place here */
  #shift = Number.NaN

  /** The two are alike up to here. */
  restart(place: number): void {
    this.#first = 0
    this.#end = 0
    this.#shift = Number.NaN
    this.note(place, place)
  }

  /** From `out` on it is what stands above from `input` on. */
  note(out: number, input: number): void {
    const shift = input - out
    if (shift === this.#shift) return
    this.#shift = shift
    if (this.#end === this.#outs.length) this.#more()
    const end = this.#end
    this.#outs[end] = out
    this.#ins[end] = input
    this.#end = end + 1
  }

  /** The place above of a place that was noted. */
  at(position: number): number {
    let [low, high] = [this.#first, this.#end - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#outs[middle] ?? 0) <= position) low = middle
      else high = middle - 1
    }
    return (this.#ins[low] ?? 0) + position - (this.#outs[low] ?? 0)
  }

  /** Nobody will ask for what is before this place. */
  forget(oldest: number): void {
    while (this.#first + 1 < this.#end && (this.#outs[this.#first + 1] ?? 0) <= oldest) this.#first++
  }

  #more(): void {
    const [outs, ins] = [this.#outs, this.#ins]
    if (2 * this.#first <= outs.length) {
      const length = Math.max(16, 2 * outs.length)
      this.#outs = new Float64Array(length)
      this.#ins = new Float64Array(length)
    }
    this.#outs.set(outs.subarray(this.#first, this.#end))
    this.#ins.set(ins.subarray(this.#first, this.#end))
    this.#end -= this.#first
    this.#first = 0
  }
}

/** Most texts need none: a head of a request is looked through with all of its layers inactive. */
const NONE = new Float64Array(0)
