/** By which words of an engine's configuration a sentry is whole, and what a sandbox is not that was started by others. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Seen, sentryFault } from '../../../src/boundary/docker/sentry.js'
import { boundaryNamed } from '../../../src/boundary/index.js'
import { isWithoutNetwork, missingWords, refusedWords } from '../../../src/boundary/runsc-words.js'
import { engineOf } from '../../../src/host/engine/facts.js'
import type { HostFacts } from '../../../src/host/index.js'
import { HOSTS, RUNTIMES } from '../../plan/hosts.js'

const OLD = '0.0~20221219.0'
const NEW = 'release-20240729.0'

describe('the words that an engine starts runsc with', () => {
  test('are taken where they take nothing away', () => {
    assert.deepEqual(refusedWords([]), [])
    assert.deepEqual(
      refusedWords([
        '--network=none',
        '--platform=systrap',
        '-overlay2=none',
        '--directfs=false',
        '--host-uds=none',
      ]),
      [],
    )
  })

  for (const word of [
    '--network=host',
    '--network',
    '--host-uds=all',
    '--host-uds=open',
    '--fsgofer-host-uds',
    '--host-fifo=open',
    '--overlay2=root:memory',
    '--overlay2=all:dir=/tmp',
    '--ignore-cgroups',
    '--ignore-cgroups=true',
    '--net-raw',
    '--nvproxy',
    '--allow-flag-override',
    '--debug',
    '--debug-log=/tmp/',
    '--strace',
    '--profile',
    '--oci-seccomp',
    '--rootless',
    '--TESTONLY-unsafe-nonroot=true',
    '--directfs=true',
    '--of-next-year=true',
    'host',
    '',
  ])
    test(`${word || 'an empty one'} is refused`, () => {
      assert.deepEqual(refusedWords(['--platform=ptrace', word]), [word])
    })

  test('of newer releases: two are needed', () => {
    assert.deepEqual(missingWords([], OLD), [])
    assert.deepEqual(missingWords(['-directfs=false'], NEW), ['--overlay2=none'])
    assert.deepEqual(missingWords(['--overlay2=none', '--directfs=false'], NEW), [])
  })

  test('say whether there is a network: the last one counts', () => {
    assert.ok(!isWithoutNetwork([]))
    assert.ok(isWithoutNetwork(['--network=none']))
    assert.ok(!isWithoutNetwork(['--network=none', '-network=sandbox']))
  })
})

const ID = 'a'.repeat(64)
const SOUND: Seen = {
  words: [
    'runsc-sandbox',
    '--root=/r',
    '--log=/l',
    '--log-format=json',
    '--log-fd=3',
    'boot',
    '--bundle=/b',
    ID,
  ],
  status: 'Name:\texe\nUid:\t65534\t65534\t65534\t65534\nNoNewPrivs:\t1\nSeccomp:\t2\n',
  users: 'user:[2]',
  ownUsers: 'user:[1]',
}

describe('a sentry', () => {
  test('that is whole', () => {
    assert.equal(sentryFault(SOUND, ID), null)
    assert.equal(sentryFault({ ...SOUND, users: '', ownUsers: '' }, ID), null, 'an ordinary user sees less')
  })

  for (const [what, seen, fault] of [
    ['another program', { words: ['sleep', '1', ID] }, 'is not started by runsc'],
    [
      'of another container',
      { words: [...SOUND.words.slice(0, -1), 'b'.repeat(64)] },
      'is not started by runsc',
    ],
    [
      'with the host’s network',
      { words: ['runsc-sandbox', '--network=host', 'boot', ID] },
      'is started with --network=host',
    ],
    [
      'without a filter',
      { status: SOUND.status.replace('Seccomp:\t2', 'Seccomp:\t0') },
      'has no filter for its own system calls',
    ],
    ['root', { status: SOUND.status.replaceAll('65534', '0') }, 'is root'],
    ['of the host’s users', { users: SOUND.ownUsers }, 'has no user namespace of its own'],
    ['gone', { words: [], status: '' }, 'is not started by runsc'],
  ] as const)
    test(`${what}: is none`, () => {
      assert.equal(sentryFault({ ...SOUND, ...seen }, ID), fault)
    })
})

describe('an engine', () => {
  const boundary = boundaryNamed('docker+runsc') ?? assert.fail('no such boundary')
  const lack = (runsc: object | null, more: Partial<HostFacts> = {}, info: object = {}) => {
    const engine = engineOf(
      { Version: '20.10.24', ApiVersion: '1.41', Os: 'linux', Arch: 'amd64' },
      {
        OperatingSystem: 'Debian',
        KernelVersion: '6.1.0',
        Runtimes: { runc: {}, ...(runsc && { runsc }) },
        ...info,
      },
    )
    if (typeof engine === 'string') assert.fail(engine)
    const packages = { docker: null, containerd: null, runc: null }
    const here = { kind: 'here', socket: '/var/run/docker.sock', engine, packages, elsewhere: false } as const
    return boundary.unavailable({ ...HOSTS['root with cgroup v1'], ...more, engine: here })
  }

  test('with runsc at the path that is known can be used', () => {
    assert.equal(lack({ path: '/usr/bin/runsc', runtimeArgs: ['--platform=ptrace'] }), null)
  })

  for (const [what, runsc, words] of [
    ['without it', null, /has no runtime that is called runsc/],
    [
      'with another program by that name',
      { path: '/opt/runsc', runtimeArgs: [] },
      /is \/opt\/runsc, and \/usr\/bin\/runsc is/,
    ],
    [
      'with one that is named by no path',
      { runtimeType: 'io.containerd.runsc.v1' },
      /is none that is named by a path/,
    ],
    [
      'that starts it with the host’s network',
      { path: '/usr/bin/runsc', runtimeArgs: ['--network=host'] },
      /started with "--network=host"/,
    ],
  ] as const)
    test(`${what}: refused, with what to write`, () => {
      const found = lack(runsc)
      assert.match(found?.what ?? '', words)
      assert.match(
        found?.get ?? '',
        /"runsc":\{"path":"\/usr\/bin\/runsc"\}.*daemon\.json.*systemctl reload docker/,
      )
    })

  test('with a newer one: the words that it needs are in what to write', () => {
    const runsc = { ...RUNTIMES.runsc, version: NEW }
    const found = lack(
      { path: '/usr/bin/runsc', runtimeArgs: [] },
      { runtimes: () => ({ ...RUNTIMES, runsc }) },
    )
    assert.match(found?.what ?? '', /started without --directfs=false/)
    assert.match(found?.get ?? '', /"runtimeArgs":\["--directfs=false","--overlay2=none"\]/)
  })

  test('with a user namespace for containers is refused by name', () => {
    const found = lack({ path: '/usr/bin/runsc' }, {}, { SecurityOptions: ['name=userns'] })
    assert.match(found?.what ?? '', /userns-remap/)
  })
})
