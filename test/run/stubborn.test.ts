/**
 * Jobs that won't end, or try to leave something behind. A regression shows as a process that outlives the run, or as a
 * run that waits for one.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { TESTED_BOUNDARY } from '../support/boundary.js'
import { testFolder } from '../support/checkout.js'
import { asRootAndOrdinary, marker, noSleeper, ran, reportIn, sleepers } from './tools.js'

const ALL_ENDS = ['--deadline', '20s'] as const

asRootAndOrdinary(
  'a daemon (double fork, own session) dies with the run and does not delay it',
  async (user, t) => {
    const mark = marker()
    const report = join(testFolder(t, 0o777), 'report.json')
    const job = `(setsid sh -c '(setsid sleep ${mark} <&- >&- 2>&- &)' &); while ! pgrep -f 'sleep ${mark}' >/dev/null; do sleep 0.01; done; exit 4`
    const result = await ran(user, ['run', ...ALL_ENDS, '--report', report, '--', 'sh', '-c', job])
    assert.equal(result.status, 4, result.stderr)
    assert.deepEqual(sleepers(mark), [], 'it lives when the run is over')
    assert.equal(reportIn(report).result.reason, 'exited')
  },
)

asRootAndOrdinary('a background child that holds the outputs open does not keep the run', async (user) => {
  const mark = marker()
  const result = await ran(user, ['run', ...ALL_ENDS, '--', 'sh', '-c', `sleep ${mark} & echo done`])
  assert.deepEqual([result.status, result.stdout], [0, 'done\n'])
  assert.deepEqual(sleepers(mark), [])
})

asRootAndOrdinary('a job that ignores every signal it may ends at its deadline', async (user) => {
  const mark = marker()
  const job = `trap '' HUP INT QUIT TERM USR1 USR2 ALRM TSTP TTIN TTOU; sleep ${mark}; sleep ${mark}`
  const result = await ran(user, ['run', '--deadline', '500ms', '--', 'sh', '-c', job])
  assert.equal(result.status, 124)
  assert.deepEqual(sleepers(mark), [])
})

asRootAndOrdinary('a stopped job ends at its deadline', async (user) => {
  const result = await ran(user, ['run', '--deadline', '500ms', '--', 'sh', '-c', 'kill -STOP $$'])
  assert.equal(result.status, 124)
})

asRootAndOrdinary('a job that stops everything it can reach ends at its deadline', async (user) => {
  const mark = marker()
  const job = `sleep ${mark} & kill -STOP -1; kill -STOP $$`
  const result = await ran(user, ['run', '--deadline', '500ms', '--', 'sh', '-c', job])
  assert.equal(result.status, 124)
  assert.deepEqual(sleepers(mark), [])
})

asRootAndOrdinary('kill -1 ends what the job started, not what watches it', async (user) => {
  // gVisor shields its first process from nobody of its uid: who ends that ends the sandbox, and is told so
  const first = TESTED_BOUNDARY === 'gvisor' ? '' : 'kill -KILL 1; kill -TERM 1; '
  const job = `sleep 3600 & kill -KILL -1; ${first}wait; exit 6`
  const result = await ran(user, ['run', ...ALL_ENDS, '--', 'bash', '-c', `trap '' TERM; ${job}`])
  assert.equal(result.status, 6, result.stderr)
})

asRootAndOrdinary('a fork bomb stays within limits.processes, and the run ends', async (user, t) => {
  const mark = marker()
  const report = join(testFolder(t, 0o777), 'report.json')
  const bomb = `b() { b | b & sleep ${mark} & }; b 2>/dev/null; sleep 60`
  const flags = ['--deadline', '1500ms', '--processes', '32', '--report', report]
  const result = await ran(user, ['run', ...flags, '--', 'bash', '-c', bomb])
  assert.equal(result.status, 124, result.stderr)
  assert.deepEqual(sleepers(mark), [])
})

asRootAndOrdinary(
  'limits.processes is the number, with threads; a job that runs into it is told so',
  async (user) => {
    const count = 'import threading, time\nn = 0\n'
    const job = `${count}try:\n  while True:\n    threading.Thread(target=time.sleep, args=(20,), daemon=True).start(); n += 1\nexcept RuntimeError: print(n + 1, flush=True)\nimport os; os._exit(0)`
    const result = await ran(user, ['run', ...ALL_ENDS, '--processes', '20', '--', 'python3', '-c', job])
    assert.deepEqual([result.status, result.stdout], [0, '20\n'])
  },
)

asRootAndOrdinary(
  'orphans are reaped: a job that leaves thousands never runs out of processes',
  async (user) => {
    const job =
      'i=0; while [ $i -lt 400 ]; do (sh -c ":" &) || exit 1; i=$((i+1)); done; wait; sleep 0.1; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l'
    const result = await ran(user, ['run', ...ALL_ENDS, '--', 'sh', '-c', job])
    assert.deepEqual([result.status, result.stdout], [0, '0\n'], result.stderr)
  },
)

asRootAndOrdinary('a job full of zombies ends like any other', async (user) => {
  const job = 'import os, sys\nfor _ in range(40):\n  if os.fork() == 0: os._exit(0)\nsys.exit(9)'
  const result = await ran(user, ['run', ...ALL_ENDS, '--', 'python3', '-c', job])
  assert.equal(result.status, 9, result.stderr)
  await noSleeper(marker())
})
