/** What talks from inside may say anything, in any pieces: nothing is thrown, and whoever waits for it hears of an end. */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { TalkProblem } from '../../src/proof/probes/index.js'
import { AnswerReader } from '../../src/proof/verify/secure/answer-reader.js'
import { Talking } from '../../src/proof/verify/secure/talking.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)

const anyOf = <T>(all: readonly T[]): T => all[randomInt(all.length)] as T

function frames(): Buffer {
  const all: Buffer[] = []
  for (let left = randomInt(8); left > 0; left -= 1) {
    const content = Buffer.concat([
      Buffer.of(randomInt(20)),
      anyOf([randomBytes(randomInt(300)), Buffer.from('ok')]),
    ])
    const head = Buffer.alloc(5)
    head.write(anyOf(['c', 'd', 'x', 'v', 'f', 't', '\0']), 'latin1')
    head.writeUInt32LE(anyOf([content.length, content.length, content.length, randomInt(2 ** 32)]), 1)
    all.push(head, content.subarray(0, anyOf([content.length, randomInt(content.length + 1)])))
  }
  return Buffer.concat(all)
}

function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + randomInt(40)
    yield bytes.subarray(at, at + size)
    at += size
  }
}

const settled = (what: Promise<unknown>) =>
  what.then(
    () => {},
    (error) => assert.ok(error instanceof TalkProblem, `${error}`),
  )

test('frames at random', async () => {
  for (const until = Date.now() + 500 * SECONDS; Date.now() < until; ) {
    const talking = new Talking(new PassThrough().resume())
    const waiting = [
      talking.variable('A'),
      talking.file('/a'),
      talking.call({ host: 'a', port: 1, name: 'a.test' }),
      talking
        .call({ host: 'a', port: 1, name: 'a.test', clear: true })
        .then((line) => line.ask({ method: 'GET', path: '/', authority: 'a.test' })),
    ].map(settled)
    for (const piece of piecesOf(frames())) talking.hear(piece)
    await new Promise(setImmediate)
    talking.over()
    await Promise.all(waiting)
  }
})

test('answers at random', async () => {
  const parts = [
    'HTTP/1.1 200 OK',
    'HTTP/1.1 100 Continue',
    '\r\n',
    '\r\n\r\n',
    'Content-Length: ',
    '5',
    '-1',
    'Transfer-Encoding: chunked',
    '0',
    'ffffffff',
    ':',
    '\0',
    'x',
  ]
  for (const until = Date.now() + 500 * SECONDS; Date.now() < until; ) {
    const reader = new AnswerReader(anyOf(['GET', 'HEAD']))
    const text = Array.from({ length: randomInt(30) }, () => anyOf(parts)).join('')
    for (const piece of piecesOf(Buffer.from(text, 'latin1'))) reader.push(piece)
    reader.end(null)
    const { body } = await reader.answer
    assert.ok(body.length <= text.length)
  }
})
