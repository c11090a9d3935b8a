/** What a sandbox is talked to by. */
import type { Duplex, Readable, Writable } from 'node:stream'
import { inTime } from '../../waiting/index.js'
import type { CarriedStreams } from './carried.js'

export interface Streams {
  readonly control: Duplex
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** once the job is dead: resolves when what it said can be read though the sandbox ends */
  lastWords(): Promise<void>
  /** for another job; absent: there is none, as where each stream is a pipe of its own */
  readonly more?: MoreStreams
}

export interface MoreStreams {
  /** there is nobody any more at the other side */
  readonly over: Promise<void>
  /** see `CarriedStreams.renew` */
  renew(ask: () => Promise<void>): Promise<Streams>
}

/** How long a dead job's last output may take to be here, ms: a sandbox that keeps it back is ended all the same. */
const LAST_WORDS_MS = 2_000

export function carriedStreams(carried: CarriedStreams): Streams {
  const { control, stdin, stdout, stderr } = carried
  return {
    control,
    stdin,
    stdout,
    stderr,
    lastWords: () => inTime(carried.lastWords(), LAST_WORDS_MS),
    more: {
      over: carried.over,
      renew: async (ask) => {
        await carried.renew(ask)
        return carriedStreams(carried)
      },
    },
  }
}
