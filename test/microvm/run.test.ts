/** Jobs in virtual machines, through the command line, as whoever starts them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { machineArchive, noMachine } from '../support/machine-image.js'
import { glovebox, SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const skip = noMachine() ?? false

/** An image of one static program, in the store of whoever runs it. */
const folder = sharedFolder()
const IMAGE = `glovebox-microvm-test-${process.pid}`

/** Root's saved machines and images are in root's own place; an ordinary user here has a home of the test's. */
function homeOf(user: TestUser): NodeJS.ProcessEnv {
  if (user.isRoot || !SUITE_IS_ROOT) return process.env
  const home = join(folder, 'home')
  mkdirSync(home, { recursive: true })
  execFileSync('chown', ['65534:65534', home])
  return { ...process.env, HOME: home, XDG_DATA_HOME: '' }
}

const PROGRAMS = ['sh', 'cat', 'dd', 'id', 'ls', 'sleep', 'uname', 'true', 'date']
const users = USERS.slice(0, 2)

describe('a job in a virtual machine', { skip }, () => {
  const file = skip === false ? machineArchive(folder, PROGRAMS) : ''
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const user of users) {
    describe(`started by ${user.name}`, { skip: user.skip ?? false }, () => {
      const env = homeOf(user)
      const image = (...args: string[]) =>
        user.as(
          [...user.cli(['image', ...args])].filter((each) => each !== '--waive' && each !== 'limits.memory'),
        )
      const run = (args: readonly string[], ...argv: string[]) =>
        glovebox(user, ['run', '--boundary', 'microvm', '--root', `image:${IMAGE}`, ...args, '--', ...argv], {
          env,
        })
      before(() => {
        const [program = '', ...args] = image('import', file, IMAGE)
        execFileSync(program, args, { env, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] })
      })
      after(() => {
        const [program = '', ...args] = image('rm', IMAGE)
        execFileSync(program, args, { env, cwd: '/', stdio: 'ignore' })
      })

      test('has a kernel that is not the host’s, and is nobody there', async () => {
        const { status, stdout, stderr } = await run([], 'sh', '-c', 'uname -r; id -u; cat /proc/self/status')
        assert.equal(status, 0, stderr)
        const [kernel, uid, ...lines] = stdout.split('\n')
        assert.notEqual(kernel, release())
        assert.match(kernel ?? '', /^\d+\.\d+/)
        assert.equal(uid, '1000')
        for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
          assert.ok(lines.includes(`${set}:\t0000000000000000`), set)
        assert.ok(lines.includes('NoNewPrivs:\t1'))
        assert.ok(lines.includes('Seccomp:\t2'))
      })

      test('its exit code, its streams, its inputs and its outputs are as anywhere', async (t) => {
        const input = join(folder, `in-${users.indexOf(user)}`)
        const made = join(testFolder(t, 0o777), 'made.txt')
        writeFileSync(input, 'given')
        chmodSync(input, 0o644)
        const { status, stdout, stderr } = await run(
          ['--input', `${input}:given.txt`, '--output', `made.txt:${made}`],
          ...['sh', '-c', 'cat given.txt > made.txt; echo said; echo complained >&2; exit 7'],
        )
        assert.equal(status, 7, stderr)
        assert.equal(stdout, 'said\n')
        assert.equal(readFileSync(made, 'utf8'), 'given')
        assert.match(stderr, /complained/)
      })

      // where no cgroup is to be had the policy waives the limit: then it is not the job's, and the machine's own
      const waived = user.noMemoryLimit ?? false
      test('more memory than it was given ends it, and says so', { skip: waived }, async () => {
        const { status, stderr } = await run(
          ['--memory', '64MiB'],
          'dd',
          'if=/dev/zero',
          'of=/tmp/x',
          'bs=1M',
          'count=200',
        )
        assert.equal(status, 137, stderr)
        assert.match(stderr, /limits\.memory/)
      })

      test('a deadline ends it', async () => {
        const { status, stderr } = await run(['--deadline', '500ms'], 'sleep', '60')
        assert.equal(status, 124, stderr)
      })

      test('two machines of one saved one share no random byte, and have the time of now', async () => {
        const words = [
          'sh',
          '-c',
          'cat /proc/sys/kernel/random/uuid; dd if=/dev/urandom bs=32 count=1 2>/dev/null | busybox od -An -tx1; date +%s',
        ]
        const runs = await Promise.all([run([], ...words), run([], ...words)])
        const [one, other] = runs.map(({ stdout, stderr, status }) => {
          assert.equal(status, 0, stderr)
          return stdout.trim().split('\n')
        })
        assert.equal(
          new Set([...(one ?? []).slice(0, -1), ...(other ?? []).slice(0, -1)]).size,
          (one?.length ?? 0) * 2 - 2,
        )
        for (const each of [one, other]) assert.ok(Math.abs(Number(each?.at(-1)) - Date.now() / 1000) < 120)
      })

      test('a host folder for a root, or a live one, is refused, with what to write', async (t) => {
        const host = await glovebox(user, ['run', '--boundary', 'microvm', '--', 'true'], { env })
        assert.equal(host.status, 125)
        assert.match(host.stderr, /Write `root: image:REF`/)
        const policy = join(testFolder(t, 0o777), 'policy.yaml')
        const given = join(folder, 'live')
        mkdirSync(given, { recursive: true })
        writeFileSync(policy, `{version: 1, files: {write: [{path: ${given}, inside: /out, live: true}]}}`)
        const live = await run(['--policy', policy], 'true')
        assert.equal(live.status, 125)
        assert.match(live.stderr, /files\.live-writes .* Leave `live` away/)
      })

      test('verify attacks it from inside, whoever asks', async () => {
        const asked = ['verify', '--boundary', 'microvm', '--root', `image:${IMAGE}`, '--only', 'machine']
        const { status, stdout, stderr } = await glovebox(user, [...asked, '--quiet', '--json'], { env })
        assert.equal(status, 0, stderr + stdout)
        const { probes, parts } = JSON.parse(stdout) as {
          probes: { id: string; status: string }[]
          parts: Record<string, string | null>
        }
        for (const name of ['wall', 'jail', 'kernel', 'guest', 'agent', 'vmm', 'vmmMemory'])
          assert.match(`${parts[name]}`, /^[0-9a-f]{64}$/, name)
        assert.deepEqual(
          probes.map(({ id, status: said }) => [id, said]),
          [
            ['machine.vsock', 'holds'],
            ['machine.devices', 'holds'],
          ],
        )
      })

      test('a supervisor that is killed takes its machine with it', async () => {
        const mark = `glovebox-machine-${process.pid}-${users.indexOf(user)}`
        const argv = user.as(
          user.cli(['run', '--boundary', 'microvm', '--root', `image:${IMAGE}`, '--', 'sleep', '60']),
        )
        const [program = '', ...args] = argv
        const child = spawn(program, args, {
          env: { ...env, GLOVEBOX_TEST_MARK: mark },
          cwd: '/',
          stdio: 'ignore',
          detached: true,
        })
        const exited = once(child, 'exit')
        const machines = () =>
          descendants(child.pid ?? 0).filter((pid) => text(pid, 'cmdline').includes('qemu-system-'))
        let seen: number[] = []
        for (let tries = 0; tries < 1200 && seen.length === 0; tries++) {
          seen = machines()
          await sleep(50)
        }
        assert.ok(seen.length > 0, 'no machine was seen')
        process.kill(-(child.pid ?? 0), 'SIGKILL')
        await exited
        for (let tries = 0; tries < 200 && seen.some(isThere); tries++) await sleep(50)
        assert.deepEqual(seen.filter(isThere), [])
      })
    })
  }
})

function text(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch {
    return ''
  }
}

const isThere = (pid: number) => text(pid, 'cmdline').includes('qemu-system-')

function descendants(root: number): number[] {
  const children = text(root, `task/${root}/children`).trim().split(' ').filter(Boolean).map(Number)
  return [root, ...children.flatMap(descendants)]
}
