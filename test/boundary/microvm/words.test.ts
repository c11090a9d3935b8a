/** What QEMU is told, and what a machine is: nothing in it that no job needs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf, machineLost } from '../../../src/boundary/microvm/endings.js'
import { shapeOf } from '../../../src/boundary/microvm/shape.js'
import { restoreWords, saveWords } from '../../../src/boundary/microvm/vmm/qemu.js'
import { HOSTS } from '../../plan/hosts.js'

const shape = { memoryMiB: 128, cpus: 1, accelerator: 'tcg', hasNetwork: false } as const
const networked = { ...shape, hasNetwork: true } as const
const accelerated = { ...shape, accelerator: 'kvm' } as const
const options = (words: readonly string[], name: string) =>
  words.flatMap((word, index) => (word === name ? [words[index + 1] ?? ''] : []))

test('a machine without a network has two devices: its port and its disk, which is read-only', () => {
  const words = restoreWords('/usr/bin/qemu-system-x86_64', shape)
  assert.equal(words[0], '/usr/bin/qemu-system-x86_64')
  assert.deepEqual(
    options(words, '-device').map((device) => device.split(',')[0]),
    ['virtio-serial-pci', 'virtserialport', 'virtio-blk-pci'],
  )
  assert.deepEqual(options(words, '-netdev'), [])
  const [drive = '', ...more] = options(words, '-drive')
  assert.deepEqual(more, [])
  assert.match(drive, /read-only=on/)
  for (const word of ['-nodefaults', '-no-user-config', '-no-reboot']) assert.ok(words.includes(word), word)
  assert.deepEqual(options(words, '-display'), ['none'])
  assert.doesNotMatch(words.join(' '), /vsock|9p|virtiofs|fsdev|usb-|hostfwd|user,|vnc|gdb|qmp/)
})

test('with one it has one more, whose other side is the tap alone', () => {
  const words = restoreWords('qemu', networked)
  const devices = options(words, '-device')
  assert.equal(devices.length, 4)
  assert.match(devices[3] ?? '', /^virtio-net-pci,netdev=net,mac=02:67:6c:6f:76:01,romfile=,/)
  assert.deepEqual(
    options(words, '-netdev').map((each) => each.split(',').slice(0, 3).join()),
    ['tap,id=net,ifname=job'],
  )
})

test('QEMU starts no program and gains nothing, where a job is in its machine', () => {
  assert.deepEqual(options(restoreWords('qemu', shape), '-sandbox'), [
    'on,obsolete=deny,elevateprivileges=deny,resourcecontrol=deny,spawn=deny',
  ])
})

test('what is saved and what goes on from it are the same machine', () => {
  for (const each of [shape, networked, accelerated]) {
    const [saved, restored] = [saveWords('qemu', each), restoreWords('qemu', each)]
    for (const name of ['-machine', '-cpu', '-smp', '-m', '-device', '-drive', '-serial'])
      assert.deepEqual(options(saved, name), options(restored, name), name)
  }
})

test('the memory is a file that the one writes and the other maps for itself', () => {
  assert.match(
    options(saveWords('qemu', shape), '-object')[0] ?? '',
    /size=128M,mem-path=\/saved\/memory,share=on$/,
  )
  assert.match(
    options(restoreWords('qemu', shape), '-object')[0] ?? '',
    /size=128M,mem-path=\/machine\/memory,share=off$/,
  )
})

test('the monitor of a machine with a job in it is a socket that nobody has', () => {
  const chardevs = options(restoreWords('qemu', shape), '-chardev')
  assert.deepEqual(
    chardevs.filter((each) => each.includes('id=monitor')),
    ['socket,id=monitor,fd=8'],
  )
  assert.equal(chardevs.filter((each) => each.startsWith('stdio')).join(), 'stdio,id=wire,signal=off')
})

test('a machine has the job’s memory and its kernel’s, in steps that others share', () => {
  const host = Object.values(HOSTS)[0]
  assert.ok(host !== undefined)
  const of = (memoryBytes: number | null, cpus: number | null, read: readonly unknown[] = []) =>
    shapeOf(
      { limits: { memoryBytes, cpus } as never, network: null, files: { read } as never },
      { ...host, cpus: 4 },
      'tcg',
    )
  const MiB = 1024 ** 2
  assert.equal(of(64 * MiB, 1).memoryMiB, 128)
  assert.equal(of(64 * MiB + 1, 1).memoryMiB, 192)
  assert.equal(of(512 * MiB, 1).memoryMiB, 576)
  assert.equal(of(null, 1).memoryMiB, 576)
  // … and room for a copy of what it is granted
  assert.equal(of(64 * MiB, 1, [{}]).memoryMiB, 256)
  assert.equal(of(64 * MiB, 0.5).cpus, 1)
  assert.equal(of(64 * MiB, 2.5).cpus, 3)
  assert.equal(of(64 * MiB, 64).cpus, 4)
  assert.equal(of(64 * MiB, null).cpus, 4)
})

test('each way in which a machine can be gone has its own words', () => {
  const panic = '[    1.0] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000000'
  assert.match(
    machineLost({ kind: 'exited', code: 0, cpuMs: 1 }, panic).what,
    /panicked: Attempted to kill init!/,
  )
  assert.match(
    machineLost(undefined, '[ 2.123456] Kernel panic - not syncing: oops [ 2.123457] CPU: 0').what,
    /panicked: oops\.$/,
  )
  assert.match(machineLost({ kind: 'exited', code: 0, cpuMs: 1 }, '').what, /switched off or started again/)
  assert.match(machineLost(undefined, '').what, /did not answer/)
  assert.match(
    machineLost({ kind: 'signal', signal: 31, cpuMs: 1 }, 'x'.repeat(9_999)).what,
    /signal 31\. It said: x{500}$/,
  )
  assert.equal(endOf({ kind: 'lost' }), "QEMU's jail ended")
})

test('run by the processor it has that processor, without what machines are run by; else nothing of it', () => {
  const [kvm, tcg] = [restoreWords('qemu', accelerated), restoreWords('qemu', shape)]
  assert.deepEqual(options(kvm, '-accel'), ['kvm'])
  assert.deepEqual(options(kvm, '-cpu'), ['host,migratable=on,vmx=off,svm=off'])
  // QEMU's own bound for what it translates is beyond what its jail has room for
  assert.deepEqual(options(tcg, '-accel'), ['tcg,tb-size=64'])
  assert.deepEqual(options(tcg, '-cpu'), ['max'])
})
