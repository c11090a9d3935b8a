/**
 * Runs in a network namespace as a job's is: every address is local. Started by `namespace.ts`; makes sockets there and hands them
 * over, and runs what a test wants to be tried from there.
 */
import { createSocket } from 'node:dgram'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { finished } from '../support/spawned.js'

interface Asked {
  readonly number: number
  readonly what: 'listen' | 'names' | 'run' | 'evaluate'
  readonly port: number
  readonly address: string
  readonly argv: readonly string[]
  readonly input: string
  readonly timeoutMs: number
  readonly code: string
  readonly args: readonly unknown[]
}

const require = createRequire(import.meta.url)
const send = process.send?.bind(process) as unknown as (
  message: object,
  handle?: object,
  done?: () => void,
) => void

process.on('message', async (asked: Asked) => {
  const { number } = asked
  try {
    if (asked.what === 'listen') await listen(asked)
    else if (asked.what === 'names') await names(asked)
    else if (asked.what === 'run') send({ number, value: await run(asked) })
    else send({ number, value: await evaluate(asked) })
  } catch (error) {
    send({ number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
})
process.on('disconnect', () => process.exit(0))
send({ number: -1 })

function listen({ number, port }: Asked): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen({ port, host: '::' }, () => {
      // the handle, not the server: whoever gets it starts to accept
      const { _handle } = server as unknown as { _handle: { onconnection: unknown } }
      _handle.onconnection = () => {}
      send({ number, value: (server.address() as { port: number }).port }, _handle, () => {
        server.close()
        resolve()
      })
    })
  })
}

function names({ number, address }: Asked): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.on('error', reject)
    socket.bind({ port: 53, address, exclusive: true }, () => {
      const state = Object.getOwnPropertySymbols(socket).map(
        (symbol) => (socket as unknown as Record<symbol, unknown>)[symbol],
      )
      const handle = state
        .map((each) => (each as { handle?: { recvStop?: () => void } } | null)?.handle)
        .find((each) => each?.recvStop)
      handle?.recvStop?.()
      send({ number, value: 53 }, handle, () => {
        socket.close()
        resolve()
      })
    })
  })
}

async function run({ argv, input, timeoutMs }: Asked) {
  return finished(argv, { input, timeout: timeoutMs, killSignal: 'SIGKILL' })
}

/** `code`: a function of the test, which gets `require` and its arguments. */
function evaluate({ code, args }: Asked): unknown {
  const made = new Function('require', 'args', `return (${code})(require, ...args)`)
  return made(require, args)
}
