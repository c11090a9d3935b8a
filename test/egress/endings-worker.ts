/** Gateways that are killed, stopped or out of descriptors while jobs use them, and hosts that end badly; see jobs.ts. */
import { PassThrough } from 'node:stream'
import { boundaryNamed } from '../../src/boundary/index.js'
import { startGateway } from '../../src/gateway/index.js'
import { Glovebox, LaunchError } from '../../src/index.js'
import { hostOf, planFor } from '../../src/sandbox/index.js'
import { gatewaysOf } from '../gateway/setting.js'
import { FarSide, hasSaid, local, play, policyOf, probed, probing, read, until } from './jobs.js'

const far = new FarSide()
const dripping = await far.dripping()
const echoing = await far.echoing()
const HOSTS = { 'drip.test': ['127.0.0.1'], 'echo.test': ['127.0.0.1'] }
const NETWORK = { hosts: HOSTS, resolvers: ['127.0.0.1:9'] }
const policy = policyOf({ allow: [local('drip.test', dripping), local('echo.test', echoing)] })
const ECHO = `tcp,echo.test,${echoing},hello`
const AFTERWARDS = [ECHO, `tcp,203.0.113.9,${echoing},hello`, 'name,echo.test']

/** A Glovebox, and what runs as its gateway. */
async function withGateway() {
  const others = new Set(gatewaysOf(process.pid))
  const glovebox = await Glovebox.start({ network: NETWORK })
  return { glovebox, gateway: () => gatewaysOf(process.pid).filter((pid) => !others.has(pid)) }
}

/** The gateways of this process are told apart by when they came: scenarios that end one play one after another. */
let before: Promise<unknown> = Promise.resolve()
function inTurn<T>(scenario: () => Promise<T>): () => Promise<T> {
  return () => {
    const turn = before.then(scenario, scenario)
    before = turn.catch(() => {})
    return turn
  }
}

const signalled = (gateways: readonly number[], signal: NodeJS.Signals) => {
  for (const pid of gateways) process.kill(pid, signal)
}

await play({
  /** while a job downloads, and after it the next run of the same Glovebox */
  killedWhileItWorks: inTurn(async () => {
    const { glovebox, gateway } = await withGateway()
    const run = probing(glovebox, policy, [`download,drip.test,${dripping}`, ...AFTERWARDS])
    await hasSaid(run, 'downloading')
    const killed = gateway()
    signalled(killed, 'SIGKILL')
    const during = read(await run)
    const next = await probed(glovebox, policy, [ECHO])
    const another = gateway().every((pid) => !killed.includes(pid))
    await glovebox.close()
    return { during, next, another }
  }),

  killedWhileItIdles: inTurn(async () => {
    const { glovebox, gateway } = await withGateway()
    const stdin = new PassThrough()
    const run = probing(glovebox, policy, [`tcp,echo.test,${echoing},first`, 'wait', ...AFTERWARDS], {
      stdin,
    })
    await hasSaid(run, 'ready')
    signalled(gateway(), 'SIGKILL')
    await until(() => gateway().length === 0)
    stdin.end('go on\n')
    const seen = read(await run)
    await glovebox.close()
    return seen
  }),

  /** it has taken the sandbox's sockets, and the job has not begun */
  killedBeforeTheJob: inTurn(async () => {
    const host = hostOf()
    const boundary = boundaryNamed('process')
    if (boundary === null) throw new Error('no process boundary')
    const plan = planFor(policy, boundary, host)
    if (plan.network === null) throw new Error('no network')
    const others = new Set(gatewaysOf(process.pid))
    const gateway = startGateway({ ...NETWORK, host })
    const source = boundary.open(host, true)
    const sandbox = await source.launch(plan)
    const attachment = await gateway.attach(plan.network, sandbox.network)
    signalled(
      gatewaysOf(process.pid).filter((pid) => !others.has(pid)),
      'SIGKILL',
    )
    await attachment.lost
    let said = ''
    sandbox.stdout.on('data', (chunk: Buffer) => (said += chunk))
    sandbox.stderr.resume()
    const argv = ['curl', '-sS', '-m', '20', '-w', '%{errormsg}', `http://203.0.113.9:${echoing}/`] as const
    await sandbox.run({ argv, inputs: [], terminal: null })
    sandbox.stdin.end()
    const end = await sandbox.commandEnd
    await Promise.all([attachment.end(), sandbox.end()])
    await Promise.all([source.close(), gateway.close()])
    return { said, end }
  }),

  /** as soon as there is a process */
  killedWhileItStarts: inTurn(async () => {
    const { glovebox, gateway } = await withGateway()
    const run = probed(glovebox, policy, [ECHO]).then(
      ({ heard, recorded }) => ({ heard, recorded, code: null }),
      (error) => ({ heard: {}, recorded: '', code: error instanceof LaunchError ? error.code : `${error}` }),
    )
    await until(() => gateway().length > 0)
    signalled(gateway(), 'SIGKILL')
    const first = await run
    const next = await probed(glovebox, policy, [ECHO])
    await glovebox.close()
    return { first, next }
  }),

  /** it hangs: neither the deadline, nor a cancel, nor the next run waits for it */
  stopped: inTurn(async () => {
    const { glovebox, gateway } = await withGateway()
    const short = policyOf({ allow: [local('drip.test', dripping)] }, { lifetime: { deadline: '2s' } })
    const cancel = new AbortController()
    const runs = [
      probing(glovebox, short, [`download,drip.test,${dripping}`]),
      probing(glovebox, policy, [`download,drip.test,${dripping}`], { signal: cancel.signal }),
    ]
    await Promise.all(runs.map((run) => hasSaid(run, 'downloading')))
    signalled(gateway(), 'SIGSTOP')
    cancel.abort()
    const ended = (await Promise.all(runs)).map(read)
    const next = await probed(glovebox, policy, [ECHO])
    await glovebox.close()
    return { ended, next, left: gateway() }
  }),
})
far.close()
