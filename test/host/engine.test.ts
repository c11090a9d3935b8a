/**
 * What a Docker Engine says of itself is somebody's word: whoever listens on the socket. The attacks answer with too much, too
 * slowly, or with what is no engine's; a regression shows as a wait without end, a crash, or as control characters in a fact.
 */
import assert from 'node:assert/strict'
import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs'
import { createServer as httpServer, type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { lookAtEngine } from '../../src/host/engine/engine.js'
import { engineOf, whereIs } from '../../src/host/engine/facts.js'
import type { EngineFacts } from '../../src/host/index.js'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { Docker } from '../support/dockerd.js'
import { SUITE_IS_ROOT } from '../support/users.js'

const VERSION = {
  Version: '28.2.2',
  ApiVersion: '1.50',
  MinAPIVersion: '1.24',
  Os: 'linux',
  Arch: 'amd64',
  Components: [
    { Name: 'Engine', Version: '28.2.2' },
    { Name: 'containerd', Version: 'v1.7.27' },
    { Name: 'runc', Version: '1.2.5' },
  ],
}
const INFO = {
  OperatingSystem: 'Debian GNU/Linux 12 (bookworm)',
  KernelVersion: '6.1.0-18-amd64',
  Name: 'server',
  CgroupDriver: 'systemd',
  CgroupVersion: '2',
  MemoryLimit: true,
  PidsLimit: false,
  CpuCfsQuota: true,
  DefaultRuntime: 'runc',
  Runtimes: { runc: { path: 'runc' }, runsc: { path: '/usr/bin/runsc' }, 'a\nb': {} },
  SecurityOptions: ['name=apparmor', 'name=seccomp,profile=builtin', 'name=cgroupns'],
  Labels: [],
}

const engine = (version: object = {}, info: object = {}) => {
  const found = engineOf({ ...VERSION, ...version }, { ...INFO, ...info })
  return typeof found === 'string' ? assert.fail(found) : found
}

describe('an engine', () => {
  test('is what its two answers say', () => {
    assert.deepEqual(engine(), {
      version: '28.2.2',
      apiVersion: '1.50',
      minApiVersion: '1.24',
      components: [
        { name: 'containerd', version: '1.7.27' },
        { name: 'runc', version: '1.2.5' },
      ],
      arch: 'amd64',
      kernel: '6.1.0-18-amd64',
      operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
      rootless: false,
      usernsRemap: false,
      desktop: false,
      runtimes: ['runc', 'runsc'],
      runsc: { path: '/usr/bin/runsc', args: [] },
      defaultRuntime: 'runc',
      cgroupDriver: 'systemd',
      cgroupVersion: 2,
      controllers: ['memory', 'cpu'],
      securityOptions: ['apparmor', 'seccomp', 'cgroupns'],
    })
  })

  test('without root, with remapped users, or of Docker Desktop is known by its own words', () => {
    assert.ok(engine({}, { SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless'] }).rootless)
    assert.ok(engine({}, { SecurityOptions: ['name=userns'] }).usernsRemap)
    for (const info of [
      { OperatingSystem: 'Docker Desktop' },
      { Name: 'docker-desktop' },
      { Labels: ['com.docker.desktop.address=unix:///x'] },
    ])
      assert.ok(engine({}, info).desktop, JSON.stringify(info))
    assert.equal(engine({ Components: null }, { CgroupVersion: undefined }).cgroupVersion, null)
    assert.equal(engine({ Components: null }).components[1]?.version, null)
  })

  test('that answers with anything else is none, and none of its words is repeated', () => {
    for (const [version, info] of [
      [null, INFO],
      ['x', INFO],
      [[], INFO],
      [{}, INFO],
      [{ ...VERSION, Version: 'EVIL\u001b[2J' }, INFO],
      [{ ...VERSION, Version: '1'.repeat(101) }, INFO],
      [{ ...VERSION, Os: 'windows' }, INFO],
      [{ ...VERSION, ApiVersion: '1.50 EVIL' }, INFO],
      [{ ...VERSION, Components: Array(65).fill({ Name: 'x' }) }, INFO],
      [VERSION, { ...INFO, KernelVersion: 'EVIL\n' }],
      [VERSION, { ...INFO, SecurityOptions: 'EVIL' }],
      [VERSION, { ...INFO, Labels: ['EVIL'.repeat(1000)] }],
    ] as const) {
      const found = engineOf(version, info)
      assert.ok(typeof found === 'string', JSON.stringify(found))
      assert.doesNotMatch(found, /EVIL/)
      assert.match(found, /^What it answers to \/(version|info) is not an engine's: .*\.$/)
    }
  })

  test('is read without an exception, whatever JSON it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.constantFrom(...Object.keys(INFO)), (a, b, key) => {
        engineOf(a, b)
        const found = engineOf({ ...VERSION, Components: a }, { ...INFO, [key]: b })
        assert.doesNotMatch(JSON.stringify(found), /\\u00|\\n/)
      }),
    )
  })
})

test('where an engine is: one local socket, and nothing else is looked for', () => {
  const socket = (path: string) => ({ kind: 'socket', path })
  assert.deepEqual(whereIs(undefined), socket('/var/run/docker.sock'))
  assert.deepEqual(whereIs(''), socket('/var/run/docker.sock'))
  assert.deepEqual(whereIs('unix:///run/user/1000/docker.sock'), socket('/run/user/1000/docker.sock'))
  for (const address of ['tcp://10.0.0.1:2376', 'ssh://user:secret@host', 'http://x', 'npipe:////./pipe/x']) {
    const found = whereIs(address)
    assert.equal(found.kind, 'remote')
    assert.doesNotMatch(JSON.stringify(found), /secret|10\.0/, 'an address may hold a name and a password')
  }
  for (const address of ['unix://docker.sock', 'unix://', `unix:///${'x'.repeat(200)}`, 'x', 'unix:///a\0b'])
    assert.equal(whereIs(address).kind, 'wrong', JSON.stringify(address))
})

async function listening(t: TestContext, server: Server): Promise<string> {
  const path = join(testFolder(t, 0o755), 's')
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => server.close())
  return path
}

/** Looks at an engine that answers so. */
async function at(t: TestContext, answer: RequestListener, withinMs = 20_000): Promise<EngineFacts> {
  const server = httpServer(answer)
  const path = await listening(t, server)
  t.after(() => server.closeAllConnections())
  return lookAtEngine(`unix://${path}`, withinMs)
}

function refused(facts: EngineFacts, why: RegExp): void {
  assert.equal(facts.kind, 'unusable', JSON.stringify(facts))
  assert.match(facts.kind === 'unusable' ? facts.why : '', why)
}

describe('whoever listens on the socket', () => {
  test('and speaks like an engine is one, elsewhere when its kernel is another', async (t) => {
    const paths: (string | undefined)[] = []
    const facts = await at(t, ({ url }, response) => {
      paths.push(url)
      response.end(JSON.stringify(url === '/version' ? VERSION : INFO))
    })
    assert.deepEqual(paths, ['/version', '/info'])
    assert.ok(facts.kind === 'here')
    assert.equal(facts.elsewhere, true)
    assert.deepEqual(facts.packages, { docker: null, containerd: null, runc: null })
  })

  test('and never stops is heard to a bound', async (t) => {
    let stopped = false
    const facts = await at(t, (_request, response) => {
      const more = () => {
        while (!stopped && response.write(' '.repeat(65536)));
      }
      response.on('drain', more).on('close', () => {
        stopped = true
      })
      more()
    })
    refused(facts, /more than 1048576 bytes/)
    while (!stopped) await sleep(10)
  })

  test('and says nothing, or a byte at a time, is waited for so long and no longer', async (t) => {
    refused(await at(t, () => {}, 200), /did not answer within 200 ms/)
    const slow = await at(
      t,
      (_request, response) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
      300,
    )
    refused(slow, /did not answer within 300 ms/)
  })

  for (const [name, answer, why] of [
    [
      'a status',
      (_: unknown, response: { writeHead: (n: number) => { end: () => void } }) =>
        response.writeHead(503).end(),
      /status 503/,
    ],
    [
      'a redirect, which is not followed',
      (_: unknown, response: { writeHead: (n: number, h: object) => { end: () => void } }) =>
        response.writeHead(302, { location: 'http://other.test/' }).end(),
      /status 302/,
    ],
    ['no JSON', (_: unknown, response: { end: (text: string) => void }) => response.end('<html>'), /no JSON/],
    [
      'bytes that are no text',
      (_: unknown, response: { end: (bytes: Uint8Array) => void }) =>
        response.end(Uint8Array.of(0x22, 0xff, 0x22)),
      /no JSON/,
    ],
    [
      'JSON that nests without end',
      (_: unknown, response: { end: (text: string) => void }) => response.end('['.repeat(1_000_000)),
      /no JSON/,
    ],
    [
      'half an answer',
      (_: unknown, response: { write: (text: string) => void; destroy: () => void }) => {
        response.write('{')
        setTimeout(() => response.destroy(), 50)
      },
      /breaks off|no HTTP/,
    ],
  ] as const)
    test(`and answers with ${name} is no engine`, async (t) => {
      refused(await at(t, answer as unknown as RequestListener), why)
    })

  test('and speaks no HTTP is no engine', async (t) => {
    for (const says of ['SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n{}', '']) {
      const path = await listening(
        t,
        createServer((socket) => socket.on('error', () => {}).end(says)),
      )
      refused(await lookAtEngine(`unix://${path}`, 20_000), /no HTTP/)
    }
  })

  test('is nobody: no socket, no listener, no right to connect', async (t) => {
    const folder = testFolder(t, 0o755)
    const none = await lookAtEngine(`unix://${folder}/none`)
    assert.deepEqual(
      [none.kind, none.kind === 'absent' && none.why],
      ['absent', `There is no ${folder}/none.`],
    )
    const file = await lookAtEngine(`unix://${join(folder, 'none/x')}`)
    assert.equal(file.kind, 'absent')
  })

  test('and belongs to another user is not spoken to', {
    skip: SUITE_IS_ROOT ? false : 'giving a socket away takes root',
  }, async (t) => {
    const path = await listening(
      t,
      createServer(() => assert.fail('it was spoken to')),
    )
    chmodSync(path, 0o777)
    chownSync(path, 12345, 12345)
    refused(await lookAtEngine(`unix://${path}`), /belongs to uid 12345/)
  })
})

const folder = sharedFolder()
const started = await Docker.start(folder)
const skip = typeof started === 'string' ? started : false
after(async () => {
  if (skip === false) await (started as Docker).stop()
  rmSync(folder, { recursive: true, force: true })
})

test('a real engine of this machine', { skip }, async () => {
  const facts = await lookAtEngine(`unix://${join(folder, 'socket')}`)
  assert.ok(facts.kind === 'here', JSON.stringify(facts))
  assert.deepEqual([facts.elsewhere, facts.engine.desktop, facts.engine.rootless], [false, false, false])
  assert.match(facts.engine.version, /^\d+\.\d+/)
  assert.ok(facts.engine.securityOptions.includes('seccomp'))
  assert.ok(facts.engine.runtimes.includes('runc'))
  for (const { name, version } of facts.engine.components) assert.match(version ?? '', /^\d+\.\d+/, name)
  const listed = readFileSync('/var/lib/dpkg/info/docker.io.list', 'utf8').includes('/usr/sbin/dockerd\n')
  if (listed) assert.equal(facts.packages.docker?.name, 'docker.io')
})
