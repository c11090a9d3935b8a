/** A gateway with few descriptors, a supervisor that is killed, a Glovebox that is closed, each with jobs on the network; see jobs.ts. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { Glovebox } from '../../src/index.js'
import { gatewaysOf } from '../gateway/setting.js'
import { family, pids } from '../run/tools.js'
import { FarSide, hasSaid, local, play, policyOf, probed, probing, read, until } from './jobs.js'

const far = new FarSide()
const dripping = await far.dripping()
const echoing = await far.echoing()
const HOSTS = { 'drip.test': ['127.0.0.1'], 'echo.test': ['127.0.0.1'] }
const glovebox = await Glovebox.start({ network: { hosts: HOSTS, resolvers: ['127.0.0.1:9'] } })
const policy = policyOf({ allow: [local('drip.test', dripping), local('echo.test', echoing)] })
const HELLO = `tcp,echo.test,${echoing},hello`
const downloading = () => probing(glovebox, policy, [`download,drip.test,${dripping}`])

const namespaces = (pid: number) => {
  try {
    return ['net', 'mnt', 'pid', 'user'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return [] // gone, or another user's
  }
}

/** What this process has open, but for the servers that it plays. */
const descriptors = () =>
  readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).replace(/\d+/g, 'N')
      } catch {
        return ''
      }
    })
    .filter((target) => target !== '' && !target.includes('/proc/N/fd'))
    .sort()

await play({
  /** This process has few, now that it is loaded, and the gateway inherits that. */
  async descriptors() {
    execFileSync('prlimit', ['--pid', `${process.pid}`, '--nofile=64:64'])
    const served = await probed(glovebox, policy, [HELLO])
    const gateways = gatewaysOf(process.pid)
    const crowded = await probed(glovebox, policy, [
      `hold,echo.test,${echoing},32`,
      `again,echo.test,${echoing}`,
    ])
    const later = await probed(glovebox, policy, [HELLO])
    const same = `${gatewaysOf(process.pid)}` === `${gateways}`
    await glovebox.close()
    return { served, crowded, later, same }
  },

  /** says who is to be gone, and waits to be killed */
  async hold() {
    const runs = [downloading(), downloading()]
    await Promise.all(runs.map((run) => hasSaid(run, 'downloading')))
    process.stdout.write(`${JSON.stringify(family(process.pid))}\n`)
    await Promise.all(runs)
  },

  async close() {
    const first = await Glovebox.start()
    await first.run(policyOf({}), ['true'])
    await first.close() // what Node itself opens only once is open now
    const before = descriptors()
    const runs = Array.from({ length: 4 }, downloading)
    await Promise.all(runs.map((run) => hasSaid(run, 'downloading')))
    const spaces = new Set(
      family(process.pid)
        .slice(1)
        .flatMap(namespaces)
        .filter((each) => !namespaces(process.pid).includes(each)),
    )
    const connections = far.open.size
    await glovebox.close()
    const ended = (await Promise.all(runs)).map(read)
    // the far side's own ends close when they have heard of it
    await until(() => far.open.size === 0)
    const inSpaces = () => pids().filter((pid) => namespaces(pid).some((each) => spaces.has(each)))
    // the kernel gives numbers of namespaces again: another test's processes may be in one for a while
    await until(() => inSpaces().length === 0)
    return {
      ended: ended.map(({ reason, record }) => [reason, ...record]),
      connections,
      namespacesSeen: spaces.size > 0,
      processes: family(process.pid).slice(1),
      descriptors: descriptors().filter((target) => !before.includes(target)),
      more: descriptors().length > before.length,
    }
  },
})
far.close()
