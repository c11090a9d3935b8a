/**
 * The attack: carry out, or load, more than was granted; take the gateway's connections; hold it up with what never ends. A regression
 * would show as bytes at the host beyond the limit, or as a connection that lives on. Each has a control below its limit.
 */
import assert from 'node:assert/strict'
import { stage } from './tools.js'

interface Under {
  readonly heard: readonly string[]
  readonly record: readonly string[]
}

const limit = stage('budgets-worker')
// ENOTCONN: of a shutdown() that came after the reset
const BROKEN = /^(ECONNRESET|EPIPE|ENOTCONN|ok reset after \d+)$/
const LIMIT = 100 << 10

function recorded({ record }: Under | undefined = { heard: [], record: [] }, verdict: string): void {
  assert.ok(
    record.some((line) => line.startsWith(`host.test ${verdict}`)),
    `${verdict}: ${record}`,
  )
}

limit<{ seen: Under[]; heard: { upload: number; body: number } }>(
  'no more than `maxUpload` is carried out, of a rule, of the sandbox, or in a body without end',
  'up',
  ({ seen, heard }) => {
    assert.deepEqual(
      seen.map(({ heard: [control] }) => control),
      ['ok 60000', 'ok 60000', 'ok 200'],
    )
    for (const each of seen) {
      assert.match(each.heard[1] ?? '', BROKEN)
      recorded(each, 'denyBudget')
    }
    assert.ok(heard.upload <= LIMIT && heard.body <= LIMIT, JSON.stringify(heard))
  },
)

limit<Under[]>('no more than `maxDownload` comes in', 'down', (seen) => {
  assert.deepEqual(
    seen.map(({ heard: [control] }) => control),
    ['ok end after 60000', 'ok end after 60000', 'ok 200 0'],
  )
  for (const each of seen) {
    const [, count = ''] = /^ok reset after (\d+)$/.exec(each.heard[1] ?? '') ?? []
    assert.ok(count !== '' && Number(count) <= LIMIT + 1024, each.heard[1])
    recorded(each, 'denyBudget')
  }
})

limit<Under[]>(
  'no more connections at once, or in a second, than may be',
  'connections',
  ([ofRule, ofAll, rate]) => {
    for (const each of [ofRule, ofAll]) {
      assert.equal(each?.heard[0], 'ok 3')
      assert.match(each?.heard[1] ?? '', /^ok [0-3]$/) // the first three may still be counted
      recorded(each, 'denyBudget')
    }
    assert.deepEqual(rate?.heard, ['ok 3', 'ok refused'])
    recorded(rate, 'denyBudget')
  },
)

limit<Under[]>(
  'who is silent, trickles the head of a request, or sends half a ClientHello, is cut off; who only takes its time is not',
  'times',
  ([trickle, quiet, request, loris, hello, half]) => {
    assert.deepEqual(
      [trickle, request, hello].map((each) => each?.heard[0]),
      ['ok', 'ok 200 0', 'ok echoed'],
    )
    for (const each of [quiet, loris, half]) {
      assert.match(each?.heard[0] ?? '', BROKEN)
      recorded(each, 'denyTimeout')
    }
  },
)

limit<Under[]>('a header may be long, and not endless', 'heads', ([fine, long, endless]) => {
  assert.deepEqual(fine?.heard, ['ok 200'])
  assert.match(long?.heard[0] ?? '', /^ok 4\d\d$|^ECONNRESET$|^EPIPE$/)
  assert.match(endless?.heard[0] ?? '', /^ok 4\d\d$|^ECONNRESET$|^EPIPE$/)
  for (const each of [long, endless]) recorded(each, 'denyRequest HPE_HEADER_OVERFLOW')
})

limit<Under[]>(
  'many megabytes pass whole, each way, and none of their packets is refused on the way',
  'bulk',
  (seen) => {
    assert.deepEqual(seen, [
      { heard: ['ok 20000000'], record: ['host.test allow'] },
      { heard: ['ok end after 20000000'], record: ['host.test allow'] },
    ])
  },
)
