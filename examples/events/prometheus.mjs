/**
 * What happens to runs, for Prometheus: counts and times, with labels of bounded sets alone.
 *
 *   npm install prom-client
 *   node examples/events/prometheus.mjs
 */
import { subscribe } from 'node:diagnostics_channel'
import client from 'prom-client'
import { runJobs } from './jobs.mjs'

const counter = (name, help, labelNames) => new client.Counter({ name, help, labelNames })
const gauge = (name, help) => new client.Gauge({ name, help })
const seconds = (name, help) =>
  new client.Histogram({ name, help, buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60], labelNames: ['boundary'] })

const waiting = gauge('glovebox_runs_waiting', 'accepted, whose command does not run yet')
const running = gauge('glovebox_runs_running', 'whose command runs')
const ended = counter('glovebox_runs_ended_total', 'by how they ended', ['boundary', 'reason', 'warm'])
const refused = counter('glovebox_runs_refused_total', 'by the code of the error', ['code'])
const started = seconds('glovebox_start_seconds', 'from acceptance until the command ran')
const took = seconds('glovebox_run_seconds', 'from acceptance until nothing was left')
const attempts = counter('glovebox_attempts_total', 'on the network', ['protocol', 'verdict'])
const untold = counter('glovebox_attempts_omitted_total', 'on the network, beyond those that are told', [])
const leases = counter('glovebox_leases_ended_total', 'of credentials', ['by'])
const limits = counter('glovebox_limits_total', 'that jobs ran into', ['limit', 'effect'])

/** those whose command runs, by id; as many as run at once */
const commands = new Set()

subscribe('glovebox:queued', () => waiting.inc())
subscribe('glovebox:started', ({ id }) => {
  commands.add(id)
  waiting.dec()
  running.inc()
})
subscribe('glovebox:attempt', ({ protocol, verdict, count }) => attempts.inc({ protocol, verdict }, count))
subscribe('glovebox:lease', ({ state, by }) => {
  if (state === 'ended') leases.inc({ by })
})
subscribe('glovebox:limit', ({ limit, effect }) => limits.inc({ limit, effect }))
subscribe('glovebox:ended', ({ id, boundary, reason, warm, code, usage, attemptsOmitted }) => {
  const ran = commands.delete(id)
  if (ran) running.dec()
  else waiting.dec()
  ended.inc({ boundary, reason, warm: String(warm) })
  untold.inc(attemptsOmitted)
  if (reason === 'refused') refused.inc({ code: code ?? 'other' })
  if (usage === null) return
  if (ran) started.observe({ boundary }, usage.startMs / 1000)
  took.observe({ boundary }, usage.wallMs / 1000)
})

await runJobs()
// in a service: what GET /metrics answers
process.stdout.write(await client.register.metrics())
