/** What a sandbox is talked to by: four handles of its own, or one that carries all four. */
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { Writable } from 'node:stream'
import { CarriedStreams } from '../agent/carried.js'
import { carriedStreams, type Streams } from '../agent/streams.js'
import { frame } from '../agent/wire.js'
import type { PassedHandle, Stream } from './launcher.js'

const OWN: readonly Stream[] = ['control', 'stdin', 'stdout', 'stderr']
const CARRIED: readonly Stream[] = ['wire']

/** What has to arrive of a sandbox. */
export const streamNames = (carried: boolean): readonly Stream[] => (carried ? CARRIED : OWN)

/** `reused`: for one command after another, which none but carried ones are; see `R` in native/agent/agent.h */
export function streamsOf(handles: ReadonlyMap<Stream, PassedHandle>, reused: boolean): Streams {
  if (!handles.has('wire')) return reused ? carriedByControl(handles) : ownStreams(handles)
  const wire = socket(handles, 'wire', true, true)
  return carriedStreams(new CarriedStreams(wire, wire))
}

/** The first process is told before all else; of the pipes neither side keeps an end. */
function carriedByControl(handles: ReadonlyMap<Stream, PassedHandle>): Streams {
  const control = socket(handles, 'control', true, true)
  control.write(frame('R'))
  for (const name of OWN) if (name !== 'control') handles.get(name)?.close?.()
  return carriedStreams(new CarriedStreams(control, control))
}

/** A pipe keeps what a dead job wrote. */
function ownStreams(handles: ReadonlyMap<Stream, PassedHandle>): Streams {
  return {
    control: socket(handles, 'control', true, true),
    stdin: pipeIn(socket(handles, 'stdin', false, true)),
    stdout: socket(handles, 'stdout', true, false),
    stderr: socket(handles, 'stderr', true, false),
    lastWords: async () => {},
  }
}

function socket(
  handles: ReadonlyMap<Stream, PassedHandle>,
  end: Stream,
  readable: boolean,
  writable: boolean,
): Socket {
  // `handle` is what net itself uses for streams it was given; its type is not published
  const options = { handle: handles.get(end), readable, writable }
  const made = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
  return made.on('error', () => {}) // the other end is the job's to break; what counts is how the run ends
}

/** A pipe has no half-close: its end is the close itself, once everything was written. */
function pipeIn(pipe: Socket): Writable {
  pipe.on('error', () => {}) // the job closed its end, which it may
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      pipe.write(chunk, (error) => done(brokenPipe(error ?? null)))
    },
    final(done) {
      pipe.destroy()
      done()
    },
    destroy(error, done) {
      pipe.destroy()
      done(error)
    },
  })
}

function brokenPipe(error: NodeJS.ErrnoException | null): Error | null {
  if (error === null) return null
  const broken: NodeJS.ErrnoException = new Error('the job closed its standard input')
  broken.code = 'EPIPE'
  broken.errno = -constants.errno.EPIPE
  return broken
}
