/** A value got back from a host that repeats what it is sent. */
import { gzipSync } from 'node:zlib'
import type { Probe } from '../probe.js'
import type { Answer } from '../talk.js'
import type { ClearAnswer } from '../world.js'
import { bearing, secretProbe, secretScene, type To } from './scene.js'

interface Echo {
  readonly answer: (value: string) => ClearAnswer
  /** whether the job has got it back */
  readonly has: (answer: Answer, value: string) => boolean
}

const probe = (id: string, tries: string, echoes: readonly Echo[], to: To = {}): Probe =>
  secretProbe(
    id,
    'credentials.no-reflection',
    'credential-reflected',
    tries,
    secretScene(
      'a request to a host that repeats it',
      async (place) => {
        let got = 0
        let last: Answer | null = null
        for (const [index, { has }] of echoes.entries()) {
          last = await place.ask({ path: `/${index}`, headers: bearing(place) ?? [] }, to)
          if (has(last, place.value)) got++
        }
        const reached = place.inside ? got > 0 : got === echoes.length
        return { reached, answer: last, detail: `${got} of ${echoes.length} came back` }
      },
      { answer: ({ path }, value) => echoes[Number(path.slice(1))]?.answer(value) ?? { pieces: [] } },
    ),
  )

const body = (wrap: (value: string) => string): Echo => ({
  answer: (value) => ({ pieces: [Buffer.from(`you sent ${wrap(value)} .`)] }),
  has: (answer, value) => answer.body.includes(wrap(value)),
})

const header = (name: string, wrap: (value: string) => string): Echo => ({
  answer: (value) => ({ headers: [[name, wrap(value)]], pieces: [Buffer.from('.')] }),
  has: (answer, value) => answer.headers.some(([, text]) => text.includes(wrap(value))),
})

const plain = (value: string) => value
const base64 = (value: string) => Buffer.from(value).toString('base64')
const each = (spelled: (code: string) => string) => (value: string) =>
  [...value].map((one) => spelled(one.charCodeAt(0).toString(16).padStart(2, '0'))).join('')

export const reflectedProbes: readonly Probe[] = [
  probe('echo-body', 'get the value back in a body', [body(plain)]),
  probe('echo-header', 'get the value back in a header', [
    header('X-You-Sent', plain),
    header('Location', (value) => `https://elsewhere.glovebox-probe.com/?key=${value}`),
    header('Set-Cookie', (value) => `key=${value}`),
    header('X-You-Sent', base64),
  ]),
  probe('echo-wrapped', 'get the value back in wrappings', [
    body(base64),
    body(each((code) => `%${code}`)),
    body(each((code) => `\\u00${code}`)),
    body(each((code) => code)),
  ]),
  probe('echo-pieces', 'get the value back in pieces', [
    {
      answer: (value) => ({ pieces: inPieces(value) }),
      has: (answer, value) => answer.body.includes(value),
    },
  ]),
  probe('echo-packed', 'get the value back in a compressed answer', [
    {
      answer: (value) => ({
        headers: [['Content-Encoding', 'gzip']],
        pieces: [gzipSync(`you sent ${value} .`)],
      }),
      has: (answer, value) =>
        answer.body.includes(value) || answer.body.includes(gzipSync(`you sent ${value} .`)),
    },
  ]),
  probe(
    'echo-http2',
    'get the value back in a stream of HTTP/2',
    [body(plain), header('x-you-sent', plain)],
    {
      protocol: 'h2',
    },
  ),
]

/** Each is a chunk of its own. */
async function* inPieces(value: string): AsyncGenerator<Uint8Array> {
  for (const piece of ['you sent ', value.slice(0, 5), value.slice(5, 11), value.slice(11), ' .']) {
    yield Buffer.from(piece)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
