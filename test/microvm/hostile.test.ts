/**
 * The attack: a job took its machine over, kernel and all, and now plays with whoever keeps it: the machine is silent, floods, panics,
 * starts again, fills its memory, lies on its wire. Each run ends, with a reason that a person can use, and when it has ended nothing of the
 * machine is left: no process, no tap, no control group, no file.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { frame, u32, u64 } from '../../src/boundary/agent/wire.js'
import { hostOf } from '../../src/sandbox/index.js'
import { sharedFolder } from '../support/checkout.js'
import { noMachine } from '../support/machine-image.js'
import { says, TakenOver } from './taken-over.js'
import { untilSeen, watched } from './watched.js'

const host = hostOf()
const MiB = 1024 ** 2
const text = (value: string) => Buffer.from(value)

const AGENT_RUNS = says(frame('p'))
const of = (...parts: readonly Uint8Array[]) => frame('a', ...parts)
const control = (...parts: readonly Uint8Array[]) => of(frame('c', ...parts))
/** As the agent that it has thrown out would say it, when it was told its command. */
const JOB_RUNS = `${AGENT_RUNS}; dd bs=5 count=1 <&3 > /dev/null 2>&1; ${says(control(frame('S', u32(0))))}`
const JOB_IS_OVER = control(frame('E', u32(0), u32(0), u64(1000)))
const JOB_ENDED = says(JOB_IS_OVER)
const NEWS = frame('n', u32(0), u64(0), u64(0), u32(0), u32(0))
const SPIN = 'while :; do :; done'

const SOON = { lifetime: { deadline: '2s' } } as const
const LATER = { lifetime: { deadline: '60s' } } as const

interface Case {
  readonly does: string
  readonly script: string
  readonly policy?: object
  /** why no sandbox came up, or the reason and what is said of it */
  readonly says: RegExp
}

const STARTS: readonly Case[] = [
  { does: 'is silent', script: 'sleep 1000', says: /did not start its job's first process in 25 s\./ },
  {
    does: 'panics',
    script: 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger',
    says: /The kernel of the virtual machine panicked: sysrq triggered crash\./,
  },
  {
    does: 'switches itself off',
    script: 'poweroff -f',
    says: /switched off or started again before its job ended\./,
  },
  {
    does: 'says what is no frame',
    script: says(frame('z')),
    says: /because of what came out of it: a frame of the unknown kind 122 /,
  },
  {
    does: 'says a frame longer than any',
    script: says(text('p'), u32(2 ** 31)),
    says: /because of what came out of it: a frame of 2147483648 bytes\./,
  },
  {
    does: 'is ready a second time',
    script: says(frame('r', u32(1), text('6.1\0'))),
    says: /because of what came out of it: "r" from a machine that is at "told"\./,
  },
  {
    does: 'starts with something in it',
    script: says(frame('p', text('x'))),
    says: /because of what came out of it: a start with something in it\./,
  },
  {
    does: 'speaks for the agent before that was started',
    script: JOB_ENDED,
    says: /because of what came out of it: "a" from a machine that is at "told"\./,
  },
  {
    does: 'says the end before the start',
    script: says(NEWS),
    says: /because of what came out of it: "n" from a machine that is at "told"\./,
  },
  {
    does: 'says that it failed, in control characters',
    script: says(frame('f', text('\x1b[2Jit\x07'))),
    says: /^The machine could not be set up: \?\[2Jit\?\.$/,
  },
]

const JOBS: readonly Case[] = [
  {
    does: 'is silent from then on',
    script: 'sleep 1000',
    policy: SOON,
    says: /^deadline: .*ended at its deadline of 2s/,
  },
  { does: 'spins', script: SPIN, policy: SOON, says: /^deadline: / },
  {
    does: 'spins, where silence is bounded',
    script: SPIN,
    policy: { lifetime: { noOutput: '2s' } },
    says: /^noOutput: /,
  },
  {
    does: 'stops as a kernel that is dead but does not leave',
    script: 'echo 0 > /proc/sys/kernel/panic; echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger',
    policy: SOON,
    says: /^deadline: /,
  },
  {
    does: 'panics',
    script: 'echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger',
    policy: LATER,
    says: /^failed: The kernel of the virtual machine panicked: sysrq triggered crash\./,
  },
  {
    does: 'ends its first process',
    script: 'exit 1',
    policy: LATER,
    says: /^failed: The kernel of the virtual machine panicked: Attempted to kill init!/,
  },
  {
    does: 'starts again',
    script: 'reboot -f',
    policy: LATER,
    says: /^failed: The virtual machine was switched off or started again before its job ended\./,
  },
  {
    does: 'fills all of its memory',
    script: `mount -t tmpfs -o size=80% x /proc; dd if=/dev/zero of=/proc/full bs=1M; sleep 1000`,
    policy: { lifetime: { deadline: '15s' } },
    says: /^deadline: /,
  },
  { does: 'floods its console', script: `yes flood > /dev/ttyS0`, policy: SOON, says: /^deadline: / },
  {
    does: 'floods the job’s output',
    script: `head -c 60000 /dev/zero > /flood; while :; do ${says(text('a'), u32(60005), text('o'), u32(60000))}; cat /flood >&3; done`,
    policy: { ...LATER, limits: { output: '1MiB' } },
    says: /^output: .* more than 1MiB/,
  },
  {
    does: 'floods the wire with bytes',
    script: 'cat /dev/urandom >&3',
    policy: LATER,
    says: /^failed: The sandbox was ended because of what came out of it: a frame of /,
  },
  {
    does: 'begins a frame and never ends it',
    script: `${says(text('a'), u32(60000))}; sleep 1000`,
    policy: SOON,
    says: /^deadline: /,
  },
  {
    does: 'starts a second time',
    script: AGENT_RUNS,
    policy: LATER,
    says: /^failed: .*: "p" from a machine that is at "started"\./,
  },
  {
    does: 'says its end while the job runs',
    script: says(NEWS),
    policy: LATER,
    says: /^failed: The first process of the virtual machine's job ended before the job did, with 0\./,
  },
  {
    does: 'says its end twice',
    script: says(JOB_IS_OVER, NEWS, NEWS),
    policy: LATER,
    // the first of them may have been enough
    says: /^(exited: null|failed: .*: "n" from a machine that is at "over"\.)$/,
  },
  {
    does: 'says that the job ended, and goes on',
    script: `${JOB_ENDED}; ${SPIN}`,
    policy: LATER,
    says: /^exited: null$/,
  },
  {
    does: 'says that the job ended, and starts it again',
    script: `${JOB_ENDED}; ${says(control(frame('S', u32(0))))}; ${JOB_ENDED}; sleep 1000`,
    policy: LATER,
    says: /^exited: null$/,
  },
]

const skip = noMachine() ?? (host.machines().tun === 'openable' ? false : 'there is no /dev/net/tun')

describe('a machine that was taken over', { skip, concurrency: 3 }, () => {
  const folder = sharedFolder()
  const machine = new TakenOver(folder, host)
  after(() => machine.close())

  for (const { does, script, says: expected } of STARTS)
    test(`and ${does}, before its job: no job runs`, () =>
      untilSeen(async () => {
        const run = watched((word) => machine.run(word, script, LATER))
        await assert.rejects(run.ended, (error: Error) => {
          assert.equal(error.name, 'LaunchError', `${error.stack}`)
          assert.match(error.message, expected)
          return true
        })
        return run
      }))

  for (const { does, script, policy = LATER, says: expected } of JOBS)
    test(`and ${does}`, () =>
      untilSeen(async () => {
        const run = watched((word) => machine.run(word, `${JOB_RUNS}; ${script}`, policy))
        const { verdict, end } = await run.ended
        assert.match(`${verdict.reason}: ${verdict.message}`, expected)
        if (does.startsWith('fills')) assertBounded(end.peakMemoryBytes)
        return run
      }))

  test('and spins when its run is cancelled', async () => {
    const cancel = new AbortController()
    const run = watched((word) => machine.run(word, `${JOB_RUNS}; ${SPIN}`, LATER, cancel.signal))
    await Promise.race([run.seen, run.ended])
    cancel.abort()
    assert.equal((await run.ended).verdict.reason, 'cancelled')
    await run.assertNothingLeft()
  })

  test('has left no file of its own among the saved ones', () => {
    assert.deepEqual(readdirSync(folder).sort(), ['disk', 'initramfs', 'memory', 'state'])
  })
})

/** All of the machine's memory, and not more than that and what QEMU needs. */
function assertBounded(peak: number): void {
  if (!host.cgroups.controllers.includes('memory')) return
  assert.ok(peak > 400 * MiB, `${peak / MiB} MiB: it was not filled`)
  assert.ok(peak < (576 + 192 + 1) * MiB, `${peak / MiB} MiB`)
}
