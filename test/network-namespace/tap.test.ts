import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { launchFailure } from '../../src/boundary/cell/failure.js'
import { bubblewrapWith } from '../../src/boundary/process/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { ROOT } from '../support/checkout.js'
import { asEachNetworkUser, type TestUser } from '../support/users.js'
import type { Asked, Seen } from './box.js'
import { boxed, type Look, read } from './tools.js'

/**
 * A virtual machine's network: the interface `job`, and a program in the sandbox that says each byte of each frame on it, as one that
 * was taken over would. The attack: a frame after which somebody answers, the router has learnt something, or the gateway hears of a
 * connection that has not the one source there is. Behind each attack an honest connection is tried: that it is answered is the control.
 */
const FRAMES = readFileSync(join(ROOT, 'test/network-namespace/frames.py'), 'utf8')
const NO_TUN = () => (hostOf().machines().tun === 'openable' ? null : '/dev/net/tun can’t be opened here')

async function speaking(
  user: TestUser,
  attempts: readonly string[],
  how: Omit<Asked, 'argv'> = {},
): Promise<Seen & { readonly look: Look }> {
  const seen = await boxed(user, { place: 'tap', ...how, argv: ['python3', '-c', FRAMES, ...attempts] })
  return { ...seen, look: read(seen.stdout, attempts, seen.stderr) }
}

const ANYWHERE = [
  ['93.184.216.34', 443],
  ['10.1.2.3', 22222],
  ['169.254.169.254', 80],
  ['127.0.0.2', 80],
  ['198.18.0.53', 53],
  ['198.18.0.0', 80],
  ['198.18.0.255', 80],
  ['240.0.0.1', 1],
  ['2606:4700::1', 8080],
  ['fd00:ec2::254', 80],
  ['fd67:6c6f:7665::c612:0', 80],
  ['1.1.1.1', 65535],
] as const
/** The kernel takes nothing from a wire that is for its own loopback. */
const MARTIAN = '127.0.0.2'

asEachNetworkUser(
  'by frames, a handshake with any address and port ends in the gateway, which knows what was meant',
  async (user) => {
    const meant = ANYWHERE.filter(([address]) => address !== MARTIAN).map(
      ([address, port]) => [`tcp,${address},${port}`, `${address} ${port}`] as const,
    )
    const { look, connections, end } = await speaking(
      user,
      meant.map(([attempt]) => attempt),
    )
    for (const [attempt, text] of meant)
      assert.deepEqual(look(attempt), { result: 'ok', detail: `you meant ${text}` })
    assert.deepEqual([...connections].sort(), meant.map(([, text]) => text).sort())
    assert.deepEqual(end.datagrams, [])
  },
  NO_TUN,
)

asEachNetworkUser(
  'by frames, questions are answered, and every other datagram is refused and told of',
  async (user) => {
    const refused = ['udp,1.1.1.1,443', 'udp,198.18.0.53,54', 'udp,2606:4700::1,443']
    const { look, questions, end } = await speaking(user, ['udp,198.18.0.53,53', ...refused])
    assert.deepEqual(look('udp,198.18.0.53,53'), { result: 'ok', detail: 'answer' })
    assert.deepEqual(questions, ['question'])
    for (const attempt of refused) assert.equal(look(attempt).result, 'ECONNREFUSED', attempt)
    const told = end.datagrams.map(({ address, port }) => `udp,${address},${port}`)
    assert.deepEqual(told.sort(), [...refused].sort())
  },
  NO_TUN,
)

/** Silent: nothing came back that was not for the honest. */
const SILENT = [
  'other_mac',
  'to_another',
  'to_all',
  'broadcasts',
  'arp',
  'neighbours',
  'router',
  'vlan',
  'other_types',
  'to_itself',
  ...['203.0.113.9', '198.18.0.0', '198.18.0.53', '127.0.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1'].map(
    (source) => `source_four,${source}`,
  ),
  ...['2001:db8::9', 'fe80::1', '::', '::1', 'fd67:6c6f:7665::c612:0', '::ffff:198.18.0.1'].map(
    (source) => `source_six,${source}`,
  ),
]
/** Refused, by an answer to the one who asked. */
const REFUSED = ['extension,0', 'extension,60', 'extension,43', 'route_option']

asEachNetworkUser(
  'by frames, a forged address, ARP, a router’s word, a tag of a VLAN, a header too many and a frame for all lead nowhere',
  async (user) => {
    const { look, connections, questions, end } = await speaking(user, [...SILENT, ...REFUSED])
    for (const attack of SILENT) assert.deepEqual(look(attack), { result: 'silent', detail: '' }, attack)
    for (const attack of REFUSED) {
      const { result, detail } = look(attack)
      assert.ok(
        result === 'silent' || /^0x(?:800\/1|86dd\/58) from \S+$/.test(detail),
        `${attack}: ${detail}`,
      )
    }
    // an honest handshake is given up by who began it, before anybody is told
    assert.deepEqual(
      connections.filter((each) => !/^(?:192\.0\.2\.200|2001:db8::200) 443$/.test(each)),
      [],
    )
    assert.deepEqual(questions, [])
    const told = end.datagrams.map(({ address }) => address)
    for (const address of ['192.0.2.2', '2001:db8::2']) assert.ok(told.includes(address), `${told}`)
  },
  NO_TUN,
)

asEachNetworkUser(
  'by frames, the router learns no neighbour, address or route',
  async (user) => {
    const { look } = await speaking(user, ['learnt'])
    assert.deepEqual(look('learnt'), { result: 'nothing', detail: '' })
  },
  NO_TUN,
)

asEachNetworkUser(
  'a program that may open /dev/net/tun takes the one interface that is its own, and makes none',
  async (user) => {
    const attempts = ['other_interface,job', 'other_interface,tap0', 'other_interface,lo', 'other_interface,']
    const { look } = await speaking(user, attempts)
    assert.equal(look('other_interface,job').result, 'taken')
    for (const attempt of attempts.slice(1))
      assert.match(look(attempt).result, /^(?:Operation not permitted|Invalid argument)$/, attempt)
    const without = await speaking(user, ['device'], { none: true })
    assert.equal(without.look('device').result, 'No such file or directory')
  },
  NO_TUN,
)

asEachNetworkUser(
  'by frames, a gateway that goes away is a refusal at once',
  async (user) => {
    const attempts = ['tcp,93.184.216.34,443', 'tcp,2606:4700::1,443', 'udp,198.18.0.53,53']
    const { look } = await speaking(user, attempts, { gone: true })
    for (const attempt of attempts) assert.equal(look(attempt).result, 'ECONNREFUSED', attempt)
  },
  NO_TUN,
)

asEachNetworkUser(
  'by frames without TPROXY, the ports of the rules end in the gateway',
  async (user) => {
    const attempts = [
      'tcp,93.184.216.34,443',
      'tcp,2606:4700::1,8080',
      'tcp,93.184.216.34,22',
      'other_mac',
      'arp',
    ]
    const { look, connections } = await speaking(user, attempts, { byPort: [443, 8080] })
    assert.ok(connections.includes('93.184.216.34 443') && connections.includes('2606:4700::1 8080'))
    assert.equal(look('tcp,93.184.216.34,22').result, 'ECONNREFUSED')
    for (const attack of ['other_mac', 'arp'])
      assert.equal(look(attack).result, 'silent', look(attack).detail)
  },
  NO_TUN,
)

asEachNetworkUser(
  'by frames, nothing of the namespace is left in the launcher or with the caller',
  async (user) => {
    for (const how of [{}, { untaken: true }, { killed: 40 }]) {
      const { descriptors } = await boxed(user, { place: 'tap', argv: ['true'], times: 4, ...how })
      assert.deepEqual(descriptors[1], descriptors[0])
    }
  },
  NO_TUN,
)

test('what keeps a sandbox from its interface is said, with what to do', () => {
  const program = bubblewrapWith({ devices: ['/dev/net/tun'] })
  for (const text of ['13: Permission denied', '2: No such file or directory']) {
    const { what, get } = launchFailure(`cell: tap: /dev/net/tun: ${text}\n`, hostOf(), program)
    assert.match(what, /tap \(\/dev\/net\/tun\): (?:Permission denied|No such file)/)
    assert.match(get, /`modprobe tun` and `chmod 0666 \/dev\/net\/tun`/)
  }
})
