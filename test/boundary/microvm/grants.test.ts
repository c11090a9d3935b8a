/** What is granted for reading, as a machine is told of it: no link leads out of it, and no more than was looked at. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Weight } from '../../../src/boundary/microvm/grants/bounds.js'
import { copied, requireCopied } from '../../../src/boundary/microvm/grants/copy.js'
import { holdGrants, release } from '../../../src/boundary/microvm/grants/held.js'
import { testFolder } from '../../support/checkout.js'
import { SUITE_IS_ROOT } from '../../support/users.js'

const JOB = { uid: 1000, gid: 1000 }
const SECRET = 'of another folder of the host'

/** A folder that is granted, beside one that is not. */
function folders(t: TestContext) {
  const folder = testFolder(t)
  const [granted, other] = [join(folder, 'granted'), join(folder, 'other')]
  for (const each of [granted, other]) mkdirSync(each)
  writeFileSync(join(other, 'file'), SECRET)
  return { granted, other }
}

function held(t: TestContext, ...paths: string[]) {
  const grants = holdGrants(paths.map((host) => ({ host, inside: `/in${host}` })))
  t.after(() => release(grants))
  return grants
}

interface Told {
  readonly tag: string
  readonly path: string
  readonly mode?: string
  readonly content?: string
}

/** Of frames of native/wire.h, what native/guest/parse.c makes of them. */
function read(step: Buffer): Told {
  const [tag, body] = [step.toString('latin1', 0, 1), step.subarray(5)]
  const texts = (from: number) => body.toString('latin1', from).split('\0')
  if (tag === 'L') return { tag, path: texts(0)[1] ?? '', content: texts(0)[0] ?? '' }
  const from = tag === 'A' ? 0 : 12
  const [path = '', ...content] = texts(from)
  const mode = tag === 'A' ? {} : { mode: body.readUInt32LE(0).toString(8) }
  return { tag, path, ...mode, ...(tag === 'A' || tag === 'F' ? { content: content.join('\0') } : {}) }
}

async function told(grants: ReturnType<typeof holdGrants>, meanwhile = () => {}): Promise<Told[]> {
  const all: Told[] = []
  for await (const part of copied(grants, JOB)) {
    all.push(...part.map(read))
    meanwhile()
  }
  return all.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}

describe('a grant for reading', () => {
  test('is files with their modes, folders and links as links; all else is left out', async (t) => {
    const { granted } = folders(t)
    mkdirSync(join(granted, 'b'), { mode: 0o755 })
    writeFileSync(join(granted, 'b/c'), 'three')
    writeFileSync(join(granted, 'program'), '#!', { mode: 0o755 })
    chmodSync(join(granted, 'program'), 0o6755)
    symlinkSync('/etc/shadow', join(granted, 'd'))
    writeFileSync(Buffer.concat([Buffer.from(join(granted, 'n')), Buffer.of(0xff, 0x0a)]), '')
    execFileSync('mkfifo', [join(granted, 'fifo')])
    if (SUITE_IS_ROOT) execFileSync('mknod', [join(granted, 'device'), 'c', '1', '3'])
    const server = createServer().listen(join(granted, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    t.after(() => server.close())
    chmodSync(granted, 0o750)
    assert.deepEqual(await told(held(t, granted, join(granted, 'b/c'))), [
      { tag: 'o', path: '/granted/0', mode: '750' },
      { tag: 'd', path: '/granted/0/b', mode: '755' },
      { tag: 'F', path: '/granted/0/b/c', mode: '644', content: 'three' },
      { tag: 'L', path: '/granted/0/d', content: '/etc/shadow' },
      { tag: 'F', path: '/granted/0/n\xff\n', mode: '644', content: '' },
      // setuid is nothing there
      { tag: 'F', path: '/granted/0/program', mode: '755', content: '#!' },
      { tag: 'o', path: '/granted/1', mode: '644' },
      { tag: 'A', path: '/granted/1', content: 'three' },
    ])
  })

  // the attack: whoever may write to the tree puts a link in the place of a folder that was seen to be one
  test('that has a link in the place of a folder, in the middle of it, leads nowhere', async (t) => {
    const { granted, other } = folders(t)
    for (const name of ['a', 'b', 'c', 'd']) {
      mkdirSync(join(granted, name))
      writeFileSync(join(granted, name, 'file'), Buffer.alloc(256 * 1024, name))
    }
    const all = await told(held(t, granted), () => {
      for (const name of readdirSync(granted).filter((each) => each.length === 1)) {
        rmSync(join(granted, name), { recursive: true })
        symlinkSync(other, join(granted, name))
      }
    })
    assert.ok(all.some(({ tag, content }) => tag === 'L' && content === other))
    assert.doesNotMatch(JSON.stringify(all), new RegExp(SECRET))
  })

  test('that was replaced since the policy was read is refused, by a link too and by one on the way', (t) => {
    const { granted, other } = folders(t)
    mkdirSync(join(granted, 'below'))
    const moved = join(granted, '../moved')
    renameSync(granted, moved)
    assert.throws(() => held(t, granted), /can't be opened \(ENOENT\).*\n?.*granted path was replaced/s)
    symlinkSync(other, granted)
    assert.throws(() => held(t, granted), /granted path was replaced/)
    rmSync(granted)
    symlinkSync(moved, granted)
    assert.throws(() => held(t, join(granted, 'below')), /leads to .*moved\/below now/)
    assert.equal(held(t, join(moved, 'below')).length, 1)
  })

  test('is held: what is in its place later is not copied', async (t) => {
    const { granted, other } = folders(t)
    writeFileSync(join(granted, 'file'), 'first')
    const grants = held(t, granted)
    renameSync(granted, `${granted}-before`)
    renameSync(other, granted)
    assert.deepEqual(
      (await told(grants)).map(({ content }) => content),
      [undefined, 'first'],
    )
  })

  test('of a file that grows meanwhile is as long as it was; of one that is cut, shorter', async (t) => {
    const { granted } = folders(t)
    const [grows, cut] = [join(granted, 'grows'), join(granted, 'cut')]
    for (const path of [grows, cut]) writeFileSync(path, Buffer.alloc(300 * 1024, 'x'))
    const sizes: Record<string, number> = {}
    for (const { path, content = '' } of await told(held(t, grows, cut), () => {
      appendFileSync(grows, Buffer.alloc(64 * 1024, 'y'))
      truncateSync(cut, 200 * 1024)
    }))
      sizes[path] = (sizes[path] ?? 0) + content.length
    assert.equal(sizes['/granted/0'], 300 * 1024)
    assert.ok([200 * 1024, 256 * 1024].includes(sizes['/granted/1'] ?? 0), `${sizes['/granted/1']}`)
  })

  test('of what the job may not read sends nothing of it', {
    skip: SUITE_IS_ROOT ? false : 'needs another owner',
  }, async (t) => {
    const { granted } = folders(t)
    for (const name of ['private', 'shared', 'closed/file']) {
      mkdirSync(join(granted, name, '..'), { recursive: true })
      writeFileSync(join(granted, name), SECRET)
    }
    chmodSync(join(granted, 'private'), 0o600)
    chmodSync(join(granted, 'closed'), 0o700)
    for (const name of ['private', 'shared', 'closed']) chownSync(join(granted, name), 33, 33)
    assert.deepEqual(
      (await told(held(t, granted))).map(({ path, mode, content }) => [path, mode, content]),
      [
        ['/granted/0', statSync(granted).mode.toString(8).slice(-3), undefined],
        ['/granted/0/closed', '700', undefined],
        ['/granted/0/private', '600', ''],
        ['/granted/0/shared', '644', SECRET],
      ],
    )
  })

  test('of more than fits is refused with what it takes, what fits, and what to do', async (t) => {
    const { granted } = folders(t)
    writeFileSync(join(granted, 'sparse'), '')
    truncateSync(join(granted, 'sparse'), 300 * 1024 ** 2)
    const grants = held(t, granted, join(granted, 'sparse'))
    await assert.rejects(
      requireCopied(grants, JOB),
      /take 601 MiB in 3 files and folders, and .* is 128 MiB in 10000\..*`boundary: gvisor`/s,
    )
    // it may have become so meanwhile
    await assert.rejects(told(grants), /take more than 301 MiB in 2 /)
  })

  test('of many small files counts each', () => {
    const weight = new Weight()
    for (let each = 0; each < 10_000; each++) weight.add(1)
    weight.requireFits(true)
    weight.add(0)
    assert.throws(() => weight.requireFits(true), /in 10001 files/)
  })

  test('with a file system of the kernel below it is refused', async (t) => {
    if (!SUITE_IS_ROOT) return t.skip('mounts one')
    const { granted } = folders(t)
    mkdirSync(join(granted, 'proc'))
    execFileSync('mount', ['-t', 'proc', 'proc', join(granted, 'proc')])
    try {
      await assert.rejects(
        requireCopied(held(t, granted), JOB),
        /file system of the kernel .*granted\/proc\./,
      )
    } finally {
      execFileSync('umount', [join(granted, 'proc')])
    }
  })
})
