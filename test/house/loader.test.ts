/** bin/glovebox, with a small program in place of the real one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'

const bin = fileURLToPath(new URL('../../../bin', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'glovebox-loader-'))
after(() => rmSync(folder, { recursive: true }))

/** A program as the build writes it, and the cache that belongs to it, made after a run without arguments. */
function program(body: string) {
  const main = `async(argv)=>{if(argv.length===0)return 0;${body}}`
  const code = `(function(exports,require,module,__filename,__dirname){exports.main=${main}\n})`
  const hash = createHash('sha256').update(code).digest('hex')
  const source = `//${hash}\n${code}`
  const made = new Script(source)
  const exports: { main?: (argv: string[]) => Promise<number> } = {}
  made.runInThisContext()(exports)
  void exports.main?.([])
  return { source, cache: Buffer.concat([Buffer.from(hash), made.createCachedData()]) }
}

function installed(source: string | null, cache: Uint8Array | null) {
  const place = mkdtempSync(join(folder, 'installed-'))
  cpSync(bin, join(place, 'bin'), { recursive: true })
  mkdirSync(join(place, 'dist/cli'), { recursive: true })
  if (source !== null) writeFileSync(join(place, 'dist/cli/main.cjs'), source)
  if (cache !== null) writeFileSync(join(place, 'dist/cli/main.cache'), cache)
  return join(place, 'bin/glovebox')
}

function run(command: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

const echo = program('console.log(argv.join()); return 7')

test('hands over the arguments, and exits with what main returns', () => {
  const outcome = run(installed(echo.source, echo.cache), 'a', '--', 'b c')
  assert.deepEqual(outcome, { status: 7, stdout: 'a,--,b c\n', stderr: '' })
})

test('no shell takes an argument apart, or reads it', () => {
  const hostile = ['', '$(id)', '`id`', '"', "'", '\\', '*', '-e', '--', 'a\nb', '\u00e9;exit']
  const outcome = run(installed(program('console.log(JSON.stringify(argv))').source, null), ...hostile)
  assert.deepEqual(JSON.parse(outcome.stdout), hostile)
})

test('finds its program through a symbolic link', () => {
  const link = join(folder, 'link')
  symlinkSync(installed(echo.source, echo.cache), link)
  assert.equal(run(link, 'x').stdout, 'x\n')
})

test('works without a cache, and with one that V8 does not accept', () => {
  const foreign = Buffer.from(echo.cache)
  foreign.fill(0xff, 64, 128)
  for (const cache of [null, Buffer.alloc(0), echo.cache.subarray(0, 80), foreign]) {
    const outcome = run(installed(echo.source, cache), 'x')
    assert.deepEqual(outcome, { status: 7, stdout: 'x\n', stderr: '' })
  }
})

// V8 takes a cache for any script of the same length: the old program would run under the new one's name.
test('never runs the cache of another program of the same length', () => {
  const older = program('console.log("older"); return 0')
  const newer = program('console.log("newer"); return 0')
  assert.equal(older.source.length, newer.source.length)
  assert.equal(run(installed(newer.source, older.cache), 'x').stdout, 'newer\n')
  assert.equal(run(installed(newer.source, newer.cache), 'x').stdout, 'newer\n')
})

test('says what to do when it is not built', () => {
  const outcome = run(installed(null, null))
  assert.deepEqual(outcome, {
    status: 125,
    stdout: '',
    stderr: 'glovebox: it is not built yet. Run npm run setup.\n',
  })
})

test('a failure of its own is 125, never an exit code that a job could have', () => {
  const { status, stderr } = run(installed(program('throw new Error("oops")').source, null), 'x')
  assert.equal(status, 125)
  assert.match(stderr, /^glovebox: .*please report this\.\nError: oops\n/)
})

test('says so when there is no Node', () => {
  const { status, stdout, stderr } = spawnSync(installed(echo.source, null), ['x'], {
    encoding: 'utf8',
    env: { PATH: folder },
  })
  assert.deepEqual([status, stdout], [125, ''])
  assert.match(stderr, /^glovebox: Node 20\.19 or newer is needed, and there is no node in PATH\.\n$/)
})

// Node says on standard error when it cannot load what the variable names, and spends 60 ms when it can
test('Node does not load NODE_EXTRA_CA_CERTS, and the caller still has it, empty or not', () => {
  const variables = '["NODE_EXTRA_CA_CERTS", "GLOVEBOX_EXTRA_CA_CERTS"]'
  const body = `console.log(JSON.stringify(${variables}.map((name) => process.env[name] ?? null)))`
  const command = installed(program(body).source, null)
  const given = (extra: Record<string, string>) => {
    const { stdout, stderr } = spawnSync(command, ['x'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, ...extra },
    })
    return [JSON.parse(stdout), stderr]
  }
  const missing = join(folder, 'no such file')
  assert.deepEqual(given({ NODE_EXTRA_CA_CERTS: missing }), [[missing, null], ''])
  assert.deepEqual(given({ NODE_EXTRA_CA_CERTS: '' }), [['', null], ''])
  assert.deepEqual(given({}), [[null, null], ''])
  const control = spawnSync(process.execPath, ['-e', '0'], { env: { NODE_EXTRA_CA_CERTS: missing } })
  assert.match(String(control.stderr), /extra certs/)
})

test('refuses a Node that is too old', () => {
  const old = installed(echo.source, echo.cache)
  const pretend = join(folder, 'old-node.cjs')
  writeFileSync(pretend, `Object.defineProperty(process.versions, 'node', { value: '20.18.3' })`)
  const { status, stderr } = run(process.execPath, '--require', pretend, old)
  assert.equal(status, 125)
  assert.match(stderr, /^glovebox: Node 20\.19 or newer is needed; this is v\d/)
})
