/**
 * The attack: read everything. A hostile job reads all that it can and says it, and on the outside all is read that the command line
 * writes, and all of its gateway that another user sees. The secret, which a host gets meanwhile, is in none of it. The control: the same
 * search finds it where it is, and the same job says it where it has it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { coreBound } from '../../src/gateway/core.js'
import { local } from '../egress/jobs.js'
import { gatewaysOf } from '../gateway/setting.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser, SUITE_IS_ROOT, type TestUser } from '../support/users.js'
import { given, Hosts } from './hosts.js'
import { search } from './search.js'

const NOBODY = 65534
const SOMEBODY_ELSE = 65533
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
const JOB = join(ROOT, 'test/credentials-live/jobs/look.py')

/** A run under way, whose job has read all it can and waits. */
interface Looked {
  readonly run: ChildProcess
  readonly out: () => { readonly stdout: Buffer; readonly stderr: Buffer }
  readonly ended: Promise<void>
}

/** The far side, and a folder that is all of the disk that the run is told of. */
class Setting {
  readonly secret = `sk-live-${randomBytes(21).toString('base64url')}`
  readonly hosts = new Hosts('api.test', 'away.test', 'other.test')
  readonly folder: string
  readonly user: TestUser
  uploaded: Buffer = Buffer.alloc(0)
  served = 0
  #port = 0

  constructor(user: TestUser, t: TestContext) {
    this.user = user
    this.folder = testFolder(t, 0o755)
    t.after(() => this.hosts.close())
    for (const name of ['tmp', 'home', 'cwd']) this.#own(name, () => mkdirSync(join(this.folder, name)))
  }

  async serve(): Promise<void> {
    this.#port = await this.hosts.serve(({ url, headers, body }, response) => {
      if (url === '/upload') this.uploaded = body
      if (headers.authorization === `Bearer ${this.secret}`) this.served += 1
      if (url === '/redirect')
        response.writeHead(302, { location: `https://away.test/${headers.authorization}` })
      if (url === '/error') response.writeHead(500)
      response.end(url === '/headers' || url === '/error' ? JSON.stringify(headers) : 'served')
    })
    const names = ['api.test', 'away.test', 'other.test'].map((name) => `127.0.0.1 ${name}`)
    writeFileSync(join(this.folder, 'hosts'), ['127.0.0.1 localhost', ...names, ''].join('\n'))
    writeFileSync(join(this.folder, 'bundle'), readFileSync(BUNDLE, 'utf8') + this.hosts.authority)
    this.#own('secret', (file) => writeFileSync(file, `${this.secret}\n`, { mode: 0o600 }))
  }

  /** `glovebox run`, where names and authorities are the test's; it may leave a core. */
  async look(env: Record<string, string> = {}): Promise<Looked> {
    const policy = {
      version: 1,
      env: { PORT: String(this.#port), CLEAR: '1', ...env },
      limits: { memory: '1GiB', output: '256MiB' },
      lifetime: { deadline: '5m' },
      network: {
        maxUpload: '256MiB',
        allow: [
          local('api.test', this.#port, 'tls'),
          local('other.test', this.#port, 'tls', { inspect: true }),
          local('away.test', this.#port, 'tls', { maxUpload: '256MiB' }),
        ],
      },
      credentials: {
        TOKEN: { ...given('api.test', this.#port, 'bearer'), source: { file: join(this.folder, 'secret') } },
      },
    }
    this.#own('policy.json', (file) => writeFileSync(file, JSON.stringify(policy)))
    const flags = [
      '--policy',
      join(this.folder, 'policy.json'),
      '--report',
      join(this.folder, 'cwd/report.json'),
    ]
    const argv = this.user.cli([
      'run',
      ...flags,
      '--input',
      `${JOB}:look.py`,
      '--',
      '/usr/bin/python3',
      'look.py',
    ])
    const before = `ulimit -c unlimited
mount --bind ${join(this.folder, 'hosts')} /etc/hosts
mount --bind ${join(this.folder, 'bundle')} ${realpathSync(BUNDLE)}`
    const [program = '', ...args] = ['unshare', '--mount', ...this.user.as(argv, before)]
    const run = spawn(program, args, {
      cwd: join(this.folder, 'cwd'),
      env: { PATH: process.env.PATH, TMPDIR: join(this.folder, 'tmp'), HOME: join(this.folder, 'home') },
    })
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []]
    run.stderr.on('data', (piece: Buffer) => stderr.push(piece))
    const ended = new Promise<void>((resolve) => run.once('close', () => resolve()))
    const seen = new Promise<void>((resolve) => {
      run.stdout.on('data', (piece: Buffer) => {
        stdout.push(piece)
        const end = Buffer.concat(stdout.slice(-3)).subarray(-100)
        if (end.includes('== seen all')) resolve()
      })
    })
    await Promise.race([seen, ended])
    return { run, ended, out: () => ({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) }) }
  }

  /** What was written since the test began, where programs write. */
  written(since: number): Record<string, Buffer> {
    const places = [
      this.folder,
      '/tmp',
      '/var/tmp',
      '/run',
      '/dev/shm',
      '/var/lib',
      '/var/log',
      '/var/crash',
      '/',
    ]
    const own = join(this.folder, 'secret')
    const files = places.flatMap((place) => filesBelow(place, since, place === '/' ? 0 : 6))
    return Object.fromEntries(
      [...new Set(files)]
        .filter((file) => file !== own)
        .flatMap((file) => {
          try {
            return [[file, readFileSync(file)] as const]
          } catch {
            return [] // another test's, which is gone
          }
        }),
    )
  }

  #own(name: string, make: (path: string) => void): void {
    const path = join(this.folder, name)
    make(path)
    if (SUITE_IS_ROOT && !this.user.isRoot) chownSync(path, NOBODY, NOBODY)
  }
}

function filesBelow(folder: string, since: number, depth: number): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return depth > 0 ? filesBelow(path, since, depth - 1) : []
      const fresh = entry.isFile() && statSync(path).ctimeMs >= since && statSync(path).size < 512 << 20
      return fresh ? [path] : []
    })
  } catch {
    return []
  }
}

const OF_A_PROCESS = ['cmdline', 'environ', 'status', 'maps', 'stat', 'comm', 'mountinfo', 'cgroup']

/** Nobody's but its owner's. */
const CLOSED = ['environ', 'maps', 'auxv', 'mem', 'fd', 'map_files', 'stack', 'io']

/** What root reads of processes. */
const shown = (pids: readonly number[]) =>
  Object.fromEntries(
    pids.flatMap((pid) =>
      OF_A_PROCESS.map((name) => [`${pid} ${name}`, readFileSync(`/proc/${pid}/${name}`)] as const),
    ),
  )

/** All memory that a process can write. */
function memoryOf(pid: number): Buffer {
  const rows = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  const mem = openSync(`/proc/${pid}/mem`, 'r')
  const pieces = rows.flatMap((row) => {
    const [, from, to, rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(row) ?? []
    if (rights?.startsWith('rw') !== true) return []
    const [start, end] = [BigInt(`0x${from}`), BigInt(`0x${to}`)]
    const piece = Buffer.alloc(Number(end - start > 64n << 20n ? 64n << 20n : end - start))
    try {
      return [piece.subarray(0, readSync(mem, piece, 0, piece.length, start as unknown as number))]
    } catch {
      return []
    }
  })
  closeSync(mem)
  return Buffer.concat(pieces)
}

asEachNetworkUser(
  'a secret that is used is in nothing that a hostile job reads, and in nothing that Glovebox writes or shows',
  async (user, t) => {
    const setting = new Setting(user, t)
    const { secret } = setting
    await setting.serve()
    const since = Date.now() - 1000
    const { run, out, ended } = await setting.look()
    assert.ok(out().stdout.includes('== seen all'), out().stderr.toString())
    assert.ok(setting.served >= 3, 'the host got it meanwhile')

    const gateways = gatewaysOf(run.pid ?? 0)
    assert.ok(gateways.length > 0)
    assert.deepEqual(search(secret, shown(gateways)), [])
    const asks = [
      '/usr/bin/setpriv',
      `--reuid=${SOMEBODY_ELSE}`,
      `--regid=${SOMEBODY_ELSE}`,
      '--clear-groups',
    ]
    const others = ['environ', 'mem', 'maps', 'auxv', 'fd/0', 'root/', 'cwd/', 'task'].flatMap((name) =>
      gateways.map((pid) => `/proc/${pid}/${name}`),
    )
    const read = await finished([
      ...asks,
      'sh',
      '-c',
      'for each; do cat "$each"; ls -l "$each"; done',
      'sh',
      ...others,
    ])
    assert.deepEqual(search(secret, { 'what another user reads': read.stdout }), [])
    const holding = gateways.filter((pid) => memoryOf(pid).includes(secret))
    assert.ok(holding.length > 0, 'control: in the gateway’s memory, which root reads, it is found')
    const closed = holding.flatMap((pid) => CLOSED.map((name) => `/proc/${pid}/${name}`))
    const opens = ['sh', '-c', 'for each; do cat "$each" || ls "$each/"; done 2>/dev/null', 'sh']
    const opened = await finished([...asks, ...opens, ...closed])
    assert.equal(opened.stdout.toString(), '', 'another user opens none of what is the gateway’s own')
    assert.deepEqual(search(secret, setting.written(since)), [], 'while it runs')

    // the first process of a namespace takes no signal from outside that it does not handle: what this bound does is tried below
    for (const pid of holding)
      assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max core file size +1 +1 /m)
    run.stdin?.end()
    await ended
    while (gateways.some((pid) => existsSync(`/proc/${pid}`))) await sleep(20)
    const { stdout, stderr } = out()
    assert.ok(stdout.length > 1_000_000 && setting.uploaded.length > 1_000_000, 'it has read much')
    assert.deepEqual(search(secret, { stdout, stderr, uploaded: setting.uploaded }), [])
    const written = setting.written(since)
    assert.ok(Object.keys(written).some((file) => file.endsWith('report.json')))
    assert.deepEqual(search(secret, written), [], 'when it has ended')
  },
  () => (SUITE_IS_ROOT ? null : 'names and authorities of its own need mounts, and so root'),
)

asEachNetworkUser(
  'control: a job that has a copy says it, and the search finds it',
  async (user, t) => {
    const setting = new Setting(user, t)
    await setting.serve()
    // backwards: Glovebox starts no job that it would hand the value itself to
    const { run, out, ended } = await setting.look({ COPY: [...setting.secret].reverse().join('') })
    run.stdin?.end()
    await ended
    const { stdout } = out()
    const { secret, uploaded } = setting
    assert.deepEqual(search(secret, { stdout, uploaded }), ['stdout: reversed', 'uploaded: reversed'])
  },
  () => (SUITE_IS_ROOT ? null : 'names and authorities of its own need mounts, and so root'),
)

const secretOf = () => `sk-live-${randomBytes(21).toString('base64url')}`

test('control: without Glovebox the job says what its variable holds', async (t) => {
  const secret = secretOf()
  const env = { PATH: process.env.PATH, TOKEN: secret, SECRET: secret }
  const { stdout } = await finished(['/usr/bin/python3', JOB, 'variables'], { env, cwd: testFolder(t) })
  assert.notDeepEqual(search(secret, { stdout }), [])
})

/** A process of Node with the value in its memory, started behind `words`, ends by a fault. @returns the core that it left; `null`: none */
async function coreBehind(words: readonly string[], secret: string, folder: string): Promise<Buffer | null> {
  mkdirSync(folder, { mode: 0o700 })
  const fault =
    "globalThis.kept = process.env.SECRET; process.kill(process.pid, 'SIGSEGV'); setInterval(() => {}, 1000)"
  const argv = ['sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh', ...words, process.execPath, '-e', fault]
  const env = { PATH: process.env.PATH, SECRET: secret }
  assert.equal((await finished(argv, { env, cwd: folder })).signal, 'SIGSEGV')
  const [core] = readdirSync(folder)
  return core === undefined ? null : readFileSync(join(folder, core))
}

test('a fault of a process with the gateway’s bound leaves no core; without it the value is in one', async (t) => {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
  if (pattern !== 'core') return t.skip(`cores of this host go elsewhere (${pattern})`)
  const [folder, secret] = [testFolder(t), secretOf()]
  const without = await coreBehind([], secret, join(folder, 'without'))
  if (without === null) return t.skip('this host lets no process leave a core')
  assert.ok(without.includes(secret), 'control')
  const facts = { prlimit: '/usr/bin/prlimit', shell: '/bin/sh', hardLimit: 'unlimited', pattern }
  for (const [name, prlimit] of [
    ['prlimit', facts.prlimit],
    ['a shell', null],
  ] as const) {
    if (prlimit !== null && !existsSync(prlimit)) continue
    const { words, open } = coreBound({ ...facts, prlimit })
    assert.ok(words.length > 0 && open === null)
    assert.equal(await coreBehind(words, secret, join(folder, name)), null, name)
  }
})
