/** A machine of QEMU's with an initramfs of ours and nothing between: what guest says is heard here. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CarriedStreams } from '../../src/boundary/agent/carried.js'
import { Conversation } from '../../src/boundary/agent/conversation.js'
import { NO_WALL } from '../../src/boundary/agent/wall.js'
import { type Command, nativePrograms } from '../../src/boundary/index.js'
import { initramfs, type MachineModule } from '../../src/boundary/microvm/guest/initramfs.js'
import { modulesInOrder } from '../../src/boundary/microvm/guest/modules.js'
import type { GuestReady } from '../../src/boundary/microvm/guest/said.js'
import { MOUNT, type Step, step } from '../../src/boundary/microvm/guest/steps.js'
import { GuestWire } from '../../src/boundary/microvm/guest/wire.js'
import { testFolder } from '../support/checkout.js'

const QEMU = process.arch === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64'
const BUSYBOX = ['/usr/bin/busybox', '/bin/busybox'].find((file) => existsSync(file))
const RELEASE = readdirSync('/boot')
  .filter((name) => name.startsWith('vmlinuz-'))
  .map((name) => name.slice('vmlinuz-'.length))
  .find((release) => release.includes('cloud') && existsSync(`/lib/modules/${release}/modules.dep`))

/** Why there is none here; `false`: there is. */
export const NO_MACHINE: string | false =
  (process.arch !== 'x64' && 'the machine of this test is an x86_64') ||
  (spawnSync(QEMU, ['--version']).status !== 0 && `${QEMU} (qemu-system-x86) is not installed`) ||
  (RELEASE === undefined && 'linux-image-cloud-amd64 is not installed') ||
  (BUSYBOX === undefined && 'busybox-static is not installed')

export const KERNEL = RELEASE ?? ''

let made: Buffer | null = null

function theInitramfs(): Buffer {
  if (made !== null) return made
  const { guest, agent } = nativePrograms()
  made = initramfs({ guest: readFileSync(guest), agent: readFileSync(agent), modules: theModules() })
  return made
}

/** Of its kernel, in the order in which they are loaded. */
export function theModules(): MachineModule[] {
  const below = `/lib/modules/${KERNEL}`
  const read = (name: string) => readFileSync(join(below, name), 'utf8')
  const order = modulesInOrder({
    release: KERNEL,
    dep: read('modules.dep'),
    builtin: read('modules.builtin'),
  })
  return order.map((file) => ({ file: basename(file), content: readFileSync(join(below, file)) }))
}

export interface Machine {
  readonly wire: GuestWire
  readonly qemu: ChildProcess
  /** resolves when QEMU has exited */
  readonly ended: Promise<number | null>
  /** what QEMU and the machine's console complained of */
  complaints(): string
}

/** Ended with the test. `more`: arguments of QEMU's; `saved`: what the machine said before it was. */
export function boot(t: TestContext, more: readonly string[] = [], saved: GuestReady | null = null): Machine {
  const folder = testFolder(t)
  const [image, console] = [join(folder, 'initramfs'), join(folder, 'console')]
  writeFileSync(image, theInitramfs())
  const qemu = spawn(
    QEMU,
    [
      ...['-M', 'pc,accel=tcg', '-cpu', 'max', '-m', '192', '-nodefaults', '-no-user-config'],
      ...['-display', 'none', '-no-reboot', '-kernel', `/boot/vmlinuz-${KERNEL}`, '-initrd', image],
      ...['-append', 'console=ttyS0 quiet panic=-1', '-serial', `file:${console}`],
      ...['-device', 'virtio-serial-pci', '-chardev', 'stdio,id=wire,signal=off'],
      ...['-device', 'virtserialport,chardev=wire,name=glovebox.wire'],
      ...more,
    ],
    { cwd: '/', stdio: ['pipe', 'pipe', 'pipe'] },
  )
  let complaints = ''
  qemu.stderr.on('data', (part) => {
    complaints += part
  })
  const ended = new Promise<number | null>((resolve) => {
    qemu.once('close', resolve)
  })
  const wire = new GuestWire(qemu.stdout, qemu.stdin, saved)
  t.after(async () => {
    wire.close()
    qemu.kill('SIGKILL')
    await ended
  })
  return {
    wire,
    qemu,
    ended,
    complaints: () => complaints + (existsSync(console) ? readFileSync(console, 'utf8') : ''),
  }
}

/** … or what it complained of. */
export async function ready(machine: Machine): Promise<GuestReady> {
  return machine.wire.ready.catch((error) => assert.fail(`${error.message}\n${machine.complaints()}`))
}

/** The state of a machine that waits, in a file; it is over then. `monitor`: of its `-qmp`. */
export async function save(machine: Machine, monitor: string, file: string): Promise<void> {
  const socket = connect(monitor)
  const lines = createInterface(socket)[Symbol.asyncIterator]()
  await lines.next()
  const ask = async (execute: string, args: object = {}): Promise<{ readonly status?: string }> => {
    socket.write(`${JSON.stringify({ execute, arguments: args })}\n`)
    for (;;) {
      const { value } = await lines.next()
      const said = JSON.parse(value ?? '{"error":"the monitor is gone"}')
      assert.equal(said.error, undefined, JSON.stringify(said))
      if (said.return !== undefined) return said.return
    }
  }
  await ask('qmp_capabilities')
  await ask('migrate', { uri: `exec:cat > ${file}` })
  for (let status = ''; status !== 'completed'; ) {
    assert.notEqual(status, 'failed')
    await setTimeout(50)
    status = (await ask('query-migrate')).status ?? ''
  }
  await ask('quit')
  await machine.ended
  socket.destroy()
}

const CGROUP = '/sys/fs/cgroup'
const ROOTS = { mode: 0o755, uid: 0, gid: 0 }
const QUIET = MOUNT.noSetuid | MOUNT.noDevices

const PROGRAMS =
  'sh cat ip ls id uname sleep insmod hostname dd grep tr cut unshare mknod mount dmesg head date od'.split(
    ' ',
  )

/** A root of busybox alone, the way a boundary would build one; `more` comes before the start. */
export function steps(more: readonly Step[] = []): Step[] {
  assert.ok(BUSYBOX)
  const mount = (type: string, target: string, flags: number, data = '') =>
    step.mount({ type, source: type, target, flags, data })
  return [
    step.clock(Date.now()),
    step.entropy(randomBytes(64)),
    step.write(`${CGROUP}/cgroup.subtree_control`, '+memory +pids'),
    step.folder(`${CGROUP}/job`, ROOTS),
    step.write(`${CGROUP}/job/memory.max`, `${64 << 20}`),
    step.write(`${CGROUP}/job/pids.max`, '20'),
    step.cgroup(`${CGROUP}/job`),
    step.hostName('inside'),
    step.folder('/r', ROOTS),
    mount('tmpfs', '/r', QUIET, 'mode=0755'),
    ...['/proc', '/dev', '/bin', '/old'].map((path) => step.folder(`/r${path}`, ROOTS)),
    step.folder('/r/job', { mode: 0o700, uid: 1000, gid: 1000 }),
    step.file('/r/bin/busybox', ROOTS, readFileSync(BUSYBOX)),
    ...PROGRAMS.map((name) => step.link(`/r/bin/${name}`, 'busybox')),
    mount('proc', '/r/proc', QUIET | MOUNT.noExecute),
    mount('tmpfs', '/r/dev', MOUNT.noSetuid, 'mode=0755'),
    ...(
      [
        ['null', 3],
        ['zero', 5],
        ['urandom', 9],
      ] as const
    ).map(([name, minor]) => step.device(`/r/dev/${name}`, 0o666, 1, minor)),
    ...more,
    step.start('/r', 1000, 1000),
  ]
}

export interface Ran {
  readonly end: unknown
  readonly stdout: Buffer
  readonly stderr: Buffer
}

export const streamsOf = ({ wire }: Machine): CarriedStreams => new CarriedStreams(wire.agent, wire.agent)

/** One command of the shell's, and the agent's end after it. */
export async function run(streams: CarriedStreams, script: string, input = Buffer.alloc(0)): Promise<Ran> {
  const conversation = new Conversation(streams.control)
  const [stdout, stderr] = [collected(streams.stdout), collected(streams.stderr)]
  const command: Command = { argv: ['/bin/sh', '-c', script], inputs: [], terminal: null }
  await conversation.start(command, {
    workdir: '/job',
    env: { PATH: '/bin' },
    deadlineMs: 300_000,
    label: null,
    wall: NO_WALL,
    firstFilter: null,
    filters: null,
    rlimits: [],
  })
  streams.stdin.end(input)
  const end = await conversation.commandEnd(() => {})
  await streams.lastWords()
  conversation.hangUp()
  return { end, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }
}

function collected(stream: Readable): Buffer[] {
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => parts.push(part))
  return parts
}
