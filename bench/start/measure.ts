import { spawnSync } from 'node:child_process'
import type { Way } from './ways.js'

export interface Figures {
  readonly name: string
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** All ways in turn, again and again, so that a machine that slows down slows all of them down. ms. */
export async function interleaved(ways: readonly Way[], runs: number, gapMs: number): Promise<Figures[]> {
  const times = ways.map((): number[] => [])
  for (const way of ways) {
    await way.ready?.()
    await way.once()
  }
  for (let run = 0; run < runs; run++)
    for (const [index, way] of ways.entries()) {
      if (gapMs > 0) await new Promise((resolve) => setTimeout(resolve, gapMs))
      await way.ready?.()
      const begin = performance.now()
      await way.once()
      times[index]?.push(performance.now() - begin)
    }
  return ways.map(({ name }, index) => {
    const sorted = (times[index] ?? []).sort((a, b) => a - b)
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { name, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  })
}

/** Starts a second, with `width` of them at a time. */
export async function rate(way: Way, width: number, total: number): Promise<number> {
  let left = total
  const begin = performance.now()
  const worker = async () => {
    while (left-- > 0) await way.once()
  }
  await Promise.all(Array.from({ length: width }, worker))
  return (total * 1000) / (performance.now() - begin)
}

/** Peak resident memory of the largest process that the command is, MiB; `null` where it can't be told. */
export function peakMemoryMiB(argv: readonly string[]): number | null {
  const script =
    'import subprocess,resource,sys; subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)'
  const run = spawnSync('/usr/bin/python3', ['-c', script, ...argv], { encoding: 'utf8' })
  const kilobytes = Number.parseInt(run.stdout ?? '', 10)
  return Number.isFinite(kilobytes) ? kilobytes / 1024 : null
}
