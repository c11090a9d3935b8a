/**
 * Mounts that cell finishes in a container. The attack: an image in which the parent of a mount's place is a link, say /data to /etc. Whoever
 * mounts on /data/job then mounts on /etc/job, and a link at the place itself leads as far.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { Keeper } from '../../../src/boundary/docker/keeper.js'
import { type TarEntry, tarOf } from '../../../src/boundary/docker/tar.js'
import { LaunchError } from '../../../src/errors/index.js'
import { hostOf } from '../../../src/sandbox/index.js'
import { TestEngine } from '../../support/docker-engine.js'
import { SUITE_IS_ROOT } from '../../support/users.js'
import { planOf, UID } from './box.js'

const started = SUITE_IS_ROOT ? await TestEngine.start() : 'needs root'
const skip = typeof started === 'string' ? started : false
const own = started as TestEngine
after(async () => {
  if (skip === false) await own.end()
})

const folder = (path: string): TarEntry => ({ path, kind: 'folder', mode: 0o755 })
const link = (path: string, target: string): TarEntry => ({ path, kind: 'link', target })
const file = (path: string): TarEntry => ({ path, kind: 'file', mode: 0o644, content: Buffer.alloc(0) })

const BARE = [
  ...['/', '/usr', '/etc', '/proc', '/dev', '/sys', '/real', '/real/job'].map(folder),
  ...['bin', 'lib', 'lib64'].map((name) => link(`/${name}`, `usr/${name}`)),
]

interface Places {
  readonly scratch: string
  /** of a file of the sandbox's own */
  readonly ownFile: string
}

/** What is mounted in a container of that image once cell is done with it. @throws LaunchError when it refuses */
async function heldWith(image: readonly TarEntry[], { scratch, ownFile }: Places): Promise<string[]> {
  const client = await own.client()
  const tag = randomBytes(8).toString('hex')
  const id = await client.importImage('glovebox-test/astray', tag, tarOf(image), {})
  const HostConfig = { NetworkMode: 'none', Binds: ['/usr:/usr:ro'] }
  const body = { Image: id, Labels: {}, Entrypoint: ['/bin/sleep', '100'], HostConfig }
  const container = await client.create(`astray-${tag}`, body)
  const keeper = new Keeper(hostOf(), true)
  try {
    await client.start(container.id)
    const { Pid } = (await client.container(container.id)).State
    const plan = planOf({})
    const files = { ...plan.files, scratch: { ...plan.files.scratch, places: [scratch] }, read: [], live: [] }
    await keeper.hold(
      Pid,
      container.id,
      { ...plan, files },
      { kind: 'container', files: { [ownFile]: Buffer.from('x') }, owner: UID },
    )
    return readFileSync(`/proc/${Pid}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
  } finally {
    await client.remove(container.id)
    await keeper.close()
    await client.removeImage(id)
  }
}

describe('a link in an image, where something is to be mounted', { skip }, () => {
  test('control: without one, all is mounted where it was to be', async () => {
    const found = await heldWith([...BARE, file('/etc/passwd')], {
      scratch: '/real/job',
      ownFile: '/etc/passwd',
    })
    assert.ok(found.includes('/real/job'), found.join())
    assert.ok(found.includes('/etc/passwd'), found.join())
  })

  for (const [what, more, places] of [
    [
      'a parent of a scratch folder',
      [link('/data', '/real')],
      { scratch: '/data/job', ownFile: '/etc/passwd' },
    ],
    ['a scratch folder itself', [link('/data', '/real/job')], { scratch: '/data', ownFile: '/etc/passwd' }],
    [
      'a parent of an own file',
      [link('/etc/astray', '/real')],
      { scratch: '/real/job', ownFile: '/etc/astray/passwd' },
    ],
    [
      'an own file itself',
      [link('/etc/name', '/etc/passwd')],
      { scratch: '/real/job', ownFile: '/etc/name' },
    ],
  ] as const)
    test(`${what}: the start is refused, and names the path`, async () => {
      const image = [...BARE, file('/etc/passwd'), file('/real/passwd'), ...more]
      const path = more[0].path
      await assert.rejects(heldWith(image, places), (error: Error) => {
        assert.ok(error instanceof LaunchError)
        assert.match(
          error.message,
          /could not be held: .*container-mounts: .*(?:symbolic link|Not a directory)/,
        )
        assert.ok(error.message.includes(path), error.message)
        return true
      })
    })
})
