/** What a virtual machine is made of, as it is here: QEMU, mkfs.erofs, a kernel and its modules, the devices. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { lookAtHost, type MachineLook, machines } from '../../src/host/index.js'
import { kvmNoteText } from '../../src/host/kvm.js'

const QEMU = '/usr/bin/qemu-system-x86_64'
const CLOUD = '6.1.0-56-cloud-amd64'
const paragraph = (name: string, version: string) =>
  `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`
const FILES: Readonly<Record<string, string>> = {
  '/etc/os-release': 'ID=debian\nVERSION_CODENAME=bookworm\n',
  '/var/lib/dpkg/status': [
    paragraph('qemu-system-x86', '1:7.2+dfsg-7+deb12u18+b3'),
    paragraph('erofs-utils', '1.5-1'),
  ].join('\n'),
  '/var/lib/dpkg/info/qemu-system-x86.list': `${QEMU}\n`,
  '/var/lib/dpkg/info/erofs-utils.list': '/usr/bin/mkfs.erofs\n',
}
const SAYS: Readonly<Record<string, string>> = {
  [QEMU]: 'QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)\nCopyright (c) 2003-2022\n',
  '/usr/bin/mkfs.erofs': 'mkfs.erofs 1.5\n',
}

interface Planted {
  readonly uid?: number
  readonly mode?: number
}

/** A Debian host with these kernels in /boot, each with modules. */
function look(kernels: readonly string[] = [CLOUD], change: Partial<MachineLook> = {}): MachineLook {
  const there = [
    ...Object.keys(SAYS),
    ...kernels.flatMap((each) => [
      `/boot/vmlinuz-${each}`,
      `/lib/modules/${each}`,
      `/lib/modules/${each}/modules.dep`,
    ]),
  ]
  return {
    arch: 'x64',
    uid: 1000,
    env: {},
    read: (file) => FILES[file] ?? null,
    real: (path) => (there.includes(path) ? path : null),
    owner: () => ({ uid: 0, gid: 0, mode: 0o755 }),
    says: (program) => SAYS[program] ?? null,
    list: (folder) => (folder === '/boot' ? kernels.map((each) => `vmlinuz-${each}`) : []),
    device: () => 'absent',
    kvmNote: () => ({ text: null, of: '', file: '' }),
    nowMs: () => 0,
    readable: () => true,
    ...change,
  }
}

const planted = (files: Readonly<Record<string, Planted>>): Partial<MachineLook> => ({
  owner: (path) => ({ uid: 0, gid: 0, mode: 0o755, ...files[path] }),
})

describe('QEMU and mkfs.erofs', () => {
  test('are where they lead, in the version that they say, in the package that dpkg has', () => {
    const { qemu, mkfsErofs } = machines(look())
    assert.deepEqual(qemu, {
      path: QEMU,
      distrusted: '',
      version: '7.2.22',
      package: { name: 'qemu-system-x86', version: '1:7.2+dfsg-7+deb12u18+b3', release: 'bookworm' },
    })
    assert.deepEqual(
      [mkfsErofs.path, mkfsErofs.version, mkfsErofs.package?.version],
      ['/usr/bin/mkfs.erofs', '1.5', '1.5-1'],
    )
  })

  test('are not even asked where another than root could have put them there', () => {
    const says = () => assert.fail('it was started')
    const { qemu } = machines(look([], { ...planted({ '/usr/bin': { uid: 1000 } }), says }))
    assert.match(qemu.distrusted, /^\/usr\/bin belongs to uid 1000, not to root/)
    assert.equal(qemu.version, null)
  })

  test('of another build than dpkg’s has no package that speaks for it; what says no version has none', () => {
    const saying = (said: string | null) => machines(look([], { says: () => said })).qemu
    assert.equal(saying('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u17)\n').package, null)
    assert.equal(saying('QEMU emulator version 9.0.0\n').package, null)
    for (const said of [null, '', 'QEMU emulator version x;y\n', 'QEMU emulator 7.2\n'])
      assert.deepEqual([saying(said).path, saying(said).version], [QEMU, null])
  })

  test('are started when their version is asked for, once, and by nobody else', () => {
    let started = 0
    const says = (path: string) => {
      started++
      return SAYS[path] ?? null
    }
    const found = machines(look([CLOUD], { says }))
    assert.deepEqual([found.qemu.path, found.qemu.distrusted, found.kernel.release], [QEMU, '', CLOUD])
    assert.equal(started, 0)
    assert.deepEqual([found.qemu.version, found.qemu.package?.name], ['7.2.22', 'qemu-system-x86'])
    assert.equal(started, 1)
  })

  test('for another processor is none', () => {
    const { qemu, kernel } = machines(look([CLOUD], { arch: 'arm64' }))
    assert.deepEqual([qemu.path, kernel.image], [null, null])
  })
})

describe('the kernel', () => {
  const release = (kernels: readonly string[], change: Partial<MachineLook> = {}) =>
    machines(look(kernels, change)).kernel.release

  test('is the newest for clouds, by number; else the newest of any other kind', () => {
    assert.equal(release(['6.1.0-9-cloud-amd64', CLOUD, '6.12.9-amd64']), CLOUD)
    assert.equal(release(['6.1.0-56-amd64', '6.12.9-amd64']), '6.12.9-amd64')
    assert.equal(release(['6.1.0-18-cloud-arm64', '6.8.0-31-generic', '..-amd64']), null)
    assert.equal(release([]), null)
  })

  test('without modules is passed over', () => {
    const real = (path: string) => (path.includes(CLOUD) ? null : path)
    assert.equal(release([CLOUD, '6.1.0-56-amd64'], { real }), '6.1.0-56-amd64')
  })

  test('that others than root could have written is not used, nor are such modules', () => {
    for (const [path, why] of [
      ['/boot', /^\/boot may be written to/],
      [`/lib/modules/${CLOUD}`, /^\/lib\/modules\/6.* may be written to/],
      [`/lib/modules/${CLOUD}/modules.dep`, /modules\.dep may be written to/],
    ] as const)
      assert.match(machines(look([CLOUD], planted({ [path]: { mode: 0o777 } }))).kernel.wrong, why)
    assert.match(
      machines(look([CLOUD], planted({ '/boot': { uid: 1000 } }))).kernel.wrong,
      /belongs to uid 1000, not to root/,
    )
  })

  test('that this user can’t read is not used', () => {
    const readable = (file: string) => !file.startsWith('/boot')
    assert.match(machines(look([CLOUD], { readable })).kernel.wrong, /^\/boot\/vmlinuz-.* can't be read/)
  })
})

describe('/dev/kvm', () => {
  const openable = (change: Partial<MachineLook> = {}) =>
    machines(look([], { device: () => 'openable', ...change })).kvm
  const owned = (gid: number, mode: number): Partial<MachineLook> => ({
    uid: 0,
    owner: () => ({ uid: 0, gid, mode: 0o020000 | mode }),
  })

  test('is opened by a uid of its own where root runs a machine: by its group, and never by root’s', () => {
    assert.deepEqual(openable(owned(108, 0o660)), { state: 'openable', group: 108, failed: null })
    assert.deepEqual(openable(owned(0, 0o666)), { state: 'openable', group: null, failed: null })
    for (const [gid, mode] of [
      [0, 0o660],
      [108, 0o600],
      [108, 0o640],
    ] as const)
      assert.deepEqual(openable(owned(gid, mode)), { state: 'forbidden', group: null, failed: null })
    assert.deepEqual(openable({ uid: 1000 }), { state: 'openable', group: null, failed: null })
  })

  test('with which no machine came up is not tried for a day, while it is the same', () => {
    const [day, file] = [24 * 3600_000, '/machines/kvm.json']
    const noted = (
      nowMs: number,
      of = 'this',
      text = kvmNoteText('this', 1_000, 'QEMU said \x1b[31mno\n.'),
    ) => openable({ kvmNote: () => ({ text, of, file }), nowMs: () => nowMs }).failed
    assert.deepEqual(noted(1_000 + day - 1), { why: 'QEMU said  [31mno .', note: file })
    assert.equal(noted(1_000 + day), null)
    assert.equal(noted(999), null, 'a clock that was set back')
    assert.equal(noted(2_000, 'another'), null)
    for (const text of ['', '{', 'null', '[]', '{"of":"this"}', '{"of":"this","atMs":"1","why":"x"}'])
      assert.equal(noted(2_000, 'this', text), null, text)
    const long = kvmNoteText('this', 1_000, 'x'.repeat(10_000))
    assert.equal(noted(2_000, 'this', long)?.why.length, 400)
  })
})

describe('a kernel that the environment names', () => {
  const image = '/home/ada/vmlinuz-6.9.1'
  const real = (path: string) => path
  const chosen = (env: Record<string, string>, change: Partial<MachineLook> = {}) =>
    machines(look([CLOUD], { env, real, ...change })).kernel

  test('is taken instead of the host’s, with the modules of its name or those that are named', () => {
    assert.deepEqual(chosen({ GLOVEBOX_KERNEL: image }), {
      image,
      modules: '/lib/modules/6.9.1',
      release: '6.9.1',
      chosen: true,
      wrong: '',
    })
    const modules = '/home/ada/modules/6.9.1'
    assert.equal(chosen({ GLOVEBOX_KERNEL: '/k', GLOVEBOX_KERNEL_MODULES: modules }).modules, modules)
  })

  test('may be this user’s own, and nobody else’s', () => {
    const owned = (uid: number) => planted({ '/home/ada': { uid }, [image]: { uid } })
    assert.equal(chosen({ GLOVEBOX_KERNEL: image }, owned(1000)).wrong, '')
    assert.match(
      chosen({ GLOVEBOX_KERNEL: image }, owned(1001)).wrong,
      /belongs to uid 1001, neither to root nor to this user/,
    )
    assert.match(
      chosen({ GLOVEBOX_KERNEL: image }, planted({ '/home': { mode: 0o41777 } })).wrong,
      /^\/home may be written to/,
    )
  })

  test('that can’t be used is never silently another', () => {
    for (const [env, why] of [
      [{ GLOVEBOX_KERNEL: 'vmlinuz-6.9.1' }, /not an absolute path/],
      [{ GLOVEBOX_KERNEL: '' }, /is not called vmlinuz-VERSION/],
      [{ GLOVEBOX_KERNEL: '/k' }, /is not called vmlinuz-VERSION/],
      [{ GLOVEBOX_KERNEL_MODULES: '/lib/modules/6.9.1' }, /GLOVEBOX_KERNEL is not/],
      [{ GLOVEBOX_KERNEL: '/k', GLOVEBOX_KERNEL_MODULES: 'x' }, /GLOVEBOX_KERNEL_MODULES is not an absolute/],
    ] as const) {
      const { image: none, wrong } = chosen(env)
      assert.equal(none, null)
      assert.match(wrong, why)
    }
    const missing = (gone: string) => ({ real: (path: string) => (path === gone ? null : path) })
    assert.match(chosen({ GLOVEBOX_KERNEL: image }, missing(image)).wrong, /^There is no \/home/)
    assert.match(
      chosen({ GLOVEBOX_KERNEL: image }, missing('/lib/modules/6.9.1/modules.dep')).wrong,
      /has no modules\.dep/,
    )
  })
})

describe('this machine', () => {
  const here = lookAtHost([]).machines()
  const without = (path: string) => (existsSync(path) ? false : `${path} is not installed`)

  test('QEMU says its version', { skip: without(QEMU) }, () => {
    assert.equal(here.qemu.distrusted, '')
    assert.match(here.qemu.version ?? '', /^\d+\.\d/)
  })

  test('mkfs.erofs says its version', { skip: without('/usr/bin/mkfs.erofs') }, () => {
    assert.equal(here.mkfsErofs.distrusted, '')
    assert.match(here.mkfsErofs.version ?? '', /^\d+\.\d/)
  })

  test('a kernel that is found has modules of its own name', {
    skip: here.kernel.image === null ? 'no kernel with modules is installed' : false,
  }, () => {
    const { image, modules, release, wrong } = here.kernel
    assert.equal(wrong, '')
    assert.ok(image?.endsWith(`vmlinuz-${release}`))
    assert.ok(existsSync(`${modules}/modules.dep`))
  })

  test('a device is openable where it can be opened', () => {
    for (const [path, state] of [
      ['/dev/kvm', here.kvm.state],
      ['/dev/net/tun', here.tun],
    ] as const)
      if (!existsSync(path)) assert.equal(state, 'absent')
      else assert.ok(['openable', 'forbidden', 'absent'].includes(state))
  })
})
