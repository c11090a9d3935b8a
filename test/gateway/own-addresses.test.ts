/**
 * The attack: a rule opens a private block, and a name leads to the one address in it that is this host's: every service that is not
 * meant for the network listens there. A regression would show as an address of this machine that is not known as its own.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownAddresses } from '../../src/gateway/process/own-addresses.js'

test('the loopback, in any spelling, is this host’s own; an address with another way, or none, is not', async () => {
  const own = ownAddresses(() => 0)
  const all = ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '192.0.2.1', '2001:db8::1']
  assert.deepEqual(await own(all), all.slice(0, 4))
})

test('when the kernel can’t be asked nobody is told that an address is not its own, and the next asks again', async () => {
  let asked = 0
  const own = ownAddresses(
    () => 0,
    async () => {
      asked += 1
      if (asked === 1) throw new Error('EMFILE')
      return null
    },
  )
  await assert.rejects(own(['192.0.2.1']), /EMFILE/)
  assert.deepEqual(await own(['192.0.2.1']), [])
  await assert.rejects(ownAddresses(() => 0)(['not an address']))
})

test('the kernel is asked again after a second, not before', async () => {
  let [now, asked] = [0, 0]
  const own = ownAddresses(
    () => now,
    async (address) => {
      asked += 1
      return asked > 1 ? address : null
    },
  )
  assert.deepEqual(await own(['192.0.2.1']), [])
  now = 999
  assert.deepEqual(await own(['192.0.2.1']), [])
  now = 1000
  assert.deepEqual(await own(['192.0.2.1']), ['192.0.2.1'])
  assert.equal(asked, 2)
})
