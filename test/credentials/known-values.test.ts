/** What one run knows of values is kept out of what it says, and stays bounded however often a value changes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../src/credentials/index.js'
import { KnownValues } from '../../src/sandbox/credentials/known-values.js'

const value = (number: number) => `sk-live-${number.toString().padStart(12, '0')}`
const learn = (known: KnownValues, name: string, text: string) =>
  known.learn({ name, use: { kind: 'bearer' } }, { kind: 'value', value: new Secret(name, text) })

test('the values of a credential that changes all day are the last ones; another’s stays', () => {
  const known = new KnownValues()
  learn(known, 'OTHER', value(999_999))
  for (let number = 0; number < 1000; number++) learn(known, 'TOKEN', value(number))
  assert.equal(known.redact(`${value(999)} ${value(999_999)}`), '[secret TOKEN] [secret OTHER]')
  assert.equal(known.redact(value(0)), value(0))
})

test('lines that a source gave do not crowd out what goes into requests', () => {
  const known = new KnownValues()
  learn(known, 'TOKEN', value(1))
  known.heard('TOKEN', Array.from({ length: 1000 }, (_, line) => value(1000 + line)).join('\n'))
  assert.equal(known.redact(value(1)), '[secret TOKEN]')
  assert.equal(known.redact(value(1999)), '[secret TOKEN]')
})

test('a line that was heard and then learned is what goes into requests', () => {
  const known = new KnownValues()
  known.heard('TOKEN', `${value(1)}\n`)
  learn(known, 'TOKEN', value(1))
  known.heard('TOKEN', Array.from({ length: 1000 }, (_, line) => value(1000 + line)).join('\n'))
  assert.equal(known.redact(value(1)), '[secret TOKEN]')
})

test('of a pair for Basic the password is known by itself; where the policy says the user, the value is the password', () => {
  const pair = 'alice:pw-4eC39HqLyjWDarjt'
  const material = { kind: 'value', value: new Secret('TOKEN', pair) } as const
  const [known, whole] = [new KnownValues(), new KnownValues()]
  known.learn({ name: 'TOKEN', use: { kind: 'basic', user: null } }, material)
  whole.learn({ name: 'TOKEN', use: { kind: 'basic', user: 'bob' } }, material)
  for (const each of [known, whole]) assert.equal(each.redact(`said ${pair}.`), 'said [secret TOKEN].')
  const said = '{"user":"alice","password":"pw-4eC39HqLyjWDarjt"}'
  assert.equal(known.redact(said), '{"user":"alice","password":"[secret TOKEN]"}')
  assert.equal(known.nameInBytes(Buffer.from(said)), 'TOKEN')
  assert.equal(whole.redact(said), said, 'what stands behind a colon of a password is no password')
})
