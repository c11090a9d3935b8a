/**
 * A span for each run, with what happened to it as events of the span. A run's span is a child of the span in which `glovebox.run` was
 * called, where OpenTelemetry keeps contexts: `queued` is told within that call.
 *
 *   npm install @opentelemetry/api @opentelemetry/sdk-trace-base
 *   node examples/events/opentelemetry.mjs
 */
import { subscribe } from 'node:diagnostics_channel'
import { SpanStatusCode } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { runJobs } from './jobs.mjs'

// in a service: whatever sends spans away, such as OTLPTraceExporter in a BatchSpanProcessor
const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const tracer = provider.getTracer('glovebox')

/** of the runs under way, by id */
const spans = new Map()

subscribe('glovebox:queued', ({ at, id, tenant, boundary, policySha256 }) => {
  const attributes = {
    'glovebox.run.id': id,
    'glovebox.boundary': boundary,
    'glovebox.policy.sha256': policySha256,
    ...(tenant === null ? {} : { 'glovebox.tenant': tenant }),
  }
  spans.set(id, tracer.startSpan('glovebox.run', { startTime: new Date(at), attributes }))
})

for (const kind of ['started', 'attempt', 'lease', 'limit'])
  subscribe(`glovebox:${kind}`, ({ at, id, tenant, boundary, policySha256, kind, ...more }) => {
    const known = Object.entries(more).filter(([, value]) => value !== null)
    const attributes = Object.fromEntries(known.map(([key, value]) => [`glovebox.${kind}.${key}`, value]))
    spans.get(id)?.addEvent(kind, attributes, new Date(at))
  })

subscribe('glovebox:ended', ({ at, id, reason, exitCode, code, warm }) => {
  const span = spans.get(id)
  if (span === undefined) return // accepted before this listened
  spans.delete(id)
  span.setAttributes({ 'glovebox.reason': reason, 'glovebox.warm': warm })
  if (exitCode !== null) span.setAttribute('process.exit.code', exitCode)
  if (code !== null) span.setAttribute('error.type', code)
  if (reason !== 'exited') span.setStatus({ code: SpanStatusCode.ERROR, message: code ?? reason })
  span.end(new Date(at))
})

await runJobs()
for (const { name, status, attributes, events, ended } of exporter.getFinishedSpans())
  console.log(JSON.stringify({ name, ended, status, attributes, events: events.map((each) => each.name) }))
