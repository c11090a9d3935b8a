/** Sandboxes side by side in one Glovebox, and what listens on the host; see jobs.ts. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { PassThrough } from 'node:stream'
import { Glovebox } from '../../src/index.js'
import { gatewaysOf } from '../gateway/setting.js'
import { finished } from '../support/spawned.js'
import { FarSide, hasSaid, local, PROBE, play, policyOf, probed, probing, read } from './jobs.js'

const far = new FarSide()
const NETWORK = {
  hosts: { 'one.test': ['127.0.0.1'], 'two.test': ['127.0.0.1'], 'same.test': ['127.0.0.1'] },
  resolvers: ['127.0.0.1:9'],
}
const glovebox = await Glovebox.start({ network: NETWORK })
const one = await far.tcp((socket) => socket.end('one'))
const two = await far.tcp((socket) => socket.end('two'))
const bulk = await far.tcp((socket) => socket.end(Buffer.alloc(60_000)))

/** A job that goes on when its standard input ends. */
function paused(policy: Parameters<typeof probing>[1], attempts: readonly string[], tenant?: string) {
  const stdin = new PassThrough()
  const run = probing(glovebox, policy, attempts, { stdin, ...(tenant === undefined ? {} : { tenant }) })
  return { run, ready: hasSaid(run, 'ready'), goOn: () => stdin.end('\n') }
}

await play({
  async rules() {
    const first = paused(policyOf({ allow: [local('one.test', one)] }), [
      'name,one.test',
      'wait',
      `tcp,one.test,${one}`,
    ])
    let said = ''
    first.run.stdout.on('data', (chunk: Buffer) => (said += chunk))
    await first.ready
    const [address = ''] = /\b198\.1[89]\.\d+\.\d+/.exec(said) ?? []
    const second = await probed(glovebox, policyOf({ allow: [local('two.test', two)] }), [
      `tcp,${address},${one}`,
      'name,one.test',
      `tcp,one.test,${one}`,
      `tcp,127.0.0.1,${one}`,
      `tcp,two.test,${two}`,
    ])
    first.goOn()
    return { address, ports: [one, two], first: read(await first.run), second }
  },

  /** each may download once what the host has to say, and half of it again */
  async budgets() {
    const policy = policyOf({ allow: [local('same.test', bulk, 'tcp', { maxDownload: '90000B' })] })
    const twice = [`download,same.test,${bulk}`, 'wait', `download,same.test,${bulk}`]
    const both = [paused(policy, twice), paused(policy, twice)]
    await Promise.all(both.map(({ ready }) => ready))
    for (const { goOn } of both) goOn()
    return (await Promise.all(both.map(({ run }) => run))).map((result) => ({
      said: Buffer.from(result.stdout)
        .toString()
        .match(/(reset|end) after \d+/g),
      record: read(result).record,
    }))
  },

  async servers() {
    const policy = policyOf({ loopback: true })
    const serving = paused(policy, [
      'serve,127.0.0.1,8123',
      'tcp,127.0.0.1,8123',
      'wait',
      'tcp,127.0.0.1,8123',
    ])
    await serving.ready
    const others = await Promise.all(
      [policy, policyOf({ public: { ports: [80, 443, 8123] } })].map((each) =>
        probed(glovebox, each, ['tcp,127.0.0.1,8123', 'tcp,::1,8123', 'tcp,localhost,8123']),
      ),
    )
    serving.goOn()
    return { serving: read(await serving.run), others }
  },

  async host() {
    const unix = `glovebox-egress-${process.pid}`
    const own = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, scopeid }) => !internal && !scopeid)
      .map(({ address }) => address)
    const port = await far.tcp((socket) => socket.end('the host'))
    for (const address of ['::1', '127.9.9.9', ...own])
      await far.tcp((socket) => socket.end('the host'), address, port)
    await far.abstract(unix, (socket) => socket.end('the host'))
    const places = [
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f000001',
      '127.9.9.9',
      '::1',
      '::ffff:127.0.0.1',
      'localhost',
    ]
    const attempts = [...[...places, ...own].map((place) => `tcp,${place},${port}`), `abstract,${unix}`]
    const anywhere = policyOf({
      public: { ports: [port] },
      allow: [{ host: 'one.test', ports: [port], private: ['10.0.0.0/8'] }],
    })
    const inside = await probed(glovebox, anywhere, [
      ...attempts,
      `tcp,one.test,${port}`,
      `tcp,0.0.0.0,${port}`,
    ])
    const outside = await finished(['/usr/bin/python3', '-c', PROBE, ...attempts])
    return { inside, outside: outside.stdout.trimEnd().split('\n'), attempts }
  },

  /** what of the gateway could be spoken to: sockets with a name, and sockets that listen */
  async doors() {
    const policy = policyOf({ allow: [local('one.test', one)] })
    const running = paused(policy, ['wait'])
    await running.ready
    const sockets = gatewaysOf(process.pid).flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`))
      } catch {
        return [] // of another uid, which an ordinary user may not look at
      }
    })
    const inodes = new Set(sockets.map((socket) => /^socket:\[(\d+)\]$/.exec(socket)?.[1] ?? ''))
    const rows = (file: string) => readFileSync(`/proc/net/${file}`, 'utf8').trim().split('\n').slice(1)
    const words = ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((file) =>
      rows(file).map((row) => row.trim().split(/\s+/)),
    )
    // all of UDP, which knows no difference, and of TCP those that listen
    const heard = words.filter(
      ([, , far, state]) => state === '0A' || (state === '07' && /^0+:0000$/.test(far ?? '')),
    )
    const internet = heard.map((row) => row[9] ?? '')
    const named = rows('unix')
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , , , , , name]) => name !== undefined)
      .map(([, , , , , , inode = '']) => inode)
    running.goOn()
    await running.run
    return {
      looked: inodes.size > 0,
      internet: internet.filter((inode) => inodes.has(inode)),
      named: named.filter((inode) => inodes.has(inode)),
    }
  },

  async tenants() {
    const apart = await Glovebox.start({ network: { ...NETWORK, gateways: 'perTenant' } })
    const policy = policyOf({ allow: [local('one.test', one)] })
    const served: Record<string, string> = {}
    const count: number[] = []
    const others = gatewaysOf(process.pid)
    for (const tenant of ['a', 'b', 'a']) {
      const { heard } = await probed(apart, policy, [`tcp,one.test,${one}`], { tenant })
      served[tenant] = Object.values(heard).join()
      count.push(gatewaysOf(process.pid).filter((pid) => !others.includes(pid)).length)
    }
    await apart.close()
    return { served, count }
  },
})
await glovebox.close()
far.close()
