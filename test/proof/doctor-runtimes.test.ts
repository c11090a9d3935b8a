/** What doctor says of the programs of each boundary: what is here, what is missing, and the command that gets it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  boundaryNamed,
  engineLack,
  machineLack,
  qemuLack,
  runcLack,
  runscLack,
} from '../../src/boundary/index.js'
import { engineOf } from '../../src/host/engine/facts.js'
import {
  type EngineFacts,
  type HostFacts,
  type Machines,
  NO_KVM,
  type Runtimes,
} from '../../src/host/index.js'
import { BOUNDARIES } from '../../src/policy/index.js'
import { findings } from '../../src/proof/index.js'
import { HOSTS, MACHINES, RUNTIMES } from '../plan/hosts.js'
import { parse } from '../policy/harness.js'

const ROOT: HostFacts = HOSTS['root with cgroup v1']
const USER: HostFacts = HOSTS['an ordinary user with cgroup v2']
const having = (host: HostFacts, change: Partial<Runtimes>): HostFacts => ({
  ...host,
  runtimes: () => ({ ...RUNTIMES, ...change }),
})
const found = (host: HostFacts) => findings(host, parse({ version: 1 }), null, [])
const named = (host: HostFacts, name: string) => found(host).filter((each) => each.name === name)
const NONE = { path: null, distrusted: '', version: null, libseccomp: null, package: null }

describe('runc and runsc', () => {
  test('are named with path, package and libseccomp', () => {
    const [runc] = named(ROOT, 'has runc')
    assert.equal(runc?.status, 'good')
    assert.match(
      runc?.what ?? '',
      /^runc 1\.1\.5\+ds1 \(\/usr\/sbin\/runc, package runc 1\.1\.5\+ds1-1\+deb12u1, libseccomp 2\.5\.4\)\.$/,
    )
  })

  test('not here, not to be trusted, of no version: what, and the command', () => {
    for (const [runc, what, get] of [
      [NONE, /^runc is not installed/, /`apt-get install runc`/],
      [
        { ...RUNTIMES.runc, distrusted: '/usr belongs to uid 5, not to root.' },
        /is not used: \/usr belongs/,
        /chown root:root/,
      ],
      [{ ...RUNTIMES.runc, version: null }, /does not say which version/, /apt-get install runc/],
    ] as const) {
      const lack = runcLack(having(ROOT, { runc }))
      assert.match(lack?.what ?? '', what)
      assert.match(lack?.get ?? '', get)
    }
    assert.match(runscLack(having(ROOT, { runsc: NONE }))?.get ?? '', /apt-get install runsc/)
    assert.equal(runcLack(ROOT), null)
    const alpine = {
      ...having(ROOT, { runc: NONE }),
      surroundings: () => ({ ...ROOT.surroundings(), distribution: 'alpine' }),
    }
    assert.match(runcLack(alpine)?.get ?? '', /apk add runc/)
  })

  test('without root: newuidmap, and ids of one’s own', () => {
    const ids = RUNTIMES.subordinateIds
    assert.equal(runcLack(USER), null)
    for (const [change, what, get] of [
      [{ newuidmap: null }, /newuidmap and newgidmap are not installed/, /apt-get install uidmap/],
      [{ uids: [] }, /\/etc\/subuid gives this user \(uid 1000\)/, /usermod --add-subuids/],
      [{ gids: [] }, /\/etc\/subgid/, /usermod --add-subuids/],
    ] as const) {
      const host = having(USER, { subordinateIds: { ...ids, ...change } })
      assert.match(runcLack(host)?.what ?? '', what)
      assert.match(runcLack(host)?.get ?? '', get)
      assert.equal(runcLack(having(ROOT, { subordinateIds: { ...ids, ...change } })), null, 'root needs none')
    }
  })
})

describe('a Docker Engine', () => {
  const answers = (info: object = {}) => {
    const engine = engineOf(
      { Version: '28.2.2', ApiVersion: '1.50', Os: 'linux', Arch: 'amd64' },
      { OperatingSystem: 'Debian', KernelVersion: '6.1.0', ...info },
    )
    return typeof engine === 'string' ? assert.fail(engine) : engine
  }
  const socket = '/var/run/docker.sock'
  const packages = { docker: null, containerd: null, runc: null }
  const here = (info: object = {}, elsewhere = false): EngineFacts => ({
    kind: 'here',
    socket,
    engine: answers(info),
    packages,
    elsewhere,
  })
  const withEngine = (engine: EngineFacts): HostFacts => ({ ...USER, engine })

  test('that does not fit is refused by name, with the boundary that does', () => {
    for (const [engine, what, get] of [
      [{ kind: 'remote', address: 'ssh://…' }, /another machine \(ssh:\/\/…\)/, /boundary: process/],
      [{ kind: 'wrong', why: 'DOCKER_HOST is no address.' }, /no address/, /unset/],
      [
        { kind: 'absent', socket, why: 'There is none.' },
        /No Docker Engine is here/,
        /apt-get install docker\.io/,
      ],
      [
        { kind: 'forbidden', socket },
        /uid 1000\) may not connect/,
        /usermod -aG docker .*as good as root.*boundary: runc/,
      ],
      [{ kind: 'unusable', socket, why: 'It is no JSON.' }, /is not used: It is no JSON/, /DOCKER_HOST/],
      [here({ OperatingSystem: 'Docker Desktop' }, true), /is Docker Desktop/, /boundary: process/],
      [here({}, true), /another kernel \(6\.1\.0\)/, /boundary: process/],
      [here({ SecurityOptions: ['name=rootless'] }), /runs without root/, /boundary: runc/],
    ] as const) {
      const lack = engineLack(withEngine(engine))
      assert.match(lack?.what ?? '', what)
      assert.match(lack?.get ?? '', get)
      assert.match(lack?.get ?? '', /`.+`/, 'a command, or words of a policy')
    }
    assert.equal(engineLack(withEngine(here())), null)
  })

  test('is told with its parts; one whose runc is of an unknown version is not called safe', () => {
    const host = withEngine(here({ CgroupVersion: '2', CgroupDriver: 'systemd', Runtimes: { runc: {} } }))
    assert.match(
      named(host, 'has docker')[0]?.what ?? '',
      /^Docker Engine 28\.2\.2 at .*cgroup v2, by systemd.*runtimes runc\)\.$/,
    )
    const [runc] = named(host, 'escapes docker: runc')
    assert.equal(runc?.status, 'note')
    assert.match(runc?.what ?? '', /can't be told/)
    const [engine] = named(host, 'escapes docker: Docker Engine')
    assert.match(engine?.what ?? '', /^Known, and shut out: CVE-.*CVE-2025-54388/)
  })
})

describe('doctor', () => {
  test('promises no boundary that is not in this version, whatever the host has', () => {
    const absent = BOUNDARIES.filter((each) => boundaryNamed(each) === null)
    for (const name of absent) {
      const [boundary] = named(ROOT, `boundary ${name}`)
      assert.deepEqual([boundary?.status, boundary?.what], ['note', 'Not in this version of Glovebox.'], name)
    }
    for (const { name, what } of found(ROOT))
      if (absent.some((each) => name.startsWith(`escapes ${each}`)))
        assert.doesNotMatch(what, /shut out/, name)
  })

  test('says of bubblewrap which holes its version has, and what shuts each out', () => {
    const [escapes] = named(ROOT, 'escapes process: bubblewrap')
    assert.equal(escapes?.status, 'good')
    assert.match(
      escapes?.what ?? '',
      /^Known, and shut out: CVE-2026-87766 \(nothing is mounted in what others filled/,
    )
    assert.equal(named(ROOT, 'isolation.known-escapes')[0]?.status, 'good')
  })

  test('has nothing to say of them on another system', () => {
    const darwin = { ...ROOT, platform: 'darwin', runtimes: () => assert.fail('looked') }
    assert.deepEqual(
      found(darwin).filter(({ name }) => /^(has|escapes) /.test(name)),
      [],
    )
  })
})

describe('what a virtual machine is made of', () => {
  const changed = (change: Partial<Machines>, host: HostFacts = USER): HostFacts => ({
    ...host,
    machines: () => ({ ...MACHINES, ...change }),
  })
  const none = { path: null, distrusted: '', version: null, package: null }
  const kernel = { image: null, modules: null, release: null, chosen: false, wrong: '' }

  test('is named with version, path and package', () => {
    const text = (name: string) => named(ROOT, `has ${name}`)[0]?.what ?? ''
    assert.match(text('QEMU'), /^QEMU 7\.2\.22 \(\/usr\/bin\/qemu-system-x86_64, package qemu-system-x86 1:7/)
    assert.match(text('kernel'), /^Linux 6\.1\.0-56-cloud-amd64 \(\/boot\/vmlinuz-.*, \/usr\/lib\/modules\/6/)
    assert.match(text('mkfs.erofs'), /^mkfs\.erofs 1\.5 \(.*package erofs-utils 1\.5-1\)\.$/)
    assert.equal(machineLack(ROOT), null)
  })

  test('what is missing, and the command that gets it; nobody has to have it', () => {
    for (const [change, name, what, get] of [
      [{ qemu: none }, 'QEMU', /^qemu-system-x86_64 is not installed/, /apt-get install qemu-system-x86`/],
      [{ mkfsErofs: none }, 'mkfs.erofs', /is not installed/, /apt-get install erofs-utils/],
      [{ kernel }, 'kernel', /no kernel/, /apt-get install linux-image-cloud-amd64.*GLOVEBOX_KERNEL=/],
      [
        { kernel: { ...kernel, image: '/boot/v', wrong: "/boot/v can't be read by this user." } },
        'kernel',
        /^The kernel \/boot\/v is not used: .* can't be read/,
        /GLOVEBOX_KERNEL/,
      ],
      [
        { kernel: { ...kernel, chosen: true, wrong: 'There is no /k.' } },
        'kernel',
        /GLOVEBOX_KERNEL names can't be used: There is no \/k/,
        /GLOVEBOX_KERNEL_MODULES=.*or unset/,
      ],
      [{ kvm: NO_KVM }, '/dev/kvm', /emulates/, /modprobe/],
      [{ kvm: { ...NO_KVM, state: 'forbidden' } }, '/dev/kvm', /may not be opened/, /usermod -aG kvm/],
      [{ tun: 'absent' }, '/dev/net/tun', /no network/, /modprobe tun/],
      [{ tun: 'forbidden' }, '/dev/net/tun', /no network/, /chmod 0666/],
    ] as const) {
      const [finding] = named(changed(change), `has ${name}`)
      assert.equal(finding?.status, 'note', name)
      assert.match(finding?.what ?? '', what)
      assert.match(finding?.get ?? '', get)
    }
    const openable = { ...NO_KVM, state: 'openable' } as const
    assert.match(named(changed({ kvm: openable }), 'has /dev/kvm')[0]?.what ?? '', /only a start/)
    const failed = { why: 'QEMU exited with 1.', note: '/var/lib/glovebox/machines/kvm.json' }
    const [unusable] = named(changed({ kvm: { ...openable, failed } }), 'has /dev/kvm')
    assert.equal(unusable?.status, 'note')
    assert.match(
      unusable?.what ?? '',
      /is here, but no machine came up with it.*\(TCG\).*QEMU exited with 1\./,
    )
    assert.match(unusable?.get ?? '', /`rm \/var\/lib\/glovebox\/machines\/kvm\.json`/)
    const root = changed({ kvm: { ...NO_KVM, state: 'forbidden' } }, ROOT)
    assert.match(named(root, 'has /dev/kvm')[0]?.get ?? '', /chgrp kvm/)
  })

  test('a QEMU that lacks words it would be told is too old, and which is not', () => {
    const of = (version: string) => qemuLack(changed({ qemu: { ...MACHINES.qemu, version } }))
    for (const old of ['2.12.0', '4.2.1', '5.1.92']) assert.match(of(old)?.what ?? '', /too old.*5\.2/, old)
    for (const good of ['5.2.0', '7.2.22', '10.0.2']) assert.equal(of(good), null, good)
  })

  test('on another processor is one line', () => {
    const arm = HOSTS['root on arm64, before merged /usr']
    assert.match(named(arm, 'has QEMU')[0]?.what ?? '', /x86-64 alone/)
    assert.deepEqual(named(arm, 'has kernel'), [])
  })
})
