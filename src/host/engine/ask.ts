/** Two questions to whatever listens on a socket. It may be anybody: bounded in bytes and time, and read as hostile input. */
import { type IncomingMessage, request } from 'node:http'

const MOST_BYTES = 1024 * 1024

/** An answer that is none; the sentence says why. */
export class NoAnswer extends Error {
  /** of the system call that failed, e.g. `ENOENT`; `null`: the answer itself is wrong */
  readonly errno: string | null

  constructor(why: string, errno: string | null = null) {
    super(why)
    this.errno = errno
  }
}

/**
 * The JSON that it answers to `GET path`.
 * @param withinMs for the whole of it, however slowly it comes
 * @throws NoAnswer
 */
export function ask(socketPath: string, path: string, withinMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request({
      socketPath,
      path,
      method: 'GET',
      // the name is for a server's logs; it never leads anywhere
      headers: { host: 'docker', accept: 'application/json' },
      agent: false,
    })
    const timer = setTimeout(() => fail(new NoAnswer(`It did not answer within ${withinMs} ms.`)), withinMs)
    const fail = (error: NoAnswer) => {
      clearTimeout(timer)
      reject(error)
      asking.destroy()
    }
    asking.on('error', (error: NodeJS.ErrnoException) =>
      fail(
        error.syscall === 'connect' && error.code !== undefined
          ? new NoAnswer('It can not be connected to.', error.code)
          : new NoAnswer('What it answers is no HTTP.'),
      ),
    )
    asking.on('response', (answer) => {
      read(answer).then((value) => {
        clearTimeout(timer)
        resolve(value)
        asking.destroy()
      }, fail)
    })
    asking.end()
  })
}

async function read(answer: IncomingMessage): Promise<unknown> {
  if (answer.statusCode !== 200) throw new NoAnswer(`It answers with status ${answer.statusCode}.`)
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of answer as AsyncIterable<Uint8Array>) {
      bytes += piece.length
      if (bytes > MOST_BYTES) break
      pieces.push(piece)
    }
  } catch {
    throw new NoAnswer('Its answer breaks off.')
  }
  if (bytes > MOST_BYTES) throw new NoAnswer(`It answers with more than ${MOST_BYTES} bytes.`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)))
  } catch {
    throw new NoAnswer('Its answer is no JSON.')
  }
}
