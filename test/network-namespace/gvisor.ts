/** In the network of a job that waits: what root can do there, and gVisor's stack in place of this kernel's. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import type { TestUser } from '../support/users.js'
import type { Asked, Seen } from './box.js'
import { boxed, type Look, read } from './tools.js'

/** On every address, as the first connection ends it. */
const PORT = 7000
const JOB = `
import socket
s = socket.create_server(('0.0.0.0', ${PORT})); s.accept()`

let jobs = 0

/** A job that ends when something connects to 7000, and its pid on the host. */
export async function waiting(
  user: TestUser,
  how: Omit<Asked, 'argv'>,
): Promise<{ running: Promise<Seen>; pid: string }> {
  const mark = `waiting-${process.pid}-${++jobs}`
  const running = boxed(user, { ...how, argv: ['python3', '-c', JOB, mark] })
  let over = false
  const ended = running.finally(() => {
    over = true
  })
  ended.catch(() => {}) // the caller awaits it
  for (;;) {
    const pid = readdirSync('/proc').find((each) => /^\d+$/.test(each) && listens(each, mark))
    if (pid !== undefined) return { running, pid }
    if (over) throw new Error(`the job did not wait: ${JSON.stringify(await running)}`)
    await sleep(20)
  }
}

/** 7000 is 1B58 there. */
function listens(pid: string, mark: string): boolean {
  try {
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const sockets = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    return argv[0] === 'python3' && argv.includes(mark) && sockets.includes(':1B58 ')
  } catch {
    return false
  }
}

/**
 * The attempts by a job of runsc, which takes the interface over. It would hold any namespace for the host's own that has
 * /proc/sys/net/core/rmem_default, as each has since Linux 6.10.
 */
export async function onGvisor(
  user: TestUser,
  attempts: readonly string[],
): Promise<Seen & { readonly look: Look }> {
  const { running, pid } = await waiting(user, { place: 'beyond', loopback: true })
  const folder = bundle(attempts)
  const script = `mount -t tmpfs none /proc/sys/net/core &&
    exec runsc --root=${folder}/state --ignore-cgroups --network=sandbox --overlay2=none run --bundle=${folder} job`
  const enter = ['/usr/bin/nsenter', '--net', `--target=${pid}`]
  const job = await finished([...enter, '/usr/bin/unshare', '--mount', '/bin/sh', '-c', script], {
    timeout: 60_000,
  })
  const end = `import socket; socket.create_connection(('127.0.0.1', ${PORT}))`
  await finished([...enter, '/usr/bin/python3', '-c', end], {})
  const seen = await running
  assert.equal(job.status, 0, job.stderr)
  return { ...seen, look: read(job.stdout, attempts, job.stderr) }
}

function bundle(attempts: readonly string[]): string {
  const folder = sharedFolder()
  for (const each of ['usr', 'proc', 'dev', 'tmp', 'etc', 'job'])
    mkdirSync(join(folder, 'rootfs', each), { recursive: true })
  for (const each of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${each}`, join(folder, 'rootfs', each))
  cpSync(join(ROOT, 'test/network-namespace/attempts.py'), join(folder, 'rootfs/job/attempts.py'))
  const namespaces = ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type }))
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 1000, gid: 1000 },
      args: ['/usr/bin/python3', '/job/attempts.py', ...attempts],
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      capabilities: {},
    },
    root: { path: 'rootfs', readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
    ],
    linux: { namespaces: [...namespaces, { type: 'network', path: '/proc/self/ns/net' }] },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  return folder
}
