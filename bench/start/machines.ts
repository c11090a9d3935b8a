/**
 * `--boundary microvm`: what a machine costs to boot once, and each that goes on from it: until it says its first byte, until nothing is left of it,
 * and in memory beside others. The goals of docs/performance.md are of a machine of 128 MiB. Needs busybox for an image.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, type Policy, parsePolicy } from '../../src/index.js'
import { Image } from './image.js'
import { pssMiB, text } from './pss.js'

/** … of the job: the machine has its kernel's 64 MiB besides. */
const MEMORY = '64MiB'

export interface MachineFigures {
  /** first runs of machines that are not there yet: boot, save, go on; ms until the first byte */
  readonly cold: readonly number[]
  /** ms until the first byte */
  readonly warm: readonly number[]
  /** ms until nothing is left */
  readonly whole: readonly number[]
  /** proportional set sizes of QEMU, MiB: one machine alone, and what each further one adds */
  readonly pss: readonly number[]
}

export async function measureMachines(runs: number, colds: number): Promise<MachineFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const image = Image.made(folder)
  const glovebox = await Glovebox.start({ boundary: 'microvm' })
  try {
    const cold: number[] = []
    // another number of processes is another machine, which nobody saved
    for (let each = 0; each < colds; each++)
      cold.push((await once(glovebox, policy(image, 65 + Math.floor(Math.random() * 900)))).first)
    const plain = policy(image, 64)
    await once(glovebox, plain)
    const [warm, whole]: [number[], number[]] = [[], []]
    for (let run = 0; run < runs; run++) {
      const { first, all } = await once(glovebox, plain)
      warm.push(first)
      whole.push(all)
    }
    return { cold, warm, whole, pss: await memories(plain) }
  } finally {
    await glovebox.close()
    image.remove()
    rmSync(folder, { recursive: true, force: true })
  }
}

function policy({ name }: Image, processes: number): Policy {
  return parsePolicy({
    version: 1,
    boundary: 'microvm',
    root: `image:${name}`,
    limits: { memory: MEMORY, cpus: 1, processes },
  })
}

async function once(glovebox: Glovebox, under: Policy): Promise<{ first: number; all: number }> {
  const begin = performance.now()
  const job = glovebox.run(under, ['echo', 'hello'])
  let first = 0
  job.stdout.once('data', () => {
    first = performance.now() - begin
  })
  const { reason, message } = await job
  if (reason !== 'exited' || first === 0) throw new Error(`the job failed: ${message}`)
  return { first, all: performance.now() - begin }
}

/** What is resident of machines that wait for a job: the second maps what the first has, too. */
async function memories(under: Policy): Promise<number[]> {
  const before = new Set(machines())
  const sums: number[] = []
  const glovebox = await Glovebox.start({ boundary: 'microvm', warm: true })
  try {
    for (let count = 1; count <= MACHINES; count++) {
      await glovebox.keepWarm(under, count)
      await sleep(SETTLED_MS)
      sums.push(machines().reduce((sum, pid) => sum + (before.has(pid) ? 0 : pssMiB(pid)), 0))
    }
  } finally {
    await glovebox.close()
  }
  return sums.map((sum, index) => sum - (sums[index - 1] ?? 0))
}

const MACHINES = 4
const SETTLED_MS = 1000

const machines = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && /^\S*qemu-system-/.test(text(`/proc/${name}/cmdline`)))
    .map(Number)
