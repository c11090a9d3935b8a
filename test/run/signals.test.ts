/**
 * Signals to the command line, and the death of what supervises a sandbox. A regression shows as a job that never hears
 * of a signal, or one that outlives its supervisor.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostOf } from '../../src/sandbox/index.js'
import {
  asRootAndOrdinary,
  family,
  firstProcess,
  launchersOf,
  marker,
  noSleeper,
  ran,
  sleeper,
  sleepers,
  started,
  textOf,
} from './tools.js'

const job = (script: string) => ['run', '--deadline', '50s', '--', 'sh', '-c', script]

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  asRootAndOrdinary(`${signal} reaches the job, which may handle it and end as it likes`, async (user) => {
    const run = started(
      user,
      job(`trap 'echo heard; exit 7' ${signal.slice(3)}; echo up; while :; do sleep 0.05; done`),
    )
    await run.said('up')
    run.child.kill(signal)
    const { status, stdout } = await run.ended
    assert.deepEqual([status, stdout], [7, 'up\nheard\n'])
  })

  asRootAndOrdinary(`${signal} ends a job that does not handle it: ${128 + number}`, async (user) => {
    const run = started(user, job('echo up; exec sleep 40'))
    await run.said('up')
    run.child.kill(signal)
    const { status, stderr } = await run.ended
    assert.equal(status, 128 + number)
    assert.equal(stderr, `glovebox: The job was killed by ${signal}.\n`)
  })
}

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  asRootAndOrdinary(`${signal} twice ends the sandbox, whatever the job does: ${status}`, async (user) => {
    const mark = marker()
    const run = started(user, job(`trap 'echo heard' INT TERM; echo up; while :; do sleep ${mark}; done`))
    await run.said('up')
    await sleeper(mark)
    run.child.kill(signal)
    await run.said('heard')
    run.child.kill(signal)
    const result = await run.ended
    assert.equal(result.status, status)
    assert.match(result.stderr, /^glovebox: The run was cancelled\.$/m) // the shell has words of its own
    assert.deepEqual(sleepers(mark), [])
  })

asRootAndOrdinary('a signal before the job runs ends the run, at any moment', async (user) => {
  for (const ms of [60, 90, 120, 150]) {
    const mark = marker()
    const run = started(user, ['run', '--deadline', '50s', '--', 'sleep', mark])
    await sleep(ms)
    run.child.kill('SIGTERM')
    const { status, signal } = await run.ended
    // before Node runs our code it is the default action's
    assert.ok(status === 143 || signal === 'SIGTERM', `${status} ${signal}`)
    await noSleeper(mark)
  }
})

asRootAndOrdinary('the supervisor killed with -9: the sandbox dies with it', async (user) => {
  const mark = marker()
  const run = started(user, [
    'run',
    '--deadline',
    '50s',
    '--',
    'sh',
    '-c',
    `setsid sleep ${mark} & sleep ${mark}`,
  ])
  await sleeper(mark)
  const all = family(run.pid).slice(1)
  assert.ok(all.length >= 3)
  run.child.kill('SIGKILL')
  await run.ended
  await noSleeper(mark)
  await allGone(all)
})

asRootAndOrdinary('the supervisor killed with -9 at any moment of the start leaves nothing', async (user) => {
  const mark = marker()
  const seen = new Set<number>()
  await Promise.all(
    Array.from({ length: 16 }, async (_, at) => {
      const run = started(user, ['run', '--deadline', '50s', '--', 'sleep', mark])
      await sleep(60 + 12 * at)
      for (const pid of family(run.pid).slice(1)) seen.add(pid)
      run.child.kill('SIGKILL')
      await run.ended
    }),
  )
  await noSleeper(mark)
  await allGone([...seen])
})

asRootAndOrdinary(
  'the launcher killed with -9: the run ends with one sentence, and nothing lives on',
  async (user) => {
    const mark = marker()
    const run = started(user, ['run', '--deadline', '50s', '--', 'sleep', mark])
    await sleeper(mark)
    const [launcher] = launchersOf(run.pid)
    assert.ok(launcher !== undefined)
    const all = family(run.pid).slice(1)
    process.kill(launcher, 'SIGKILL')
    const { status, stderr } = await run.ended
    assert.equal(status, 125)
    assert.match(stderr, /^glovebox: The sandbox was killed.* from outside\b.*\n$/)
    await noSleeper(mark)
    await allGone(all)
    await ran(user, ['run', '--', 'true']) // its start sweeps
    assert.deepEqual(cgroupsOf(launcher), [])
  },
)

asRootAndOrdinary('the first process of the sandbox killed from outside ends the run', async (user) => {
  const mark = marker()
  const run = started(user, ['run', '--deadline', '50s', '--', 'sleep', mark])
  await sleeper(mark)
  const agent = firstProcess(mark, run.pid)
  assert.ok(agent !== 0 && family(run.pid).includes(agent))
  process.kill(agent, 'SIGKILL')
  const { status } = await run.ended
  assert.equal(status, 125)
  await noSleeper(mark)
})

asRootAndOrdinary('the deadline holds even while the supervisor is stopped', async (user) => {
  const mark = marker()
  const run = started(user, ['run', '--deadline', '800ms', '--', 'sleep', mark])
  await sleeper(mark)
  run.child.kill('SIGSTOP')
  await noSleeper(mark)
  run.child.kill('SIGCONT')
  assert.equal((await run.ended).status, 124)
})

asRootAndOrdinary('the deadline holds even while supervisor and launcher are stopped', async (user) => {
  const mark = marker()
  const run = started(user, ['run', '--deadline', '800ms', '--', 'sleep', mark])
  await sleeper(mark)
  const launchers = launchersOf(run.pid)
  assert.equal(launchers.length, 1)
  run.child.kill('SIGSTOP')
  for (const pid of launchers) process.kill(pid, 'SIGSTOP')
  await noSleeper(mark)
  for (const pid of launchers) process.kill(pid, 'SIGCONT')
  run.child.kill('SIGCONT')
  assert.equal((await run.ended).status, 124)
})

async function allGone(pids: readonly number[]): Promise<void> {
  // a pid may have been given to another process since: only ours are called so
  const ours = () =>
    pids.filter(
      (pid) =>
        /^(cell|bwrap|sleep|agent|7)\n$/.test(textOf(pid, 'comm')) &&
        !/^State:\sZ/m.test(textOf(pid, 'status')),
    )
  for (let tries = 0; ours().length > 0; tries++) {
    assert.ok(tries < 1000, `still there: ${ours().map((pid) => `${pid} ${textOf(pid, 'comm')}`)}`)
    await sleep(10)
  }
}

/** Folders below our own control groups that carry this launcher's pid. */
function cgroupsOf(launcher: number): string[] {
  return hostOf()
    .cgroups.bases.filter(({ directory }) => existsSync(directory))
    .flatMap(({ directory }) => readdirSync(directory))
    .filter((name) => name === `glovebox-${launcher}` || name.startsWith(`glovebox-${launcher}-`))
}
