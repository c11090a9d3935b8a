/**
 * One process of a run killed with -9 at some moment of its life, again and again: the supervisor, the launcher, a worker,
 * bubblewrap, a sandbox's first process, the job. GLOVEBOX_CHAOS_KILLS says how often a user; `npm run chaos` a thousand times.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { random } from '../../bench/random.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'
import { groupsOf } from '../support/left.js'
import { finished } from '../support/spawned.js'
import { asEachUser, glovebox } from '../support/users.js'

const KILLS = Number(process.env.GLOVEBOX_CHAOS_KILLS ?? 17)
const SEED = Number(process.env.GLOVEBOX_CHAOS_SEED ?? Date.now() % 1_000_000)
/** Longer than anything here is waited for. */
const FOREVER = 'echo up; exec sleep 300'
const FILES = 300
const MANY = `mkdir many; for i in $(seq ${FILES}); do echo $i > many/$i; done`
/** What a start takes here, generously: a kill after it meets a job that runs, or one that ended. µs. */
const WHOLE_LIFE_US = 250_000

interface Death {
  readonly killed: boolean
  readonly name: string
  readonly supervisor: boolean
  /** the run went on as if nothing had happened */
  readonly survived: boolean
  readonly ended: boolean
  readonly status: number
  /** their numbers when one of them was killed: a launcher's is in the names of its control groups */
  readonly family: readonly number[]
  readonly left: readonly string[]
}

let killer: string | null = null

function killerProgram(): string {
  killer ??= join(sharedFolder(), 'killer')
  if (!existsSync(killer))
    execFileSync('gcc', [
      '-O1',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-o',
      killer,
      join(ROOT, 'test/chaos/killer.c'),
    ])
  return killer
}

const NAMES = ['cell', 'bwrap', 'first', 'sleep', 'node']

asEachUser(
  `${KILLS} processes killed at random moments leave no process, and nothing on disk after the next start`,
  async (user, t) => {
    t.diagnostic(`GLOVEBOX_CHAOS_SEED=${SEED} repeats the choices`)
    const folder = testFolder(t, 0o777)
    const state = testFolder(t, 0o777)
    const env: NodeJS.ProcessEnv = { ...process.env, HOME: state, TMPDIR: state }
    delete env.XDG_STATE_HOME
    const next = random(SEED)
    const killed = new Map<string, number>()
    const numbers = new Set<number>()
    for (let count = 0; count < KILLS; count++) {
      const place = join(folder, `${count}`)
      mkdirSync(place, { mode: 0o777 })
      execFileSync('chmod', ['777', place])
      const collects = next(2) === 0
      const job = collects
        ? ['--output', `many:${place}/many`, '--', 'sh', '-c', MANY]
        : ['--', 'sh', '-c', FOREVER]
      const timed = next(2) === 0
      const how = timed ? 'time' : (NAMES[next(NAMES.length)] ?? 'time')
      const delay = timed ? next(WHOLE_LIFE_US) : next(30_000)
      const said = join(state, `said-${count}`)
      const argv = user.as([
        killerProgram(),
        how,
        `${delay}`,
        `${next(1000)}`,
        said,
        ...user.cli(['run', ...job]),
      ])
      const what = `kill ${count}: ${how} after ${delay} us, ${collects ? 'collecting' : 'running'}`
      const { stdout, stderr, status } = await finished(argv, {
        cwd: '/',
        env,
        timeout: 120_000,
        killSignal: 'SIGKILL',
      })
      assert.equal(status, 0, `${what}: ${stderr}`)
      const death = JSON.parse(stdout) as Death
      for (const pid of death.family) numbers.add(pid)
      const seen = `${what}: ${stdout.trim()}: ${existsSync(said) ? readFileSync(said, 'utf8') : ''}`
      assert.deepEqual(death.left, [], `processes outlived it: ${seen}`)
      assert.ok(death.ended, `it hung: ${seen}`)
      checkSaid(death, said, seen, collects)
      checkOutputs(place, seen)
      if (death.killed) killed.set(death.name, (killed.get(death.name) ?? 0) + 1)
    }
    t.diagnostic(`killed: ${JSON.stringify(Object.fromEntries(killed))}`)
    assert.ok([...killed.values()].reduce((sum, each) => sum + each, 0) > KILLS / 2, 'most kills met nothing')

    const after = await glovebox(user, ['run', '--', 'true'], { env })
    assert.equal(after.status, 0, after.stderr)
    for (let count = 0; count < KILLS; count++)
      assert.deepEqual(
        readdirSync(join(folder, `${count}`)).filter((name) => name !== 'many'),
        [],
      )
    const kept = readdirSync(state, { withFileTypes: true, recursive: true }).filter((each) => each.isFile())
    assert.deepEqual(
      kept.map(({ name }) => name).filter((name) => !name.startsWith('said-')),
      [],
    )
    assert.deepEqual(groupsOf(numbers), [], 'control groups')
  },
)

/** Whoever is left to speak says one sentence, and never that all went well when it did not. */
function checkSaid(death: Death, file: string, seen: string, collects: boolean): void {
  if (death.survived && death.killed) assert.equal(death.name, 'cell', `it was not missed: ${seen}`)
  if (death.supervisor || !death.killed || death.survived) return
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  for (const line of lines) assert.match(line, /^glovebox: /, seen)
  // a spare process, or one that had done its work, is not missed; a job that sleeps has not done its work
  if (death.status === 0) assert.ok(collects, seen)
  else assert.ok(lines.length > 0 || death.status === 137, `an end without a reason: ${seen}`)
}

/** All or nothing, whoever died. */
function checkOutputs(place: string, seen: string): void {
  const many = join(place, 'many')
  if (!existsSync(many)) return
  const names = readdirSync(many)
  assert.equal(names.length, FILES, `half of the outputs: ${seen}`)
  for (const name of names) assert.equal(statSync(join(many, name)).size, name.length + 1, seen)
}
