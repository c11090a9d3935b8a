/** Saved machines: found only as they were saved, saved once whoever asks, gone without a trace where it failed. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type MachineParts, machineKey } from '../../../src/boundary/microvm/snapshots/key.js'
import { MachineStore } from '../../../src/boundary/microvm/snapshots/store.js'
import { testFolder } from '../../support/checkout.js'

const KEY = 'a'.repeat(64)
const mark = (path: string) => ({ path, bytes: 1, inode: '2', modified: '3', changed: '4' })
const parts: MachineParts = {
  vmm: mark('/usr/bin/qemu'),
  kernel: mark('/boot/vmlinuz'),
  modules: mark('/lib/modules/6.1/modules.dep'),
  programs: ['x', 'y'],
  stepsSha256: 'z',
  disk: mark('/images/root.erofs'),
  shape: { memoryMiB: 128, cpus: 1, accelerator: 'tcg', hasNetwork: false },
  processor: 'one',
}

const rewrite = (file: string, change: (text: string) => string) =>
  writeFileSync(file, change(readFileSync(file, 'utf8')))

function saving(times: { count: number }) {
  return async (folder: string) => {
    times.count++
    writeFileSync(join(folder, 'memory'), 'memory', { mode: 0o444 })
    writeFileSync(join(folder, 'state'), 'state', { mode: 0o444 })
    return '6.1.0-test'
  }
}

test('a machine of any other part is another', () => {
  const changed: readonly Partial<MachineParts>[] = [
    { vmm: { ...parts.vmm, changed: '5' } },
    { shape: { ...parts.shape, accelerator: 'kvm' } },
    { kernel: { ...parts.kernel, inode: '9' } },
    { modules: { ...parts.modules, modified: '9' } },
    { programs: ['x', 'other'] },
    { stepsSha256: 'other' },
    { disk: { ...parts.disk, bytes: 2 } },
    { shape: { ...parts.shape, memoryMiB: 192 } },
    { shape: { ...parts.shape, hasNetwork: true } },
    { processor: 'another' },
  ]
  const keys = [parts, ...changed.map((each) => ({ ...parts, ...each }))].map(machineKey)
  assert.equal(new Set(keys).size, keys.length)
  assert.match(keys[0] ?? '', /^[0-9a-f]{64}$/)
})

test('is saved once, by one of all who ask at once', async (t) => {
  const place = join(testFolder(t), 'machines')
  const times = { count: 0 }
  const stores = [new MachineStore(place), new MachineStore(place), new MachineStore(place)]
  const found = await Promise.all(stores.map((store) => store.get(KEY, saving(times))))
  assert.equal(times.count, 1)
  assert.deepEqual(new Set(found.map(({ kernelRelease }) => kernelRelease)), new Set(['6.1.0-test']))
  assert.deepEqual(readdirSync(place).sort(), [KEY, 'lock'])
})

for (const [how, spoil] of [
  [
    'its memory was written to',
    (folder: string) => {
      chmodSync(join(folder, 'memory'), 0o600)
      writeFileSync(join(folder, 'memory'), 'MEMORY')
    },
  ],
  ['its state was cut short', (folder: string) => truncateSync(join(folder, 'state'), 2)],
  ['its note is half of one', (folder: string) => writeFileSync(join(folder, 'machine.json'), '{"kernel')],
  ['its memory is gone', (folder: string) => rmSync(join(folder, 'memory'))],
  ['its times were set back', (folder: string) => utimesSync(join(folder, 'state'), 1, 1)],
  [
    'a byte of its memory is another, and its time was put back',
    (folder: string) => {
      const memory = join(folder, 'memory')
      const { atime, mtime } = statSync(memory)
      chmodSync(memory, 0o644)
      const file = openSync(memory, 'r+')
      writeSync(file, 'M', 0)
      closeSync(file)
      chmodSync(memory, 0o444)
      utimesSync(memory, atime, mtime)
    },
  ],
  [
    'its memory is a link to where it was moved',
    (folder: string) => {
      renameSync(join(folder, 'memory'), join(folder, 'elsewhere'))
      symlinkSync('elsewhere', join(folder, 'memory'))
    },
  ],
  ['others may write to its memory', (folder: string) => chmodSync(join(folder, 'memory'), 0o666)],
  ['others may write to its folder', (folder: string) => chmodSync(folder, 0o777)],
  [
    'its folder is a link to where it was moved',
    (folder: string) => {
      renameSync(folder, `${folder}.elsewhere`)
      symlinkSync(`${folder}.elsewhere`, folder)
    },
  ],
  ['its note is of another form', (folder: string) => rewrite(join(folder, 'machine.json'), () => '[{}]')],
  [
    'its note is of a version that noted less',
    (folder: string) => rewrite(join(folder, 'machine.json'), (text) => text.replaceAll('"inode"', '"node"')),
  ],
  ...(process.geteuid?.() === 0
    ? ([
        ['its folder is another user’s', (folder: string) => chownSync(folder, 65534, 65534)],
        ['its memory is another user’s', (folder: string) => chownSync(join(folder, 'memory'), 65534, 65534)],
      ] as const)
    : []),
] as const)
  test(`is not used but saved again where ${how}`, async (t) => {
    const store = new MachineStore(join(testFolder(t), 'machines'))
    const times = { count: 0 }
    const { folder } = await store.get(KEY, saving(times))
    assert.notEqual(store.find(KEY), null)
    spoil(folder)
    assert.equal(store.find(KEY), null)
    await store.get(KEY, saving(times))
    assert.equal(times.count, 2)
    assert.equal(readFileSync(join(folder, 'memory'), 'utf8'), 'memory')
  })

test('one that can’t be saved leaves nothing, and the next try is a new one', async (t) => {
  const place = join(testFolder(t), 'machines')
  const store = new MachineStore(place)
  await assert.rejects(
    store.get(KEY, async (folder) => {
      writeFileSync(join(folder, 'memory'), 'half')
      throw new Error('no room')
    }),
    /no room/,
  )
  assert.deepEqual(readdirSync(place), ['lock'])
  const times = { count: 0 }
  await store.get(KEY, saving(times))
  assert.equal(times.count, 1)
})

test('a folder that others may write to is refused', async (t) => {
  const place = testFolder(t)
  chmodSync(place, 0o777)
  await assert.rejects(new MachineStore(place).get(KEY, saving({ count: 0 })), /is not this user's alone/)
})

test('machines that nobody used for long go when another is saved', async (t) => {
  const place = join(testFolder(t), 'machines')
  const store = new MachineStore(place)
  const { folder } = await store.get(KEY, saving({ count: 0 }))
  const longAgo = Date.now() / 1000 - 15 * 24 * 3600
  utimesSync(folder, longAgo, longAgo)
  const other = 'b'.repeat(64)
  await store.get(other, saving({ count: 0 }))
  assert.deepEqual(readdirSync(place).sort(), [other, 'lock'])
})

test('of more than there is to be room for, those used longest ago go; who had found one notices', async (t) => {
  const place = join(testFolder(t), 'machines')
  const store = new MachineStore(place)
  const keys = Array.from({ length: 26 }, (_, index) => index.toString(16).padStart(64, '0'))
  const [first = '', second = ''] = keys
  const found = await store.get(first, saving({ count: 0 }))
  const other = await store.get(second, saving({ count: 0 }))
  const before = Date.now() / 1000 - 3600
  utimesSync(found.folder, before, before)
  utimesSync(other.folder, before - 1, before - 1)
  assert.ok(store.isThere(found), 'which is a use of it')
  for (const key of keys.slice(2)) await store.get(key, saving({ count: 0 }))
  assert.equal(readdirSync(place).filter((name) => name !== 'lock').length, 24)
  assert.equal(store.isThere(other), false)
  assert.equal(store.find(second), null)
})
