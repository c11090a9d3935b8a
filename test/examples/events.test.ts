/** The examples that feed Prometheus, OpenTelemetry and pino, with the real packages. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { HANG } from '../run/tools.js'
import { ROOT } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { needsMemoryLimit, USERS } from '../support/users.js'

const [user] = USERS
const skip = user === undefined ? false : (user.skip ?? needsMemoryLimit(user) ?? false)
const TOKEN = 'example-token-that-nobody-has'

async function printed(example: string): Promise<string[]> {
  const script = join(ROOT, 'examples/events', example)
  const { status, stdout, stderr } = await finished([process.execPath, script], { cwd: ROOT, ...HANG })
  assert.deepEqual([status, stderr], [0, ''])
  assert.ok(!stdout.includes(TOKEN))
  return stdout.trimEnd().split('\n')
}

test('prom-client counts and times them, with labels of bounded sets alone', { skip }, async () => {
  const lines = await printed('prometheus.mjs')
  for (const line of [
    'glovebox_runs_waiting 0',
    'glovebox_runs_running 0',
    'glovebox_runs_ended_total{boundary="process",reason="exited",warm="false"} 2',
    'glovebox_runs_ended_total{boundary="process",reason="noOutput",warm="false"} 1',
    'glovebox_runs_ended_total{boundary="process",reason="refused",warm="false"} 1',
    'glovebox_runs_refused_total{code="busy.queue"} 1',
    'glovebox_start_seconds_count{boundary="process"} 3',
    'glovebox_run_seconds_count{boundary="process"} 3',
    'glovebox_attempts_omitted_total 0',
    'glovebox_leases_ended_total{by="sandbox"} 2',
    'glovebox_limits_total{limit="lifetime.noOutput",effect="ended"} 1',
  ])
    assert.ok(lines.includes(line), `${line}\nis not in\n${lines.join('\n')}`)
  assert.ok(
    lines.some((line) => /^glovebox_attempts_total\{protocol="dns",verdict="denyName"\} [1-9]/.test(line)),
  )
  const labels = lines.flatMap((line) => [...line.matchAll(/([a-zA-Z]\w*)="/g)].map(([, name]) => name))
  const bounded = ['boundary', 'reason', 'warm', 'code', 'le', 'protocol', 'verdict', 'by', 'limit', 'effect']
  assert.deepEqual(new Set(labels), new Set(bounded))
})

test('OpenTelemetry has a span for each run, which ends with it', { skip }, async () => {
  const spans = (await printed('opentelemetry.mjs')).map((line) => JSON.parse(line))
  assert.deepEqual(
    spans.map(({ name, ended, attributes, status, events }) => [
      [name, ended, attributes['glovebox.reason'], attributes['glovebox.tenant'], status.message ?? ''],
      [...new Set(events)],
    ]),
    [
      [['glovebox.run', true, 'refused', 'acme', 'busy.queue'], []],
      [
        ['glovebox.run', true, 'exited', 'acme', ''],
        ['started', 'lease'],
      ],
      [
        ['glovebox.run', true, 'exited', 'acme', ''],
        ['started', 'lease', 'attempt'],
      ],
      [
        ['glovebox.run', true, 'noOutput', 'acme', 'noOutput'],
        ['started', 'limit'],
      ],
    ],
  )
})

test('pino writes a line of JSON for each', { skip }, async () => {
  const lines = (await printed('pino.mjs')).map((line) => JSON.parse(line))
  const runs = new Map<string, string[]>()
  for (const { id, kind, msg } of lines) {
    assert.equal(msg, kind)
    runs.set(id, [...(runs.get(id) ?? []), kind])
  }
  assert.equal(runs.size, 4)
  for (const kinds of runs.values()) {
    assert.deepEqual([kinds[0], kinds.at(-1)], ['queued', 'ended'])
    assert.equal(kinds.filter((kind) => kind === 'ended').length, 1)
  }
  const warned = new Set(lines.filter(({ level }) => level === 40).map(({ kind }) => kind))
  assert.deepEqual(warned, new Set(['ended', 'attempt', 'limit']))
})
