/** Images from files: every form gives the same tree, for root and for an ordinary user. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { dockerArchive, ociImage, tarball, written } from '../support/tarball.js'
import { busyboxTree, NO_BUSYBOX } from '../support/trees.js'
import { NO_TOOLS, STORE_USERS, testStore } from './stores.js'

const skip = (user: { readonly skip: string | null }) => ({ skip: user.skip ?? NO_TOOLS() ?? NO_BUSYBOX })

/** A root with busybox, as tar writes it. */
function rootfs(folder: string): Buffer {
  busyboxTree(join(folder, 'tree'))
  return execFileSync('tar', ['-C', join(folder, 'tree'), '-c', '.'], { maxBuffer: 1 << 28 })
}

const MORE = tarball([
  { name: 'etc/private', mode: 0o600, content: 'for root\n' },
  { name: 'bin/su', mode: 0o4755, content: '#!/bin/sh\necho ran\n' },
  { name: 'etc/motd', content: 'first\n' },
  { name: 'gone', content: 'x' },
])
const LAST = tarball([
  { name: 'etc/motd', content: 'second\n' },
  { name: '.wh.gone' },
  { name: 'dev/null', type: '3', mode: 0o666 },
  { name: 'run/fifo', type: '6' },
])

for (const user of STORE_USERS) {
  test(
    `an OCI layout, an archive of one, what docker saves and a plain tar are images (${user.name})`,
    skip(user),
    async (t) => {
      const store = testStore(user, t)
      const at = (name: string) => join(store.folder, name)
      const layers = [rootfs(store.folder), MORE, LAST]
      const oci = ociImage(layers, {
        config: { User: '0', Env: ['LD_PRELOAD=/evil.so'], WorkingDir: '/', Cmd: ['rm'] },
      })
      written(at('layout'), oci.files)
      writeFileSync(
        at('oci.tar.gz'),
        gzipSync(tarball(Object.entries(oci.files).map(([name, content]) => ({ name, content })))),
      )
      writeFileSync(at('docker.tar'), dockerArchive(layers, 'team/saved:3'))
      writeFileSync(at('root.tar'), rootfs(at('again')))

      for (const [form, name] of [
        ['layout', 'from-layout'],
        ['oci.tar.gz', 'from-archive:7'],
      ] as const) {
        const { stdout, stderr } = await store.image('import', at(form), name)
        assert.equal(stdout, `${oci.digest}\n`, stderr)
      }
      const saved = await store.image('import', at('docker.tar'))
      assert.match(saved.stdout, /^sha256:[0-9a-f]{64}\n$/, saved.stderr)
      assert.match((await store.image('import', at('root.tar'), 'plain')).stdout, /^sha256:/)

      for (const name of ['from-layout', 'from-archive:7', 'team/saved:3', oci.digest]) {
        const report = at(`report-${name.slice(0, 9).replace('/', '-')}.json`)
        if (!user.isRoot) writeFileSync(report, '', { mode: 0o666 })
        const { status, stdout, stderr } = await store.run(
          name,
          'cat /etc/motd /etc/private; /bin/su; ls /gone; echo $LD_PRELOAD$PWD; id -u',
        )
        assert.equal(status, 0, stderr)
        assert.equal(stdout, 'second\nfor root\nran\n/job\n1000\n', name)
        assert.match(stderr, /\/gone: No such file/)
      }
      assert.equal((await store.run('plain', 'echo ran')).stdout, 'ran\n')

      const { stdout: json } = await store.image('inspect', 'from-layout', '--json')
      const { dropped, names, config, root } = JSON.parse(json)
      assert.deepEqual(dropped, { special: 2, bits: 1 })
      assert.deepEqual(names.sort(), ['from-archive:7', 'from-layout:latest'])
      assert.equal(config.config.User, '0')
      const inStore = root.replace('/var/lib/glovebox', join(store.folder, 'state'))
      assert.equal(lstatSync(join(inStore, 'bin/su')).mode & 0o7777, 0o755)
      assert.match((await store.image('inspect', 'from-layout')).stdout, /ignored +Env \["LD_PRELOAD/)
      assert.deepEqual(store.has('staging'), [])
    },
  )

  test(`the report says which image a name stood for (${user.name})`, skip(user), async (t) => {
    const store = testStore(user, t)
    const [one, two] = [rootfs(store.folder), MORE].map((_, i, all) => all.slice(0, i + 1))
    const report = join(store.folder, 'data/glovebox/report.json')
    const file = user.isRoot ? join(store.folder, 'report.json') : report
    const digests: string[] = []
    for (const layers of [one, two]) {
      const image = ociImage(layers ?? [])
      written(join(store.folder, 'layout'), image.files)
      await store.image('import', join(store.folder, 'layout'), 'tool:1')
      await store.run('tool:1', 'true', ['--report', file])
      const { root, policySha256 } = JSON.parse(readFileSync(file, 'utf8'))
      assert.deepEqual(root, { kind: 'image', reference: 'tool:1', digest: image.digest })
      assert.match(policySha256, /^[0-9a-f]{64}$/)
      digests.push(root.digest)
    }
    assert.notEqual(digests[0], digests[1])
    assert.equal((await store.run(`tool@${digests[0]}`, 'test ! -e /etc/motd && echo old')).stdout, 'old\n')

    assert.equal((await store.image('rm', 'tool:1')).status, 0)
    assert.match(
      (await store.run('tool:1', 'true')).stderr,
      /There is no image tool:1 in .*`glovebox image ls`/,
    )
    assert.equal((await store.run(`tool@${digests[0]}`, 'echo still')).stdout, 'still\n')
    assert.equal((await store.image('rm', digests[0] ?? '')).status, 0)
    assert.deepEqual(JSON.parse((await store.image('ls', '--json')).stdout), [])
    assert.deepEqual(
      [store.has('images'), store.has('removed'), store.has('uses'), store.has('names')],
      [[], [], [], []],
    )
  })
}

test('what can’t be an image says why, and what to do', { skip: NO_TOOLS() ?? false }, async (t) => {
  const user = STORE_USERS[0]!
  const store = testStore(user, t)
  const at = (name: string) => join(store.folder, name)
  const other = ociImage([MORE], { architecture: 's390x' })
  written(at('other'), other.files)
  const tampered = ociImage([MORE])
  const blob = Object.keys(tampered.files).at(-1) ?? ''
  written(at('tampered'), { ...tampered.files, [blob]: gzipSync(LAST) })
  written(at('cut'), Object.fromEntries(Object.entries(tampered.files).filter(([name]) => name !== blob)))
  written(at('zstd'), {
    'a.tar': Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]),
    text: Buffer.alloc(1024, 'no archive'),
  })
  for (const [args, code, said] of [
    [[at('nowhere')], 1, /There is no file .*nowhere/],
    [[at('zstd')], 1, /is no OCI layout: it has no index\.json.*`root: dir:PATH`/],
    [[at('zstd/a.tar')], 1, /compressed with zstd, which is not read/],
    [[at('zstd/text')], 1, /The archive is damaged: a (?:header has a wrong checksum|number)/],
    [[at('other')], 1, /is for linux\/s390x, not linux\/.*--platform linux\/s390x/],
    [[at('tampered')], 1, /is refused: sha256:[0-9a-f]{64} is not the digest of what is there/],
    [[at('cut')], 1, /There is no file .*blobs\/sha256/],
    [[at('other'), 'Bad Name'], 2, /"Bad Name" is not the name of an image/],
    [[], 2, /image import takes FILE\|DIR/],
  ] as const) {
    const { status, stderr } = await store.image('import', ...args)
    assert.match(stderr, said)
    assert.equal(status, code, stderr)
  }
  assert.deepEqual([store.has('images'), store.has('staging')], [[], []])
  assert.equal((await store.image('import', at('other'), 'far', '--platform', 'linux/s390x')).status, 0)
  assert.match(
    (await store.run('far', 'true')).stderr,
    /image far:latest is for linux\/s390x; this machine is/,
  )
})
