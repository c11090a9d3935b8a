/**
 * Many runs on one boundary, each second of them killed with -9 at a random moment of its life, several at a time. The attack on a host's
 * patience: what a killed run leaves behind (a process, a mount, a control group, a namespace, a container, an image, a file) stays for good unless somebody
 * looks for it, and a service runs for months.
 *
 * Other tests run beside it. So all is known by its own: processes by their number and when they started, mounts by a folder that each run
 * is granted, control groups and own files by the number of a launcher or of who called it, containers and images by the engine, which is this test's.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { after, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { boundaryNamed, isOfEngine } from '../../src/boundary/index.js'
import type { BoundaryName } from '../../src/policy/index.js'
import { hostFor } from '../../src/sandbox/index.js'
import { family, marker, sleepers, textOf } from '../run/tools.js'
import { TESTED_BOUNDARY } from '../support/boundary.js'
import { testFolder } from '../support/checkout.js'
import { TestEngine } from '../support/docker-engine.js'
import {
  assertEngineEmpty,
  filesBelow,
  groupsOf,
  kill,
  mountsWith,
  processesLeft,
  runtimeState,
  type Seen,
  settled,
  since,
} from '../support/left.js'
import { machineArchive, noMachine } from '../support/machine-image.js'
import { asEachUser, type TestUser } from '../support/users.js'

const LANES = Number(process.env.GLOVEBOX_LEFT_LANES ?? 3)
const BOUNDARY = TESTED_BOUNDARY as BoundaryName
/** Of each user, an even number. */
const RUNS = Number(process.env.GLOVEBOX_LEFT_RUNS ?? 12)

const inSentry = BOUNDARY === 'docker+runsc'
const inMachine = BOUNDARY === 'microvm'
const IMAGE = `glovebox-left-test-${process.pid}`
/** Of this process: the machines that are saved for it are of no use to the next. */
const MACHINE_FOLDER = `/left-${process.pid}`
const started = isOfEngine(BOUNDARY) ? await TestEngine.start({ sentries: inSentry }) : null
const engine = typeof started === 'string' ? null : started
if (engine !== null) {
  process.env.DOCKER_HOST = `unix://${engine.socket}`
  after(() => engine.end())
}

/** Why the boundary can't be tried by anybody; `null`: it can. */
async function lack(): Promise<string | null> {
  if (typeof started === 'string') return started
  if (inMachine && noMachine() !== null) return noMachine()
  return boundaryNamed(BOUNDARY)?.unavailable(await hostFor(BOUNDARY))?.what ?? null
}

const nowhere = await lack()

asEachUser(
  `${RUNS} runs, ${RUNS / 2} of them killed at random moments, leave nothing`,
  leaveNothing,
  ({ isRoot }) => nowhere ?? (engine !== null && !isRoot ? 'the engine of these tests is root’s' : null),
)

async function leaveNothing(user: TestUser, t: TestContext): Promise<void> {
  const [granted, home, data] = [testFolder(t), testFolder(t), testFolder(t)]
  chmodSync(granted, 0o755)
  chmodSync(home, 0o777)
  chmodSync(data, 0o777)
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, TMPDIR: home, XDG_DATA_HOME: data }
  delete env.XDG_STATE_HOME
  delete env.XDG_RUNTIME_DIR
  const mark = marker()
  const shown = inMachine ? machineWords(user, t, env, granted) : ['--read', `${granted}:/granted`]
  // a machine's jail has no folder of the host: it is known by the name of the job's own
  const mountsLeft = () => mountsWith(inMachine ? MACHINE_FOLDER : granted)
  const begin = (count: number, ...argv: string[]) => {
    // each second pair has a network: namespaces of its own, and a gateway
    const network = count % 4 < 2 ? [] : ['--allow-host', 'none.invalid']
    const args = ['run', ...shown, ...network, '--', ...argv]
    const [file = '', ...rest] = user.as(user.cli(args))
    const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe'], cwd: '/', env, detached: true })
    let said = ''
    child.stderr.on('data', (part) => {
      said += part
    })
    return { child, ended: once(child, 'close').then(([status]) => ({ status, said })) }
  }
  const whole = async (count: number) => {
    const { child, ended } = begin(count, 'true')
    const { status, said } = await ended
    assert.deepEqual([status, said], [0, ''], `run ${count}`)
    return child.pid ?? 0
  }

  const seen: Seen[] = []
  const callers = new Set<number>()
  let [alive, ran] = [0, 0]
  const killed = async (count: number, afterMs: number) => {
    const own = `${mark}${count}`
    const { child, ended } = begin(count, 'sleep', own)
    await sleep(afterMs)
    const all = family(child.pid ?? 0)
    seen.push(...all.map((pid): Seen => [pid, since(pid)]))
    if (all.length > 1) alive++
    if (sleepers(own).length > 0 || all.some(isKernel)) ran++
    // the caller alone, the launcher alone, or all that share their group
    const launcher = all.find((pid) => textOf(pid, 'comm') === 'cell\n') ?? child.pid ?? 0
    const victims = [child.pid ?? 0, launcher, -(child.pid ?? 0)]
    const victim = victims[Math.floor(Math.random() * victims.length)] ?? 0
    kill(victim)
    // its end is the caller's to handle, for as long as that takes; of a spare worker's nobody hears
    if (victim === launcher) await Promise.race([ended, sleep(1_000)])
    kill(-(child.pid ?? 0))
    await ended
  }

  // else two of them make the image of a sentry's network at once, and one is left without a name: for a day
  if (inSentry) callers.add(await whole(2))
  // the machines of both plans are booted once
  if (inMachine) for (const count of [0, 2]) callers.add(await whole(count))
  const began = Date.now()
  callers.add(await whole(0))
  // of a start among others, and a little of the job's life
  const lifeMs = (Date.now() - began) * 2
  let next = 0
  const lane = async () => {
    while (next < RUNS) {
      const count = next++
      if (count % 2 === 0) callers.add(await whole(count))
      // each in its own part of a life, so that no series of them is all too early
      else await killed(count, ((count + Math.random() * 2) / RUNS) * lifeMs)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  // on a machine that is slower now than it was when a life was measured: later and later
  for (let more = 0; alive <= RUNS / 10 && more < RUNS; more++) await killed(RUNS + more, lifeMs * (1 + more))
  assert.ok(alive > RUNS / 10, `only ${alive} kills met a start: that nothing is left says nothing`)
  t.diagnostic(`${RUNS / 2} kills: ${alive} met a sandbox in the making or later, ${ran} a job`)

  await settled(() => [...processesLeft(seen, mark), ...mountsLeft()], engine === null ? 0 : 2_000)
  assert.deepEqual(processesLeft(seen, mark), [], 'processes')
  assert.deepEqual(mountsLeft(), [], 'mounts')
  // what the dead leave empty and by its name (control groups, folders, a container that was never started) is the next start's
  callers.add(await whole(0))
  const numbers = new Set([...seen.map(([pid]) => pid), ...callers])
  assert.deepEqual(groupsOf(numbers), [], 'control groups')
  assert.deepEqual(filesBelow(home), [], 'files')
  assert.deepEqual(runtimeState(), [], 'state of a runtime')
  if (engine !== null) await assertEngineEmpty(engine, numbers, inSentry ? 2 : 1) // of a sentry's network, too
}

/** On gVisor and in a machine a job is no process of this host's: its kernel is. */
const isKernel = (pid: number) => /^(?:runsc-sandbox|[^\0]*\/qemu-system-)/.test(textOf(pid, 'cmdline'))

/** An image in the user's own store, and a folder of the sandbox's own that no other has. */
function machineWords(user: TestUser, t: TestContext, env: NodeJS.ProcessEnv, folder: string): string[] {
  const image = (...args: string[]) => {
    const waivers = ['--waive', 'limits.memory']
    const [file = '', ...rest] = user.as(
      user.cli(['image', ...args]).filter((each) => !waivers.includes(each)),
    )
    execFileSync(file, rest, { cwd: '/', env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  image('import', machineArchive(folder, ['true', 'sleep']), IMAGE)
  // an ordinary user's store is in a folder of this test's
  if (user.isRoot) t.after(() => image('rm', IMAGE))
  return ['--root', `image:${IMAGE}`, '--workdir', MACHINE_FOLDER]
}
