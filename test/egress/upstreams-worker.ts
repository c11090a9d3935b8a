/** Hosts that refuse, break off, stay silent or answer rubbish, and name servers that lie; see jobs.ts. */
import { Glovebox } from '../../src/index.js'
import { type Asked, TestResolver } from '../gateway/resolver.js'
import { FarSide, local, play, policyOf, probed } from './jobs.js'

const far = new FarSide()
const good = await far.tcp((socket) => {
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'))
})
const silent = await far.tcp((socket) => socket.resume())
const broken = await far.tcp((socket) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nthe beginning')
  setTimeout(() => socket.resetAndDestroy(), 100)
})
const garbage = await far.tcp((socket) => socket.end('\0\xff<<< this is no HTTP >>>\r\n\r\n'.repeat(50)))
const gone = new FarSide()
const refusing = await gone.tcp(() => {})
gone.close()

const TIMEOUTS = { connect: '1s', idle: '1s' }
const HOSTS = ['good.test', 'silent.test', 'broken.test', 'garbage.test', 'refusing.test']

/** What a name server may do to a question; none of it leads anywhere, but for the two controls. */
const LIES: Readonly<Record<string, (asked: Asked) => void>> = {
  'honest.test': ({ answer }) => answer(['127.0.0.1']),
  'slow.test': ({ answer }) => void setTimeout(answer, 300, ['127.0.0.1']),
  'silent.test': () => {},
  'slowest.test': ({ answer }) => void setTimeout(answer, 3000, ['127.0.0.1']).unref(),
  'other-id.test': ({ raw, reply, type, name }) => {
    const bytes = reply({ answers: [{ type: type as 'A', name, data: '127.0.0.1' }] })
    bytes.writeUInt16BE((bytes.readUInt16BE(0) + 1) & 0xffff, 0)
    raw(bytes)
  },
  'other-question.test': ({ raw, reply, type }) =>
    raw(
      reply({
        questions: [{ type: type as 'A', name: 'honest.test' }],
        answers: [{ type: type as 'A', name: 'honest.test', data: '127.0.0.1' }],
      }),
    ),
  'private.test': ({ answer }) => answer(['10.1.2.3', 'fd00::1']),
  'metadata.test': ({ answer }) => answer(['169.254.169.254']),
  'chain.test': ({ answer, name, type, raw, reply }) =>
    type === 'AAAA'
      ? answer([])
      : raw(
          reply({
            answers: [
              { type: 'CNAME', name, data: 'inside.test' },
              { type: 'A', name: 'inside.test', data: '10.1.2.3' },
            ],
          }),
        ),
  'hundred.test': ({ answer }) => answer(Array.from({ length: 100 }, (_, each) => `10.7.0.${each}`)),
  // says that the rest is to be had by TCP, where nobody listens
  'truncated.test': ({ raw, reply }) => raw(reply({ flags: 0x0380 })),
  'cut.test': ({ raw, reply, name }) =>
    raw(reply({ answers: [{ type: 'A', name, data: '127.0.0.1' }] }).subarray(0, 40)),
  'nothing.test': ({ answer }) => answer([]),
  'refused.test': ({ raw, reply }) => raw(reply({ flags: 0x0185 })),
}

await play({
  async hosts() {
    const glovebox = await Glovebox.start({
      network: {
        hosts: Object.fromEntries(HOSTS.map((name) => [name, ['127.0.0.1']])),
        resolvers: ['127.0.0.1:9'],
      },
    })
    const ports = { good, silent, broken, garbage, refusing }
    const clear = Object.entries(ports).map(([name, port]) => local(`${name}.test`, port, 'http'))
    const plain = Object.entries(ports).map(([name, port]) => local(`${name}.test`, port, 'tcp'))
    const seen = await Promise.all([
      probed(
        glovebox,
        policyOf({ allow: clear, timeouts: TIMEOUTS }),
        Object.entries(ports).map(([name, port]) => `http,${name}.test,${port}`),
      ),
      probed(
        glovebox,
        policyOf({ allow: plain, timeouts: TIMEOUTS }),
        Object.entries(ports).map(([name, port]) => `download,${name}.test,${port}`),
      ),
    ])
    await glovebox.close()
    return seen
  },

  async names() {
    const resolver = new TestResolver(LIES)
    const glovebox = await Glovebox.start({ network: { hosts: {}, resolvers: [await resolver.start()] } })
    const names = Object.keys(LIES)
    let reached = 0
    const host = await far.tcp((socket) => {
      reached += 1
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'))
    })
    const heard: Record<string, string> = {}
    const record: string[] = []
    // one run each, at once: the job hears no later of the last than of the first
    await Promise.all(
      names.map(async (name) => {
        const seen = await probed(
          glovebox,
          policyOf({ allow: [local(name, host, 'http')], timeouts: { connect: '1s' } }),
          [`http,${name},${host}`],
        )
        heard[name] = Object.values(seen.heard)[0] ?? ''
        record.push(...seen.record)
      }),
    )
    await glovebox.close()
    resolver.close()
    return { heard, record: record.sort(), reached }
  },
})
far.close()
