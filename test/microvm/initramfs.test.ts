/** What a machine starts with: the archive, byte by byte and as cpio(1) reads it, and the order of its modules. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { cpioOf } from '../../src/boundary/microvm/guest/cpio.js'
import { initramfs } from '../../src/boundary/microvm/guest/initramfs.js'
import { modulesInOrder } from '../../src/boundary/microvm/guest/modules.js'
import { BoundaryUnavailableError } from '../../src/errors/index.js'
import { testFolder } from '../support/checkout.js'

const bytes = (text: string) => Buffer.from(text)

describe('the first file system of a machine', () => {
  const parts = {
    guest: bytes('guest'),
    agent: bytes('the agent'),
    modules: Array.from({ length: 11 }, (_, each) => ({
      file: `kernel/x/m-${each}.ko`,
      content: bytes('m'),
    })),
  }

  test('is the same bytes for the same things: no time, no owner, inodes in order', () => {
    const one = cpioOf([
      { path: 'd', kind: 'folder', mode: 0o700 },
      { path: 'd/f', kind: 'file', mode: 0o400, content: bytes('12345') },
    ])
    const zero = '00000000'
    const fields = (...values: number[]) => values.map((each) => each.toString(16).padStart(8, '0')).join('')
    assert.equal(
      one.toString('latin1'),
      [
        `070701${fields(1, 0o040700)}${zero}${zero}${fields(2)}${zero}${fields(0)}${zero.repeat(4)}${fields(2)}${zero}d\0`,
        `070701${fields(2, 0o100400)}${zero}${zero}${fields(1)}${zero}${fields(5)}${zero.repeat(4)}${fields(4)}${zero}d/f\0\0\0`,
        '12345\0\0\0',
        `070701${fields(0, 0)}${zero}${zero}${fields(1)}${zero}${fields(0)}${zero.repeat(4)}${fields(11)}${zero}TRAILER!!!\0\0\0\0`,
      ].join(''),
    )
    const made = initramfs(parts)
    assert.deepEqual(initramfs(parts), made)
    assert.equal(
      createHash('sha256').update(made).digest('hex'),
      '63685a431d49d45d7c5c196cd77063985fef3bd8c810f95d2182033066313cfd',
    )
  })

  test('has the modules under names whose order is that of loading', (t) => {
    const { status, stdout, stderr, error } = spawnSync('cpio', ['-tv', '--quiet'], {
      cwd: testFolder(t),
      input: initramfs(parts),
      encoding: 'utf8',
      env: { TZ: 'UTC', LC_ALL: 'C', PATH: process.env.PATH },
    })
    if (error !== undefined) return t.skip('cpio is not installed')
    assert.deepEqual([status, stderr], [0, ''])
    const listed = stdout
      .trim()
      .split('\n')
      .map(
        (line) =>
          `${line.slice(0, 10)} ${line.split(/\s+/).slice(2, 4).join(':')} ${line.split(/\s+/).at(-1)}`,
      )
    assert.deepEqual(listed, [
      '-r-x------ root:root init',
      '-r-xr-xr-x root:root agent',
      'drwx------ root:root modules',
      ...Array.from(
        { length: 11 },
        (_, each) => `-r-------- root:root modules/${`${each}`.padStart(2, '0')}-m-${each}.ko`,
      ),
    ])
  })
})

describe('the modules of a machine', () => {
  const DEP = [
    'kernel/lib/top.ko: kernel/lib/middle-part.ko kernel/lib/low.ko kernel/lib/base.ko.xz',
    'kernel/lib/middle-part.ko: kernel/lib/low.ko kernel/lib/base.ko.xz',
    'kernel/lib/low.ko: kernel/lib/base.ko.xz',
    'kernel/lib/base.ko.xz:',
    'kernel/lib/alone.ko.zst:',
    'kernel/lib/unwanted.ko: kernel/lib/base.ko.xz',
    '',
  ].join('\n')
  const index = {
    release: '6.1.0-test',
    dep: DEP,
    builtin: 'kernel/fs/in_kernel.ko\nkernel/fs/other-one.ko\n',
  }

  test('each stands behind all that it needs, once, and nothing else is there', () => {
    assert.deepEqual(modulesInOrder(index, ['alone', 'low', 'top']), [
      'kernel/lib/alone.ko.zst',
      'kernel/lib/base.ko.xz',
      'kernel/lib/low.ko',
      'kernel/lib/middle-part.ko',
      'kernel/lib/top.ko',
    ])
  })

  test('- and _ are the same in a name, and what is built in is left out', () => {
    assert.deepEqual(modulesInOrder(index, ['in-kernel', 'other_one', 'middle_part']), [
      'kernel/lib/base.ko.xz',
      'kernel/lib/low.ko',
      'kernel/lib/middle-part.ko',
    ])
  })

  test('one that is nowhere is an error that names the package', () => {
    assert.throws(
      () => modulesInOrder(index, ['low', 'nowhere']),
      (error) =>
        error instanceof BoundaryUnavailableError &&
        /kernel 6\.1\.0-test has no nowhere.*linux-image-cloud-amd64/.test(error.message),
    )
  })

  test('an index whose entries need each other ends', () => {
    const dep = 'a.ko: b.ko\nb.ko: a.ko\n'
    assert.deepEqual(modulesInOrder({ ...index, dep }, ['a']), ['b.ko', 'a.ko'])
  })
})
