/**
 * What stays and what weighs, tried by `glovebox verify`. A regression shows as a probe that is broken, or as one whose
 * control fails, and proves nothing.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ProbeResult } from '../../src/proof/index.js'
import { family } from '../run/tools.js'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachUser, type TestUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('probes-life-worker.js', import.meta.url))
const FAMILIES =
  'scratch,outputs,live,memory,processors,processes,descriptors,output,cores,deadline,silence,supervisor,next,left,forged'

/** Only to stop a hang. */
const HANG = { timeout: 300_000, killSignal: 'SIGKILL' } as const

async function unreadable(user: TestUser): Promise<boolean> {
  return (await finished(user.as(['test', '-r', WORKER]), { cwd: '/' })).status !== 0
}

interface Said {
  readonly probes: number
  readonly results: readonly ProbeResult[]
}

async function tried(user: TestUser, policy: object, folder: string): Promise<readonly ProbeResult[]> {
  const argv = user.as([process.execPath, WORKER, JSON.stringify(policy), FAMILIES])
  const env = { ...process.env, TMPDIR: folder }
  const { stdout, stderr, status } = await finished(argv, { cwd: '/', env, ...HANG })
  assert.equal(status, 0, stderr)
  const { probes, results } = JSON.parse(stdout) as Said
  assert.ok(probes > 30, `${probes}`)
  return results
}

const failed = (results: readonly ProbeResult[]) =>
  results.filter(({ status }) => status === 'broken' || status === 'controlFailed')
const held = (results: readonly ProbeResult[]) =>
  results.filter(({ status }) => status === 'holds').map(({ probe }) => probe)

/** A share of a processor is refused where no cgroup holds it. */
const POLICIES: readonly (readonly [name: string, policy: (folder: string) => object])[] = [
  ['the default policy', () => ({})],
  [
    'small limits',
    () => ({
      limits: { memory: '16MiB', processes: 2, openFiles: 8, output: '16B', scratch: '64KiB' },
      lifetime: { deadline: '100ms' },
    }),
  ],
  [
    'large limits, and a way out of each kind',
    (folder) => ({
      limits: { memory: '2GiB', processes: 4096, openFiles: 65536, output: '1GiB', scratch: '1GiB' },
      lifetime: { deadline: '1h', noOutput: '10m' },
      files: { write: [`${folder}/out:/out`, { path: `${folder}/live`, inside: '/live', live: true }] },
    }),
  ],
]

for (const [name, policy] of POLICIES)
  asEachUser(`all that stays or weighs is held, and its control is not: ${name}`, async (user, t) => {
    if (await unreadable(user)) return t.skip('the checkout is not readable for this user')
    const folder = testFolder(t, 0o777)
    for (const each of ['out', 'live', 'tmp']) mkdirSync(join(folder, each), { mode: 0o777 })
    await finished(['chmod', '777', join(folder, 'out'), join(folder, 'live'), join(folder, 'tmp')])
    const results = await tried(user, policy(folder), join(folder, 'tmp'))
    assert.deepEqual(failed(results), [])
    const all = held(results)
    assert.ok(all.length >= 20, all.join(' '))
    assert.equal(all.includes('memory.process'), user.noMemoryLimit === null, all.join(' '))
    if (name.startsWith('large'))
      for (const each of ['outputs.link', 'outputs.swapped', 'live.beside', 'silence.stay'])
        assert.ok(all.includes(each), each)
    for (const each of ['out', 'live', 'tmp']) assert.deepEqual(readdirSync(join(folder, each)), [], each)
  })

asEachUser(
  'a share of a processor is held',
  async (user, t) => {
    if (await unreadable(user)) return t.skip('the checkout is not readable for this user')
    const results = await tried(user, { limits: { cpus: 0.5 } }, testFolder(t, 0o777))
    assert.deepEqual(failed(results), [])
    assert.ok(held(results).includes('processors.time'))
  },
  (user) => (user.noMemoryLimit === null ? null : 'without cgroups there is no such share'),
)

asEachUser('verify, killed at any moment, leaves no process and no file', async (user, t) => {
  if (await unreadable(user)) return t.skip('the checkout is not readable for this user')
  for (const ms of [150, 600, 1500, 3000]) {
    const folder = testFolder(t, 0o777)
    const [file = '', ...args] = user.as([process.execPath, WORKER, '{}', 'deadline,supervisor,left,memory'])
    const env = { ...process.env, TMPDIR: folder }
    const child = spawn(file, args, { cwd: '/', env, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    await sleep(ms)
    const all = new Map(family(child.pid ?? assert.fail('not started')).map((pid) => [pid, startedAt(pid)]))
    child.kill('SIGKILL')
    await ended
    const alive = () => [...all].filter(([pid, started]) => started !== '' && startedAt(pid) === started)
    // the journal of an ordinary user stays, empty or with what the next verification sweeps
    const files = () => readdirSync(folder).filter((name) => name.startsWith('glovebox-verify-'))
    const left = () => [...alive(), ...files()]
    for (let tries = 0; left().length > 0 && tries < 1500; tries++) await sleep(10)
    assert.deepEqual(alive(), [], `killed after ${ms} ms`)
    // killed when it was made, and nobody was there yet who would remove it: the next verification does
    if (files().length > 0)
      await finished(user.as([process.execPath, WORKER, '{}', 'deadline']), { cwd: '/', env })
    assert.deepEqual(files(), [], `killed after ${ms} ms`)
  }
})

/** Empty when it is gone, or waits to be reaped. */
function startedAt(pid: number): string {
  try {
    const [state, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return state === 'Z' ? '' : (rest[18] ?? '')
  } catch {
    return ''
  }
}
