/** A run in a virtual machine, and what of it is seen from the host while it lasts and when it has ended. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostOf } from '../../src/sandbox/index.js'
import type { Outcome } from '../../src/sandbox/job.js'

const host = hostOf()

export interface Watched {
  readonly ended: Promise<Outcome>
  /** resolves when its QEMU was seen */
  readonly seen: Promise<void>
  /** when it has ended: one that lasts a moment may not have been */
  wasSeen(): boolean
  assertNothingLeft(): Promise<void>
}

/** The same again, until one was seen: that nothing is left of what never was says nothing. */
export async function untilSeen(once: () => Promise<Watched>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const run = await once()
    if (run.wasSeen() || tries === TRIES) return await run.assertNothingLeft()
  }
}

const TRIES = 8

/** A run, and what of it is seen from the host while it lasts. */
export function watched(start: (word: string) => Promise<Outcome>): Watched {
  const word = randomBytes(8).toString('hex')
  const groups = new Set<string>()
  const networks = new Set<string>()
  let over = false
  let tellSeen = () => {}
  const seen = new Promise<void>((resolve) => {
    tellSeen = resolve
  })
  const ended = start(word).finally(() => {
    over = true
  })
  const look = async () => {
    for (; !over; await sleep(50)) {
      const all = machinesOf(word)
      for (const pid of all) {
        for (const group of groupsOf(pid)) groups.add(group)
        networks.add(networkOf(pid))
      }
      if (all.length > 0) tellSeen()
    }
  }
  const looking = look()
  const assertNothingLeft = async () => {
    await looking
    assert.ok(networks.size > 0, 'it was never seen: that nothing is left says nothing')
    if (host.cgroups.bases.length > 0) assert.ok(groups.size > 0, 'no control group was seen')
    assert.deepEqual(processesWith(word), [], 'processes and mounts')
    assert.deepEqual(
      [...groups].filter((group) => existsSync(group)),
      [],
      'control groups',
    )
    // a tap is there as long as its network namespace is
    assert.deepEqual(
      pids().filter((pid) => networks.has(networkOf(pid))),
      [],
      'processes in its network namespace',
    )
  }
  return { ended, seen, wasSeen: () => networks.size > 0, assertNothingLeft }
}

const read = (path: string) => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
/** The jail's mounts name the job's scratch folder. */
const processesWith = (word: string) => pids().filter((pid) => read(`/proc/${pid}/mountinfo`).includes(word))
const machinesOf = (word: string) =>
  processesWith(word).filter((pid) => read(`/proc/${pid}/cmdline`).includes('qemu-system-'))

function networkOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return `${pid} is gone`
  }
}

/** As cell names the group of a sandbox. */
function groupsOf(pid: number): string[] {
  const names = read(`/proc/${pid}/cgroup`)
    .split('\n')
    .flatMap((line) => /glovebox-\d+[-/]\d+$/.exec(line)?.[0] ?? [])
  return host.cgroups.bases
    .flatMap(({ directory }) => names.map((name) => join(directory, name)))
    .filter((group) => existsSync(group))
}
