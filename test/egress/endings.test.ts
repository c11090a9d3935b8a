/**
 * The attack: outlive the gateway, or have it end, and get a way out that is not judged. A regression would show as an answer that a
 * job still gets, as a run that hangs, or as a report that claims to be whole.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { textOf } from '../run/tools.js'
import { asEachNetworkUser } from '../support/users.js'
import type { Probed } from './jobs.js'
import { onStage, readable, stage, workerFile } from './tools.js'

const gateway = stage('endings-worker', [
  'killedWhileItWorks',
  'killedWhileItIdles',
  'killedBeforeTheJob',
  'killedWhileItStarts',
])
const hanging = stage('endings-worker', ['stopped'])
const NOT_WHOLE = /^impossible: The gateway ended before the sandbox did/

/** The attempts after the end: each was refused, none was met with silence. */
function nothingOpens({ heard }: Probed, attempts: RegExp): void {
  const later = Object.entries(heard).filter(([attempt]) => attempts.test(attempt))
  assert.ok(later.length >= 2, JSON.stringify(heard))
  for (const [attempt, result] of later)
    assert.match(result, /^(ECONNREFUSED|ECONNRESET|EAI_)/, `${attempt}: ${result}`)
}

gateway<{ during: Probed; next: Probed; another: boolean }>(
  'a gateway killed under a download: it breaks, nothing else opens, the run ends as its own, and the next one has a network',
  'killedWhileItWorks',
  ({ during, next, another }) => {
    const [download = ''] = Object.keys(during.heard)
    assert.match(during.heard[download] ?? '', /^ok (reset|end) after \d+$/)
    nothingOpens(during, /^(tcp|name),/)
    assert.deepEqual([during.reason, during.exitCode], ['exited', 0], during.stderr)
    assert.match(during.recorded, NOT_WHOLE)
    assert.deepEqual(Object.values(next.heard), ['ok hello'])
    assert.match(next.recorded, /^enforced/)
    assert.equal(another, true)
  },
)

gateway<Probed>(
  'a gateway killed between two connections: the second is refused',
  'killedWhileItIdles',
  (seen) => {
    const [[, first] = []] = Object.entries(seen.heard)
    assert.equal(first, 'ok first')
    assert.deepEqual([seen.reason, seen.exitCode], ['exited', 0], seen.stderr)
    nothingOpens(seen, /,hello$|^name,/)
    assert.match(seen.recorded, NOT_WHOLE)
  },
)

gateway<{ said: string; end: object }>(
  'a gateway killed before the job begins: it begins without a network',
  'killedBeforeTheJob',
  ({ said, end }) => {
    assert.match(said, /refused|reset|connect/i)
    assert.deepEqual({ ...end, cpuMs: 0 }, { kind: 'exited', code: 7, cpuMs: 0 })
  },
)

gateway<{ first: { heard: Record<string, string>; recorded: string; code: string | null }; next: Probed }>(
  'a gateway killed while it starts: no job runs as if it had one, and the next run has a network',
  'killedWhileItStarts',
  ({ first, next }) => {
    if (first.code === null) assert.match(first.recorded, NOT_WHOLE)
    else assert.equal(first.code, 'gateway.lost')
    assert.ok(!Object.values(first.heard).includes('ok hello'))
    assert.deepEqual(Object.values(next.heard), ['ok hello'])
  },
)

hanging<{ ended: Probed[]; next: Probed; left: number[] }>(
  'a gateway that hangs keeps neither a run from its deadline, nor from being cancelled, nor the next from a network',
  'stopped',
  ({ ended, next, left }) => {
    assert.deepEqual(ended.map(({ reason }) => reason).sort(), ['cancelled', 'deadline'])
    for (const { recorded } of ended) assert.match(recorded, NOT_WHOLE)
    assert.deepEqual(Object.values(next.heard), ['ok hello'])
    assert.deepEqual(left, [])
  },
)

const closing = stage('leftovers-worker', ['close'])

asEachNetworkUser(
  'a gateway with few descriptors refuses what it has none for, on record, and serves again when they are back',
  async (user, t) => {
    if (!(await readable(user, 'leftovers-worker', t))) return
    // by itself: with so few descriptors, and others of the same user at work beside it, a gateway may not come up at all
    const played = await onStage(user, { worker: 'leftovers-worker', scenarios: ['descriptors'] })
    const { descriptors } = played as Record<
      'descriptors',
      Record<'served' | 'crowded' | 'later', Probed> & { same: boolean }
    >
    const { served, crowded, later, same } = descriptors
    assert.ok(served, JSON.stringify(descriptors))
    assert.deepEqual(Object.values(served.heard), ['ok hello'])
    const [answered = '', again] = Object.values(crowded.heard)
    assert.match(answered, /^ok [1-9]\d?$/)
    assert.ok(Number(answered.slice(3)) < 32, answered)
    assert.equal(again, 'ok')
    assert.ok(crowded.record.includes('echo.test denyBudget'), `${crowded.record}`)
    assert.deepEqual(Object.values(later.heard), ['ok hello'])
    assert.equal(same, true, 'it was the same gateway')
  },
)

closing<object>(
  'a Glovebox that is closed under downloads ends them, and leaves no process, namespace, socket or descriptor',
  'close',
  (seen) =>
    assert.deepEqual(seen, {
      ended: Array.from({ length: 4 }, () => ['cancelled', 'drip.test allow']),
      connections: 4,
      namespacesSeen: true,
      processes: [],
      descriptors: [],
      more: false,
    }),
)

asEachNetworkUser('a supervisor that is killed takes gateway and sandboxes with it', async (user, t) => {
  if (!(await readable(user, 'leftovers-worker', t))) return
  const [file = '', ...args] = user.as([process.execPath, workerFile('leftovers-worker'), 'hold'])
  const child = spawn(file, args, { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const all = JSON.parse(`${line}`) as number[]
  const commands = new Set(all.map((pid) => textOf(pid, 'comm').trim()))
  for (const each of ['node', 'bwrap', 'cell', 'python3']) assert.ok(commands.has(each), `${[...commands]}`)
  const ages = new Map(all.map((pid) => [pid, ageOf(pid)]))
  child.kill('SIGKILL')
  // a number may be given to another process at once
  while (all.some((pid) => ageOf(pid) !== '' && ageOf(pid) === ages.get(pid))) await sleep(10)
})

/** When it was started, and nothing once it is dead, whoever has yet to collect it. */
function ageOf(pid: number): string {
  const [state = '', ...rest] = textOf(pid, 'stat')
    .replace(/^.*\) /s, '')
    .split(' ')
  return state === 'Z' || state === 'X' ? '' : (rest[18] ?? '')
}
