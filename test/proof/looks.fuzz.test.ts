/** The program's output comes out of a sandbox that may be broken: whatever it is, it becomes looks that can be shown. */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { test } from 'node:test'
import type { Attempt } from '../../src/proof/probes/index.js'
import { judge } from '../../src/proof/verify/judge.js'
import { toldOf, triedOf, wordOf } from '../../src/proof/verify/looks.js'

const SECONDS = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 1)
const ATTEMPTS: readonly Attempt[] = [
  { words: ['signal', '7', '0'] },
  { words: ['read', '/proc/1/environ'], reached: ({ detail }) => detail !== '' },
  { words: ['cwd'], reached: ({ result }) => result !== 'ok', lacking: ({ result }) => result === 'EPERM' },
]
// biome-ignore lint/suspicious/noControlCharactersInRegex: that none of them is left is what is tested
const PRINTABLE = /^[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]*$/u

/** Pieces of what is meant, of what is not, and of bytes. */
function hostile(): Buffer {
  const pieces: (string | Buffer)[] = []
  for (let left = randomInt(12); left > 0; left -= 1) {
    const attempt = ATTEMPTS[randomInt(ATTEMPTS.length)] as Attempt
    const some = [
      wordOf(attempt),
      '\t',
      '\n',
      'ok',
      'EPERM',
      'ended',
      '\r\n',
      '\u001b[2J',
      '\0',
      '\u202e',
      'x'.repeat(randomInt(40_000)),
      randomBytes(randomInt(64)),
    ]
    pieces.push(some[randomInt(some.length)] as string | Buffer)
  }
  return Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)))
}

test('no output of the program throws, adds an attempt, or shows anything but printable text', () => {
  const end = Date.now() + SECONDS * 1000
  do {
    const stdout = hostile()
    const tried = triedOf(ATTEMPTS, stdout, 'SIGKILL')
    assert.equal(tried.length, ATTEMPTS.length)
    assert.ok(toldOf(ATTEMPTS, stdout) <= ATTEMPTS.length)
    for (const [index, { attempt, look }] of tried.entries()) {
      assert.equal(attempt, ATTEMPTS[index]?.words.join(' '))
      assert.match(look.result, /^[A-Za-z0-9]{1,24}$/)
      assert.match(look.detail, PRINTABLE)
      assert.ok(look.detail.length <= 200_000)
    }
    for (const line of judge(tried, tried).why) assert.match(line, PRINTABLE)
  } while (Date.now() < end)
})
