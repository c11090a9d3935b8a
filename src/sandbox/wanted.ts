import { posix, resolve } from 'node:path'
import { UsageError, visible } from '../errors/index.js'
import { outputPattern } from '../files/index.js'
import type { Plan } from '../plan/index.js'
import { everythingBelow, type Wanted } from './collect.js'
import type { RunOptions } from './options.js'
import { HostSink, MemorySink } from './sinks.js'

/**
 * Everything to collect when the job ends: what the call asks for, and what the policy lets the job write. Bytes that go to no
 * host path come into `collected`.
 * @throws UsageError for two outputs of one host path, and for a pattern that is none
 */
export function wantedOf(
  plan: Plan,
  outputs: NonNullable<RunOptions['outputs']>,
  collected: Record<string, Uint8Array>,
): Wanted[] {
  const { workdir } = plan.files
  const asked: [string, string | null][] = Array.isArray(outputs)
    ? outputs.map((text: string) => [text, null])
    : Object.entries(outputs as Record<string, string>)
  const hostPaths = [
    ...asked.flatMap(([, destination]) => (destination === null ? [] : [resolve(destination)])),
    ...plan.files.write.map(({ host }) => host),
  ]
  const twice = hostPaths.find((path, index) => hostPaths.indexOf(path) !== index)
  if (twice !== undefined)
    throw new UsageError(
      'output.twice',
      `Two outputs would be written to ${visible(twice)}, one over the other.`,
      'Give each its own name: --output INSIDE:FILE.',
    )
  const own = asked.map(([text, destination]): Wanted => {
    const pattern = outputPattern(text, workdir)
    const keepBytes = (below: string, bytes: Uint8Array) => {
      collected[shown(posix.join(pattern.base, below), workdir)] = bytes
    }
    const sink = destination === null ? new MemorySink(keepBytes) : new HostSink(resolve(destination))
    return { pattern, sink, required: pattern.rest.length === 0 }
  })
  const granted = plan.files.write.map(
    ({ host, inside }): Wanted => ({
      pattern: everythingBelow(inside),
      sink: new HostSink(host),
      required: false,
    }),
  )
  return [...own, ...granted]
}

/** The name of a collected file in `result.outputs`. */
function shown(path: string, workdir: string): string {
  return path.startsWith(`${workdir}/`) ? path.slice(workdir.length + 1) : path
}
