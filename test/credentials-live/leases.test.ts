/**
 * The attack: go on using a credential when its lease has ended, by what is open already. A regression would show as an answer that comes
 * to its end, or as a request that a host knows.
 */
import assert from 'node:assert/strict'
import { stage } from '../egress/tools.js'

const lease = stage('../credentials-live/leases-worker')

interface Answer {
  readonly status: number
  readonly end: string
  readonly bytes: number
}
interface Seen {
  readonly first: Answer
  readonly stream: Answer
  readonly slow: Answer
  readonly slowStream: Answer
  readonly socket: { readonly code: number; readonly echoes: number }
  readonly upload: { readonly status: number }
  readonly kept: Answer
  readonly another: Answer
  readonly anotherStream: Answer
}
interface Told<S = Seen> {
  readonly exitCode: number
  readonly stderr: string
  readonly seen: S
  readonly credentials: readonly {
    readonly uses: number
    readonly refused: number
    readonly endedBy?: string
  }[]
  readonly verdicts: readonly string[]
  /** how often the host saw the value */
  readonly came: number
  /** how many uploads came to their end there */
  readonly uploaded: number
}

const whole = ({ status, end }: Answer) => [status, end]

function endedWith({ seen, verdicts, credentials, came, uploaded, stderr }: Told): void {
  assert.ok('first' in seen, stderr)
  assert.deepEqual(
    [whole(seen.first), whole(seen.stream)],
    [
      [200, 'whole'],
      [200, 'whole'],
    ],
    'while it lives',
  )
  assert.ok(seen.slow.end !== 'whole' && seen.slow.bytes > 0, `${JSON.stringify(seen.slow)}`)
  assert.ok(seen.slowStream.end !== 'whole' && seen.slowStream.bytes > 0, JSON.stringify(seen.slowStream))
  assert.ok(seen.socket.echoes > 0 && seen.socket.code !== 1000, JSON.stringify(seen.socket))
  assert.notEqual(seen.upload.status, 200)
  assert.equal(uploaded, 0)
  assert.equal(seen.another.status, 403)
  for (const late of [seen.kept, seen.anotherStream])
    assert.ok([0, 403].includes(late.status), JSON.stringify(late))
  assert.ok(verdicts.includes('denyCredentialEnded'))
  assert.equal(credentials[0]?.uses, 6)
  assert.ok((credentials[0]?.refused ?? 0) >= 1)
  assert.equal(came, 4, 'the value came with what was asked while the lease lived, the WebSocket apart')
}

lease<Told>(
  'control: with time left, answers and a WebSocket go on to their end',
  'long',
  ({ seen, verdicts, stderr }) => {
    assert.ok('first' in seen, stderr)
    for (const each of [
      seen.first,
      seen.stream,
      seen.slow,
      seen.slowStream,
      seen.kept,
      seen.another,
      seen.anotherStream,
    ])
      assert.deepEqual(whole(each), [200, 'whole'])
    assert.equal(seen.socket.code, 1000)
    assert.deepEqual(verdicts, ['allow'])
  },
)

lease<Told>('after the ttl: open answers and WebSockets are cut, and nothing more is asked', 'ttl', endedWith)

lease<Told>('the same at once when it is revoked', 'revoked', endedWith)

lease<Told<Record<string, number>>>(
  'uses are counted over streams that are asked at once and taken back',
  'uses',
  (told) => {
    const { 200: good = 0, 403: refused = 0 } = told.seen as Record<string, number>
    assert.ok(good <= 5 && good >= 1, JSON.stringify(told.seen))
    assert.ok(refused >= 40, JSON.stringify(told.seen))
    assert.ok(told.came <= 5, `it came ${told.came} times`)
    assert.equal(told.credentials[0]?.uses, 5)
    assert.ok(told.verdicts.includes('denyCredentialEnded'))
  },
)

lease<Told<number> & { left: number }>('with the sandbox its requests end', 'ending', ({ seen, left }) => {
  assert.equal(seen, 200)
  assert.equal(left, 1)
})
