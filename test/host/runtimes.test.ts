/** runc and runsc as they are here: found in fixed places, asked only where root alone could have put them. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { lookAtHost, type RuntimeLook, runtimes, upstreamVersion } from '../../src/host/index.js'

interface Planted {
  readonly uid?: number
  readonly gid?: number
  readonly mode?: number
}

const STATUS = `Package: run
Status: install ok installed
Version: 9

Package: runc
Status: install ok installed
Architecture: amd64
Version: 1.1.5+ds1-1+deb12u1

`
const FILES: Readonly<Record<string, string>> = {
  '/etc/os-release': 'ID=debian\nVERSION_CODENAME=bookworm\n',
  '/var/lib/dpkg/status': STATUS,
  '/var/lib/dpkg/info/runc.list': '/.\n/usr/sbin/runc\n/usr/bin/runc\n',
}
const SAID = 'runc version 1.1.5+ds1\ncommit: x\nspec: 1.0.2-dev\ngo: go1.19.8\nlibseccomp: 2.5.4\n'

function look(
  planted: Readonly<Record<string, Planted>> = {},
  files: Readonly<Record<string, string>> = {},
  said: string | null = SAID,
): RuntimeLook {
  const texts = { ...FILES, ...files }
  return {
    uid: 1000,
    userName: 'ada',
    read: (file) => texts[file] ?? null,
    // Debian's /usr/bin/runc is a link
    real: (path) => (/^\/usr\/s?bin\/runc$/.test(path) ? '/usr/sbin/runc' : null),
    owner: (path) => ({ uid: 0, gid: 0, mode: 0o755, ...planted[path] }),
    says: () => said,
  }
}

describe('runc', () => {
  test('is where it leads, in the version that it says, in the package that dpkg has', () => {
    assert.deepEqual(runtimes(look()).runc, {
      path: '/usr/sbin/runc',
      distrusted: '',
      version: '1.1.5+ds1',
      libseccomp: '2.5.4',
      package: { name: 'runc', version: '1.1.5+ds1-1+deb12u1', release: 'bookworm' },
    })
    assert.equal(runtimes(look()).runsc.path, null)
  })

  test('is asked once, whoever wants to know, and no other program for its sake', () => {
    const asked: string[] = []
    const real = (path: string) => (/^\/usr\/s?bin\/(?:bwrap|runc|runsc)$/.test(path) ? path : null)
    const says = (program: string) => {
      asked.push(program)
      return SAID
    }
    const found = runtimes({ ...look(), real, says })
    assert.deepEqual(asked, [], 'nobody has asked yet')
    assert.equal(found.runc, found.runc, 'what was judged is what is run')
    assert.deepEqual(found.subordinateIds.uids, [])
    assert.deepEqual(asked, ['/usr/bin/runc'])
  })

  test('is not even asked where another than root could have put it there', () => {
    for (const [path, planted, why] of [
      ['/usr/sbin/runc', { uid: 1000 }, /^\/usr\/sbin\/runc belongs to uid 1000/],
      ['/usr/sbin', { mode: 0o40777 }, /^\/usr\/sbin may be written to by others/],
      ['/usr', { mode: 0o41777 }, /^\/usr may be written to/],
      ['/', { uid: 65534 }, /^\/ belongs to uid 65534/],
      ['/usr/sbin', { mode: 0o42775, gid: 50 }, /^\/usr\/sbin may be written to/],
    ] as const) {
      const asked = { ...look({ [path]: planted }), says: () => assert.fail('it was started') }
      const { distrusted, version } = runtimes(asked).runc
      assert.match(distrusted, why)
      assert.equal(version, null)
    }
    assert.equal(runtimes(look({ '/usr/sbin': { mode: 0o775, gid: 0 } })).runc.distrusted, '', 'group root')
  })

  test('that says no version has none, and no package speaks for it', () => {
    for (const said of [
      null,
      '',
      'runc version devel',
      'runc version 1.1.5;x',
      `runc version ${'1'.repeat(200)}`,
    ]) {
      const found = runtimes(look({}, {}, said)).runc
      assert.deepEqual([found.path, found.version, found.package], ['/usr/sbin/runc', null, null], `${said}`)
    }
  })

  test('that is not the package’s own is not taken for mended by it', () => {
    const packageIn = (files: Readonly<Record<string, string>>, said = SAID) =>
      runtimes(look({}, files, said)).runc.package
    assert.equal(packageIn({}, 'runc version 1.1.4\n'), null, 'another version was put in its place')
    assert.equal(packageIn({ '/var/lib/dpkg/info/runc.list': '/usr/share/doc/runc\n' }), null)
    assert.equal(
      packageIn({
        '/var/lib/dpkg/status': STATUS.replace(
          'runc\nStatus: install ok installed',
          'runc\nStatus: deinstall ok config-files',
        ),
      }),
      null,
    )
    assert.equal(packageIn({ '/var/lib/dpkg/status': 'garbage' }), null)
    assert.equal(packageIn({ '/etc/os-release': '' })?.release, null)
  })
})

test('subordinate ids: those of this user, by name and by number, and no line that is not one', () => {
  const ids = (subuid: string) =>
    runtimes(look({}, { '/etc/subuid': subuid, '/etc/subgid': 'ada:1:2\n' })).subordinateIds
  assert.deepEqual(ids('ada:100000:65536\nbob:165536:65536\n1000:300000:10\n'), {
    newuidmap: null,
    newgidmap: null,
    uids: [
      { first: 100_000, count: 65_536 },
      { first: 300_000, count: 10 },
    ],
    gids: [{ first: 1, count: 2 }],
  })
  assert.deepEqual(ids('').uids, [])
  assert.deepEqual(ids('ada:4294967290:65536\nada:4294967295:1\n').uids, [{ first: 4_294_967_290, count: 5 }])
  for (const line of ['ada:1', 'ada:x:5', 'ada:1:99999999999', ':1:5', 'adam:1:5', '#ada:1:5'])
    assert.deepEqual(ids(`${line}\n`).uids, [], line)
})

describe('this machine', () => {
  const here = lookAtHost([]).runtimes()
  for (const [name, path] of [
    ['bubblewrap', '/usr/bin/bwrap'],
    ['runc', '/usr/sbin/runc'],
    ['runsc', '/usr/bin/runsc'],
  ] as const)
    test(`${name} says its version, and dpkg knows it`, {
      skip: existsSync(path) ? false : `${path} is not installed`,
    }, () => {
      const found = here[name]
      assert.equal(found.distrusted, '')
      assert.match(found.version ?? '', /^\d+\.\d/)
      // another one may have been put in its place, of which dpkg does not know
      const dpkg = spawnSync('dpkg-query', ['-W', name], { encoding: 'utf8' })
      const version = (dpkg.stdout ?? '').trim().split('\t')[1] ?? ''
      const packaged = upstreamVersion(version)
      if (packaged !== null && packaged === upstreamVersion(found.version ?? ''))
        assert.deepEqual([found.package?.name, found.package?.version], [name, version])
      else assert.equal(found.package, null)
      if (name === 'runc') assert.match(found.libseccomp ?? '', /^2\./)
    })
})
