import assert from 'node:assert/strict'
import { asEachUser } from '../support/users.js'
import { inside } from './tools.js'

/**
 * The attack: send something that is no connection. A regression shows as a datagram that nobody refuses (a QUIC client would wait
 * for an answer, or find one), or as one that no report knows of.
 */
const REFUSED = [
  ['1.1.1.1', 443],
  ['8.8.8.8', 53],
  ['198.18.0.53', 54],
  ['127.0.0.1', 5353],
  ['127.0.0.53', 53],
  ['255.255.255.255', 67],
  ['224.0.0.251', 5353],
  ['2606:4700::1', 443],
  ['::1', 53],
  ['ff02::fb', 5353],
] as const

asEachUser('a question to the resolver arrives, and its answer comes back', async (user) => {
  const { look, questions, end } = await inside(user, ['udp,198.18.0.53,53', 'udp_heard,198.18.0.53,53'])
  assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
  assert.equal(look('udp_heard,198.18.0.53,53').detail, 'answer')
  assert.deepEqual(questions, ['question', 'question'])
  assert.deepEqual(end.datagrams, [])
})

asEachUser('every other datagram is refused at once, and told of', async (user) => {
  const attempts = REFUSED.map(([address, port]) => `udp,${address},${port}`)
  const { look, questions, end } = await inside(user, attempts)
  for (const attempt of attempts) assert.equal(look(attempt).result, 'EPERM', attempt)
  assert.deepEqual(questions, [])
  assert.deepEqual(
    end.datagrams.map(({ protocol, address, port, count }) => [protocol, address, port, count]),
    REFUSED.map(([address, port]) => ['udp', address, port, 1]),
  )
  for (const { firstMs } of end.datagrams) assert.ok(Math.abs(firstMs - Date.now()) < 600_000)
})

asEachUser('a program that only waits for an answer hears of the refusal too', async (user) => {
  const attempts = ['udp_heard,1.1.1.1,443', 'udp_heard,2606:4700::1,443']
  const { look } = await inside(user, attempts)
  for (const attempt of attempts) assert.equal(look(attempt).result, 'ECONNREFUSED')
})

asEachUser('no other protocol is spoken: raw, ping, SCTP, UDP-Lite, MPTCP, packet sockets', async (user) => {
  const kinds = [
    '2,3,1',
    '2,3,255',
    '2,2,1',
    '10,2,58',
    '2,2,136',
    '2,1,132',
    '2,5,132',
    '2,1,262',
    '2,10,768',
    '17,3,0',
    '17,2,0',
    '40,1,0',
    '38,5,0',
  ]
  const attempts = kinds.map((kind) => `made,${kind}`)
  const { look } = await inside(user, [...attempts, 'made,2,1,6', 'made,10,2,17'])
  for (const attempt of attempts) assert.match(look(attempt).result, /^E(PROTO|AF)NOSUPPORT$/, attempt)
  assert.equal(look('made,2,1,6').result, 'ok')
  assert.equal(look('made,10,2,17').result, 'ok')
})

asEachUser('IP options and multicast groups are no way round', async (user) => {
  const { look, questions, end } = await inside(user, ['options_header', 'multicast'])
  assert.equal(look('options_header').result, 'EPERM')
  assert.equal(look('multicast').result, 'EPERM')
  assert.deepEqual(questions, [])
  const told = end.datagrams.map(({ protocol, address }) => `${protocol} ${address}`)
  assert.ok(told.includes('udp 224.1.2.3'), `${told}`)
  assert.ok(told.includes('udp 198.18.0.53'), `${told}`)
})

asEachUser('a flood is refused like one, and what is told of it is bounded', async (user) => {
  const { look, end } = await inside(user, ['flood,20000', 'udp,198.18.0.53,53'])
  assert.equal(look('flood,20000').result, 'ok')
  assert.equal(look('udp,198.18.0.53,53').detail, 'answer')
  assert.equal(end.datagrams.length, 64)
  const told = end.datagramsOmitted + end.datagrams.reduce((sum, { count }) => sum + count, 0)
  assert.ok(told >= 64 && told < 20_000, `${told}`)
})
