/** What is told of runs: in order, each end exactly once, however a run ends; to whoever listens, and never a value. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('events-worker.js', import.meta.url))

const HEARD: Readonly<Record<string, unknown>> = {
  'a run': [['queued', 'started', 'ended exited 3']],
  'refused by a full queue, cancelled in it, late in it': [
    ['queued', 'started', 'ended exited 0'],
    ['queued', 'limit lifetime.deadline ended', 'ended deadline 124'],
    ['queued', 'ended cancelled 143'],
    ['queued', 'ended refused busy.queue'],
  ],
  'refused by what it is given': [['queued', 'ended refused input.unreadable']],
  'a call that is none': [],
  'a command that is not there': [['queued', 'started', 'ended failed 127']],
  'a launcher that is killed as soon as a run is accepted': ['queued', 1, 'ended'],
  'ended by close()': [['queued', 'ended cancelled 143']],
  'the deadline': [['queued', 'started', 'limit lifetime.deadline ended', 'ended deadline 124']],
  silence: [['queued', 'started', 'limit lifetime.noOutput ended', 'ended noOutput 124']],
  output: [['queued', 'started', 'limit limits.output ended', 'ended output 125']],
  scratch: [['queued', 'started', 'limit limits.scratch ended', 'ended signal 153']],
  'a sandbox that waited': [null, true, true],
  'two of them share nothing': [3, 0],
  'who reads late, and little': ['queued', 'started', 'missed 7'],
  'who leaves': [true, true],
  'once closed': 'glovebox.closed',
  'the channels say what the stream says, each its kind': [true, [true, true, true]],
  'a run is accepted in the context of its caller': ['the caller'],
  'a subscriber that throws each time': [true, 3, ['queued', 'started', 'ended']],
}

/** Where control groups hold them. */
const COUNTED: typeof HEARD = {
  memory: [['queued', 'started', 'limit limits.memory ended', 'ended memory 137']],
  processes: [['queued', 'started', 'limit limits.processes hindered', 'ended exited 2']],
}

asEachNetworkUser('what happens to runs is told', async (user, t) => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
  const argv = [process.execPath, WORKER, ...(user.noMemoryLimit === null ? [] : ['--waive'])]
  const { stdout, stderr } = await finished(user.as(argv), { cwd: '/', timeout: 180_000 })
  assert.equal(stderr, '')
  const { credentials, ...seen } = JSON.parse(stdout)
  for (const [what, expected] of Object.entries({
    ...HEARD,
    ...(user.noMemoryLimit === null ? COUNTED : {}),
  }))
    await t.test(what, () => assert.deepEqual(seen[what], expected))
  await t.test('what each event says of its run is what the report says', () => {
    const [ids, whose, inTime, usage, reported] = seen['what each event says of its run']
    assert.deepEqual([ids, whose, inTime], [true, true, true])
    assert.deepEqual(usage, reported)
  })
  await t.test('leases begin and end; attempts add up to the report', () => {
    assert.deepEqual(credentials.runs, [
      ['queued', 'started', 'lease T begun', 'lease T ended sandbox', 'ended exited 0'],
      ['queued', 'ended refused credential.inside'],
    ])
    assert.deepEqual(credentials.tried, [true, true])
    assert.equal(credentials.omitted, true)
  })
  await t.test('a value is in no event, wherever the job or its caller puts it', () => {
    assert.deepEqual(credentials.leaks, [])
    assert.deepEqual([credentials.redacted, credentials.names], [true, true])
  })
})
