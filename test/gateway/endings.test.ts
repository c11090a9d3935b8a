/** Whatever ends, the network ends with it, what was tried is told, and nothing is left. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { LaunchError } from '../../src/errors/index.js'
import { startGateway } from '../../src/gateway/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { NO_NAMESPACE } from './namespace.js'
import { find, gatewaysOf, line, planOf, rule, Setting, talk } from './setting.js'

describe('the gateway’s end', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'] } })
  after(() => setting.close())
  const { job } = setting

  test('killed: connections break, nothing else opens, what was told is kept, and the next gateway serves', async () => {
    const host = await setting.server((socket) => socket.pipe(socket))
    const plan = planOf([rule('good.test', { [host.port]: 'tcp' })])
    const attachment = await setting.attach(plan)
    await talk(job, { host: '169.254.169.254', port: host.port }, [])
    const talking = talk(job, { host: 'good.test', port: host.port }, [line('hello')])
    await until(() => host.connections === 1)
    for (const pid of gatewaysOf(process.pid)) process.kill(pid, 'SIGKILL')
    await attachment.lost
    assert.notEqual((await talking).end, 'silent')
    const later = await talk(job, { host: 'good.test', port: host.port }, [], { waitMs: 500 })
    assert.equal(later.received, '')
    const { attempts } = await attachment.end()
    assert.ok(find(attempts, 'denyMetadata'))
    await assert.rejects(
      setting.attach(plan),
      (error) => error instanceof LaunchError && error.code === 'gateway.lost',
    )

    setting.again()
    const { value } = await setting.during(plan, () =>
      talk(job, { host: 'good.test', port: host.port }, [line('again')], { end: true }),
    )
    assert.equal(value.received, 'again')
  })

  test('a sandbox’s end closes its connections on both sides, and gives them their record', async () => {
    let [closed, heard] = [false, 0]
    const host = await setting.server((socket) => {
      socket.on('data', ({ length }: Buffer) => {
        heard += length
      })
      socket.on('close', () => {
        closed = true
      })
    })
    const attachment = await setting.attach(planOf([rule('good.test', { [host.port]: 'tcp' })]))
    const talking = talk(job, { host: 'good.test', port: host.port }, [line('hello')])
    await until(() => heard === 5)
    const { attempts } = await attachment.end()
    assert.deepEqual(
      attempts.map(({ verdict, sentBytes }) => [verdict, sentBytes]),
      [['allow', 5]],
    )
    assert.notEqual((await talking).end, 'silent')
    await until(() => closed)
  })

  test('what a job connected to in its last instant is on record, each of it', async () => {
    const port = 8443
    const attachment = await setting.attach(planOf([rule('good.test', { [port]: 'tls' })]))
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    // busy with others: the kernel takes the connections, and nobody looks at them before the sandbox's end is asked for
    process.kill(pid, 'SIGSTOP')
    const connected = await job.evaluate(async (require, port) => {
      const { connect } = require('node:net') as typeof import('node:net')
      const one = (at: number) =>
        new Promise<boolean>((resolve) => {
          const socket = connect(port, `203.0.113.${at}`, () => resolve(true))
          socket.on('error', () => resolve(false))
        })
      return (await Promise.all(Array.from({ length: 50 }, (_, at) => one(at + 1)))).filter(Boolean).length
    }, port)
    const ended = attachment.end()
    process.kill(pid, 'SIGCONT')
    const { attempts } = await ended
    assert.deepEqual([connected, attempts.length], [50, 50])
  })

  test('a gateway that hangs keeps no sandbox from ending: it is killed, and its network with it', async () => {
    const host = await setting.server((socket) => socket.resume())
    const attachment = await setting.attach(planOf([rule('good.test', { [host.port]: 'tcp' })]))
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    process.kill(pid, 'SIGSTOP')
    await attachment.end()
    await attachment.lost
    assert.ok(setting.gateway.ended)
    await until(() => !existsSync(`/proc/${pid}`))
    setting.again()
  })

  test('what was attached and ended two hundred times leaves no descriptor and no process', async () => {
    const host = await setting.server((socket) => socket.end('x'))
    const plan = planOf([rule('good.test', { [host.port]: 'tcp' })])
    const round = () => setting.during(plan, () => talk(job, { host: 'good.test', port: host.port }, []))
    await round()
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    const before = [descriptors(pid), descriptors(process.pid)]
    for (let each = 0; each < 200; each += 1) await round()
    assert.deepEqual([descriptors(pid), descriptors(process.pid)], before)
  })

  test('an idle gateway keeps no process alive, and ends with it', async () => {
    const program = `
      import { startGateway } from '${join(ROOT, 'dist/src/gateway/index.js')}'
      import { hostOf } from '${join(ROOT, 'dist/src/sandbox/index.js')}'
      const gateway = startGateway({ host: hostOf() })
      setTimeout(() => console.log('up'), 400)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gateways = await new Promise<number[]>((resolve) =>
      child.stdout?.once('data', () => resolve(gatewaysOf(child.pid ?? 0))),
    )
    const status = await new Promise((resolve) => child.once('exit', resolve))
    assert.equal(status, 0)
    await until(() => gateways.every((pid) => !existsSync(`/proc/${pid}`)))
  })

  test('a supervisor that is killed takes its gateway with it', async () => {
    const program = `
      import { startGateway } from '${join(ROOT, 'dist/src/gateway/index.js')}'
      import { hostOf } from '${join(ROOT, 'dist/src/sandbox/index.js')}'
      startGateway({ host: hostOf() })
      setTimeout(() => console.log('up'), 500)
      setTimeout(() => {}, 60000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gateways = await new Promise<number[]>((resolve) =>
      child.stdout?.once('data', () => resolve(gatewaysOf(child.pid ?? 0))),
    )
    assert.ok(gateways.length >= 1)
    child.kill('SIGKILL')
    await until(() => gateways.every((pid) => !existsSync(`/proc/${pid}`)))
  })

  test('without bubblewrap, or without user namespaces, there is no gateway', () => {
    const host = hostOf()
    for (const lacking of [
      { ...host, bubblewrap: null },
      { ...host, userNamespacesRefused: 'They are switched off.' },
    ])
      assert.throws(
        () => startGateway({ host: lacking }),
        (error) => error instanceof LaunchError && error.code === 'gateway.unavailable',
      )
  })

  test('a jail that leaves its gateway behind when it is killed: both are gone, and nobody waits for ever', {
    timeout: 60_000,
  }, async () => {
    const folder = sharedFolder()
    const left = join(folder, 'left')
    const bubblewrap = join(folder, 'bubblewrap')
    // as a gateway does, it holds what was given to it, and ends with its line to the supervisor
    const script = `#!/bin/sh\n{ echo there > ${left}; cat <&3 > /dev/null; rm ${left}; } &\nexec sleep 1000\n`
    writeFileSync(bubblewrap, script, { mode: 0o755 })
    chmodSync(folder, 0o777)
    const gateway = startGateway({ host: { ...hostOf(), bubblewrap } })
    await until(() => existsSync(left))
    await gateway.close()
    await until(() => !existsSync(left))
    assert.equal(gateway.ended, true)
  })

  test('a bubblewrap that does not start is a refusal of what is attached, with what it said', async () => {
    const broken = startGateway({ host: { ...hostOf(), bubblewrap: '/bin/false' } })
    await assert.rejects(
      broken.attach(planOf([]), []),
      (error) => error instanceof LaunchError && error.code === 'gateway.lost',
    )
    assert.equal(broken.ended, true)
    await broken.close()
  })
})

function descriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

/** Waits until it is so; a test that waits for ever is ended by its runner. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, 10))
}
