/**
 * A service at work on one boundary, of which one part after another is killed with -9 at a random moment: the supervisor, the launcher, a worker,
 * what the boundary stands on, a sandbox's first process, one that waits for its job, the gateway. After each, the next run has to work; after
 * each service, nothing may be left of it. GLOVEBOX_CHAOS_KILLS says how often a user; `npm run chaos` a thousand times.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '../../bench/random.js'
import { boundaryNamed, isOfEngine } from '../../src/boundary/index.js'
import type { BoundaryName } from '../../src/policy/index.js'
import { hostFor } from '../../src/sandbox/index.js'
import { marker } from '../run/tools.js'
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
  settled,
} from '../support/left.js'
import { machineArchive, noMachine } from '../support/machine-image.js'
import { asEachUser, type TestUser } from '../support/users.js'
import { familyOf, interfaces, isThere, keptNamespaces, type Part, type Process, partsOf } from './parts.js'
import type { ServiceOptions } from './service.js'
import { type Service, serviceOf } from './started-service.js'

const BOUNDARY = TESTED_BOUNDARY as BoundaryName
const KILLS = Number(process.env.GLOVEBOX_CHAOS_KILLS ?? 8)
const SEED = Number(process.env.GLOVEBOX_CHAOS_SEED ?? Date.now() % 1_000_000)
/** Of one service, before it is closed and looked after. */
const BATCH = 10
/** When it is looked for: of a job's life, about. */
const LATEST_MS = 200
/** Until a part is there; some live for less than a look takes, so that they are looked for again. */
const APPEAR_MS = 3_000
/** For each kill, where parts are not met. */
const LOOKS = 4
/** As long as an engine takes, generously, to begin a container for somebody who died after asking. */
const QUIET_MS = 2_000
const FILES = 50
const MACHINE_FOLDER = `/parts-${process.pid}`
const IMAGE = 'parts'
/** By command: under emulation each machine takes seconds. */
const saves = TESTED_BOUNDARY === 'microvm' && KILLS >= 40

const isMachine = BOUNDARY === 'microvm'
const started = isOfEngine(BOUNDARY) ? await TestEngine.start({ sentries: true }) : null
const engine = typeof started === 'string' ? null : started
if (engine !== null) {
  process.env.DOCKER_HOST = `unix://${engine.socket}`
  after(() => engine.end())
}

async function lack(): Promise<string | null> {
  if (typeof started === 'string') return started
  if (isMachine && noMachine() !== null) return noMachine()
  return boundaryNamed(BOUNDARY)?.unavailable(await hostFor(BOUNDARY))?.what ?? null
}
const nowhere = await lack()

asEachUser(
  `${KILLS} parts of a service killed at random moments: the next run works, and nothing is left`,
  killParts,
  ({ isRoot }) => nowhere ?? (engine !== null && !isRoot ? 'the engine of these tests is root’s' : null),
)

async function killParts(user: TestUser, t: TestContext): Promise<void> {
  t.diagnostic(`GLOVEBOX_CHAOS_SEED=${SEED} repeats the choices`)
  const draw = random(SEED)
  const [granted, home, outputs] = [testFolder(t, 0o755), testFolder(t, 0o777), testFolder(t, 0o777)]
  const stored = testFolder(t)
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, TMPDIR: home }
  for (const name of ['XDG_STATE_HOME', 'XDG_DATA_HOME', 'XDG_RUNTIME_DIR']) delete env[name]
  const mark = marker()
  const as = (argv: readonly string[]) => user.as(user.isRoot ? withStore(stored, argv) : argv)
  if (isMachine) {
    const [file = '', ...rest] = as([
      process.execPath,
      join(user.checkout(), 'bin/glovebox'),
      'image',
      'import',
      machineArchive(granted, ['true', 'sleep', 'sh', 'mkdir']),
      IMAGE,
    ])
    execFileSync(file, rest, { cwd: '/', env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const shown = isMachine
    ? { root: `image:${IMAGE}`, workdir: MACHINE_FOLDER }
    : { files: { read: [`${granted}:/granted`] } }
  const options: ServiceOptions = {
    document: {
      version: 1,
      boundary: BOUNDARY,
      ...shown,
      limits: isMachine ? { memory: '64MiB', cpus: 1 } : {},
      lifetime: { deadline: '5m' },
      waive: user.noMemoryLimit === null ? [] : ['limits.memory'],
    },
    mark,
    folder: outputs,
    warm: 2,
    saves,
  }
  const [before, keptBefore] = [new Set(interfaces()), new Set(keptNamespaces())]
  const seen = new Map<string, Process>()
  const killed = new Map<string, number>()
  const missed: string[] = []
  const remember = (pid: number) => {
    const family = familyOf(pid, engine?.folder ?? null)
    for (const each of family) seen.set(`${each.pid} ${each.since}`, each)
    return family
  }
  const begin = () =>
    serviceOf(
      as([process.execPath, join(user.checkout(), 'dist/test/chaos/service.js'), JSON.stringify(options)]),
      env,
    )
  const nothingLives = async (what: string) => {
    const all = [...seen.values()].map(({ pid, since }) => [pid, since] as const)
    const left = () => [...processesLeft(all, mark), ...mountsWith(isMachine ? MACHINE_FOLDER : granted)]
    await settled(left, engine === null ? 0 : QUIET_MS)
    assert.deepEqual(left(), [], `processes and mounts after ${what}`)
  }

  const parts = partsOf(BOUNDARY)
  const offset = draw(parts.length)
  let service: Service | null = null
  t.after(() => service?.kill())
  let kills = 0
  let supervisors = 0
  for (let looks = 0; kills < KILLS && looks < KILLS * LOOKS; looks++) {
    service ??= await begin()
    // each in turn, from any of them
    const part = parts[(offset + looks) % parts.length] as Part
    const what = `kill ${kills}: ${part.name}`
    await sleep(draw(LATEST_MS))
    const victim = await find(part, () => remember(service?.pid ?? 0), draw)
    if (victim === null || !isThere(victim)) {
      missed.push(part.name)
      continue
    }
    kill(victim.pid)
    kills++
    const name = part.name === 'anything' ? `anything: ${victim.name}` : part.name
    killed.set(name, (killed.get(name) ?? 0) + 1)
    if (victim.pid === service.pid) {
      supervisors++
      await service.ended
      service = null
      await nothingLives(what)
      continue
    }
    await service.check().catch((error) => assert.fail(`${what}: ${error.message}`))
    remember(service.pid)
    if (kills % BATCH !== 0) continue
    await service.close()
    service = null
    await nothingLives(what)
  }
  await service?.close()
  // what the dead leave empty and by its name is the next start's
  service = await begin()
  await service.check()
  if (saves) await service.save()
  remember(service.pid)
  await service.close()
  await nothingLives('all')

  t.diagnostic(`killed: ${JSON.stringify(Object.fromEntries(killed))}; not met: ${missed.join(', ')}`)
  assert.equal(kills, KILLS, 'kills that met a part: that nothing is left says little')
  const numbers = new Set([...seen.values()].map(({ pid }) => pid))
  assert.deepEqual(groupsOf(numbers), [], 'control groups')
  assert.deepEqual(
    filesBelow(home).filter((file) => !isKept(file)),
    [],
    'files',
  )
  assert.deepEqual(
    filesBelow(stored).filter((file) => !isKept(file)),
    [],
    'files of the store',
  )
  for (const name of readdirSync(outputs)) {
    assert.match(name, /^many-\d+$/, 'half made outputs')
    assert.equal(readdirSync(join(outputs, name)).length, FILES, 'half of the outputs')
  }
  assert.deepEqual(runtimeState(), [], 'state of a runtime')
  await settled(() => interfaces().filter((name) => !before.has(name)))
  assert.deepEqual(
    interfaces().filter((name) => !before.has(name)),
    [],
    'network interfaces',
  )
  if (engine === null) return
  const shims = killed.get('anything: containerd-shim') ?? 0
  await assertEngineEmpty(engine, numbers, BOUNDARY === 'docker+runsc' ? 2 : 1, shims + supervisors)
  const kept = keptNamespaces().filter((line) => line.includes(engine.folder) && !keptBefore.has(line))
  assert.deepEqual(
    kept.filter((line) => !line.includes('netns/default')),
    [],
    'namespaces',
  )
}

/** Whole saved machines and the image stay, each in its place; what was being made is called otherwise. */
const isKept = (file: string) =>
  /\/machines\/([0-9a-f]{64}\/(?:memory|state|machine\.json)|kvm\.json|lock)$/.test(file) ||
  /\/images\/(?:(?:images|names)\/.*|lock|disk-lock)$/.test(file)

/** Root's own places are in a folder of this test's: saved machines of others are not looked at, and not pushed out. */
function withStore(folder: string, argv: readonly string[]): string[] {
  const script = 'mkdir -p /var/lib/glovebox && mount --bind "$0" /var/lib/glovebox && exec "$@"'
  return ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', script, folder, ...argv]
}

const pick = <T>(all: readonly T[], draw: (below: number) => number): T => all[draw(all.length)] as T

async function find(
  part: Part,
  look: () => readonly Process[],
  draw: (below: number) => number,
): Promise<Process | null> {
  for (const end = Date.now() + APPEAR_MS; Date.now() < end; await sleep(20)) {
    const found = part.of(look())
    if (found.length > 0) return pick(found, draw)
  }
  return null
}
