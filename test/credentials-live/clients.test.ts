/**
 * Real clients, which know nothing of Glovebox, use credentials that they don't have. A host serves whoever has the real value; the same
 * client without the credential is refused, and so the host looks.
 */
import assert from 'node:assert/strict'
import { stage } from '../egress/tools.js'

const held = stage('../credentials-live/clients-worker')

interface Told {
  readonly exitCode: number
  readonly text: string
  readonly stderr: string
  /** whose value was in what the job or the report said */
  readonly leaked: readonly string[]
  readonly credentials: readonly { readonly name: string; readonly uses: number; readonly refused: number }[]
  readonly verdicts: readonly string[]
}

/** The client came to its end, and no value came out with what it said. */
function fine({ exitCode, stderr, leaked, verdicts }: Told): void {
  assert.deepEqual(
    { exitCode, stderr, leaked, verdicts },
    { exitCode: 0, stderr: '', leaked: [], verdicts: ['allow'] },
  )
}
const uses = ({ credentials }: Told) => Object.fromEntries(credentials.map(({ name, uses }) => [name, uses]))
const lines = (text: string) => text.trimEnd().split('\n')

held<{ without: Told; held: Told }>('curl: every use', 'curl', ({ without, held }) => {
  for (const line of lines(without.text)) assert.match(line, / unknown$/, 'control: nobody is known without')
  for (const line of lines(held.text)) assert.match(line, / known$/)
  assert.equal(lines(held.text).length, 12)
  fine(held)
  assert.deepEqual(uses(held), { BASIC: 1, BEARER: 3, FORM: 3, HEADER: 1, PAIR: 1, QUERY: 1, SWAP: 2 })
})

held<Told & { java: boolean }>('Python’s requests and urllib, Node’s fetch, Java', 'languages', (seen) => {
  const java = seen.java ? ['java HTTP_2 known'] : []
  assert.deepEqual(
    lines(seen.text),
    [
      'requests known',
      "a session of requests ['known', 'known', 'known']",
      'urllib known',
      'requests, Basic known',
      'fetch known known',
      'fetch, a header known',
      ...java,
    ],
    seen.stderr,
  )
  fine(seen)
})

held<{ attached: Told; swapped: Told; without: Told; log: string }>(
  'git: clones, pushes and clones again by https, with a token',
  'git',
  ({ attached, swapped, without, log }) => {
    assert.notEqual(without.exitCode, 0, 'control: the host asks for a password')
    assert.match(without.stderr, /could not read Username/)
    assert.deepEqual(lines(attached.text), ['hello', 'from inside'], attached.stderr)
    assert.equal(log, 'from inside job\n')
    assert.equal(swapped.text, 'refs/heads/main\n', swapped.stderr)
    fine({ ...attached, stderr: '' })
    fine(swapped)
  },
)

held<Told & { payloads: string[]; known: string; stranger: string }>(
  'the AWS SDK for JavaScript, at a host that checks signatures',
  's3',
  (seen) => {
    assert.deepEqual(
      JSON.parse(seen.known || '{}'),
      { put: 200, get: 'hello', stream: true },
      'control: the host serves who has the keys, without Glovebox',
    )
    const stranger = Object.values<unknown>(JSON.parse(seen.stranger || '{}'))
    assert.equal(stranger.length, 3)
    for (const each of stranger)
      assert.match(String(each), /^failed: .*SignatureDoesNotMatch/, 'control: and nobody else')
    assert.deepEqual(JSON.parse(seen.text || '{}'), {
      put: 200,
      get: 'hello',
      list: ['a folder/ä+b.txt'],
      stream: true,
      unsigned: 200,
      multipart: 5 * 1024 * 1024 + 1000,
      'presigned, not granted': 403,
      'presigned, granted': [200, 'hello'],
      'with keys of its own': 403,
      'for another region': 403,
      delete: 204,
    })
    assert.deepEqual(seen.payloads, ['SHA-256', 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', 'UNSIGNED-PAYLOAD'])
    assert.deepEqual(seen.leaked, [])
    assert.deepEqual(seen.verdicts, ['allow', 'denyPresigned', 'denySignature'])
  },
)

held<Told & { alive: boolean[]; direct: boolean[] }>(
  'a token that an OpenID provider minted for this run is known while it runs, and revoked after it',
  'exchange',
  (seen) => {
    assert.equal(seen.text, 'known', seen.stderr)
    fine(seen)
    assert.deepEqual(seen.alive, [false], 'one was minted, and it is revoked')
    assert.deepEqual(seen.direct, [false])
  },
)

held<{ held: Told; without: Told }>(
  'gRPC: one answer, many, both ways at once',
  'grpc',
  ({ held, without }) => {
    const stranger = 'code 16 who is it'
    const denied = 'code 7 not this'
    assert.deepEqual(JSON.parse(without.text), {
      one: stranger,
      many: ['code 16'],
      both: ['code 16'],
      denied,
    })
    assert.deepEqual(JSON.parse(held.text || '{}'), {
      one: { word: 'a!' },
      many: ['b', 'bb', 'bbb'].map((word) => ({ word })),
      both: ['X', 'Y', 'Z'].map((word) => ({ word })),
      denied,
    })
    fine(held)
    assert.deepEqual(uses(held), { GRPC: 4 })
  },
)

held<{ held: Told; without: Told }>(
  'a WebSocket, by the request that asks for it',
  'websocket',
  ({ held, without }) => {
    assert.match(without.text, /status 401/, 'control: the host knows nobody else')
    assert.deepEqual(JSON.parse(held.text || '[]'), ['one!', 'two!'], held.stderr)
    fine(held)
    assert.deepEqual(uses(held), { SOCKET: 1 })
  },
)
