/** How much of the host's files is copied into a machine: all of it is in its memory. Pure. */
import { LaunchError } from '../../../errors/index.js'

const MiB = 1024 ** 2
const PAGE = 4096
/** Of an inode and a name. */
const ENTRY = 1024

/** Of all grants of a plan together; `native/guest/boot.c` bounds the same. Under emulation it takes seconds to send so much. */
export const MOST = { bytes: 128 * MiB, entries: 10_000 } as const
/** Beyond it nobody counts to the end. */
const COUNTED = 50 * MOST.entries
const MOST_MIB = MOST.bytes / MiB

/** Of them a machine has so much more, MiB. */
export const grantsMiB = (grants: readonly unknown[]): number => (grants.length === 0 ? 0 : MOST_MIB)

/** What is granted, as it is gone through. */
export class Weight {
  #bytes = 0
  #entries = 0

  /** Another entry, of so many bytes. */
  add(bytes: number): void {
    this.#bytes += ENTRY + Math.ceil(bytes / PAGE) * PAGE
    this.#entries++
  }

  get isUncounted(): boolean {
    return this.#entries > COUNTED
  }

  /** @throws LaunchError that says how much there is; `isAll`: it was gone through to its end */
  requireFits(isAll: boolean): void {
    if (this.#bytes <= MOST.bytes && this.#entries <= MOST.entries) return
    const bytes = `${Math.ceil(this.#bytes / MiB)} MiB`
    throw new LaunchError(
      'launch.grants',
      `The files.read grants take ${isAll ? '' : 'more than '}${bytes} in ${this.#entries} files and folders, and what can be copied into a virtual machine is ${MOST_MIB} MiB in ${MOST.entries}.`,
      'Grant less, put what every job reads into the image, or write `boundary: gvisor`: it shows folders as they are, behind a kernel of its own as well.',
    )
  }
}
