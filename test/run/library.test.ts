/** The library, as a program uses it. A regression shows as a hang, a crash of the caller, or a second result. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createReadStream, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Glovebox,
  GloveboxError,
  LaunchError,
  loadPolicy,
  type Policy,
  PolicyError,
  parsePolicy,
  type Run,
  type RunOptions,
  type SessionOptions,
  UsageError,
} from '../../src/index.js'
import { testFolder } from '../support/checkout.js'
import { USERS } from '../support/users.js'
import { launchersOf, marker, noSleeper, sleeper, sleepers } from './tools.js'

const [user] = USERS
const waive = user?.noMemoryLimit === null ? [] : ['limits.memory']
const policyOf = (extra: object = {}): Policy => parsePolicy({ version: 1, waive, ...extra })
const PLAIN = policyOf()

const bytes = (stream: Readable) => stream.toArray().then((parts) => Buffer.concat(parts as Buffer[]))

async function thrownBy(run: Run): Promise<unknown> {
  return run.then(
    () => assert.fail('it was not refused'),
    (thrown: unknown) => thrown,
  )
}

describe('the library', { skip: user?.skip ?? false }, () => {
  let glovebox: Glovebox
  before(async () => {
    glovebox = await Glovebox.start()
  })
  after(() => glovebox.close())

  test('a result: exit code, text, bytes, ok', async () => {
    const result = await glovebox.run(PLAIN, ['sh', '-c', 'printf "gr\\303\\274n"; echo err >&2; exit 3'])
    assert.equal(result.text(), 'grün')
    assert.equal(Buffer.from(result.stderr).toString(), 'err\n')
    assert.deepEqual(
      [result.reason, result.exitCode, result.signal, result.message, result.ok],
      ['exited', 3, null, null, false],
    )
    assert.equal((await glovebox.run(PLAIN, ['true'])).ok, true)
  })

  test('an argv is an argv: no shell, no splitting, empty items and any bytes but NUL', async () => {
    const items = ['a b', '$HOME', '*', '', '"', "'", '\n', 'ü', '-n']
    const result = await glovebox.run(PLAIN, ['python3', '-c', 'import sys; print(sys.argv[1:])', ...items])
    const shown = spawnSync('python3', ['-c', 'import sys; print(sys.argv[1:])', ...items], {
      encoding: 'utf8',
    })
    assert.equal(result.text(), shown.stdout)
  })

  test('inputs from bytes and from a path, relative and absolute; outputs as bytes, by pattern', async (t) => {
    const file = join(testFolder(t), 'host.bin')
    writeFileSync(file, Buffer.from([0, 255, 10]))
    const script = 'cat a deep/b /tmp/c > joined; mkdir out; cp a out/1.txt; cp a out/2.txt; cp a out/no.bin'
    const result = await glovebox.run(PLAIN, ['sh', '-c', script], {
      inputs: { a: Buffer.from('A'), 'deep/b': new Uint8Array([66]), '/tmp/c': file },
      outputs: ['joined', 'out/*.txt', '/tmp/c'],
    })
    assert.equal(result.message, null)
    assert.deepEqual(Object.keys(result.outputs).sort(), ['/tmp/c', 'joined', 'out/1.txt', 'out/2.txt'])
    assert.deepEqual(Buffer.from(result.outputs.joined ?? []), Buffer.from([65, 66, 0, 255, 10]))
  })

  test('outputs to host paths: all, or nothing when one is missing', async (t) => {
    const folder = testFolder(t)
    const outputs = { a: join(folder, 'a'), b: join(folder, 'b') }
    const half = await glovebox.run(PLAIN, ['sh', '-c', 'echo a > a'], { outputs })
    assert.equal(half.reason, 'rejected')
    assert.equal(half.exitCode, 125)
    assert.match(half.message ?? '', /without making \/job\/b/)
    assert.throws(() => readFileSync(outputs.a))
    const both = await glovebox.run(PLAIN, ['sh', '-c', 'echo a > a; echo b > b'], { outputs })
    assert.equal(both.reason, 'exited')
    assert.equal(readFileSync(outputs.b, 'utf8'), 'b\n')
  })

  test('two outputs to one host path are refused before anything runs', async (t) => {
    const file = join(testFolder(t), 'x')
    await assert.rejects(glovebox.run(PLAIN, ['true'], { outputs: { a: file, b: file } }), (error) => {
      assert.ok(error instanceof UsageError)
      assert.equal(error.code, 'output.twice')
      return true
    })
  })

  test('stdin from bytes, a stream, an async iterable, a web stream, a path, a function; absent it is empty', async (t) => {
    const file = join(testFolder(t), 'in')
    writeFileSync(file, 'text')
    async function* pieces() {
      yield Buffer.from('te')
      await sleep(5)
      yield Buffer.from('xt')
    }
    const sources = [
      Buffer.from('text'),
      new Uint8Array([116, 101, 120, 116]),
      Readable.from([Buffer.from('te'), Buffer.from('xt')]),
      createReadStream(file),
      pieces(),
      new Blob(['text']).stream() as unknown as AsyncIterable<Uint8Array>,
      file,
      () => Readable.from([Buffer.from('text')]),
    ]
    for (const stdin of sources) assert.equal((await glovebox.run(PLAIN, ['cat'], { stdin })).text(), 'text')
    assert.equal((await glovebox.run(PLAIN, ['cat'])).text(), '')
    assert.equal((await glovebox.run(PLAIN, ['cat'], { stdin: new Uint8Array() })).text(), '')
  })

  test('a stdin that breaks ends the run: half an input is never taken for the whole', async () => {
    async function* broken() {
      yield Buffer.from('half of it')
      await sleep(20)
      throw new Error('the disk is on fire')
    }
    const destroyed = () => {
      const stream = new Readable({ read() {} })
      stream.push('half of it')
      setTimeout(() => stream.destroy(), 200)
      return stream
    }
    for (const stdin of [broken, destroyed, () => createReadStream('/no/such/file')]) {
      const result = await glovebox.run(PLAIN, ['cat'], { stdin: stdin() })
      assert.equal(result.reason, 'rejected')
      assert.match(
        result.message ?? '',
        /^The run was ended because its standard input could not be read: (the disk is on fire|it was closed before its end|ENOENT)\.$/,
      )
    }
  })

  test('a stdin that the job does not want is no error', async () => {
    async function* endless() {
      for (;;) yield Buffer.alloc(65536)
    }
    const result = await glovebox.run(PLAIN, ['head', '-c', '5'], { stdin: endless() })
    assert.deepEqual([result.reason, result.exitCode, result.stdout.length], ['exited', 0, 5])
  })

  test('inputs and stdin that cannot be read are refused with a code and advice', async (t) => {
    const folder = testFolder(t)
    for (const options of [
      { inputs: { x: '/no/such/file' } },
      { inputs: { x: folder } },
      { inputs: { '/usr/x': Buffer.from('') } },
      { inputs: { '../../x': Buffer.from('') } },
      { stdin: '/no/such/file' },
      { stdin: folder },
      { outputs: ['/etc/passwd/x'] },
    ]) {
      const outcome = await glovebox.run(PLAIN, ['true'], options).then(
        (result) => result,
        (error) => error,
      )
      if (outcome instanceof UsageError) {
        assert.match(outcome.code, /^(input|output|path)\./)
        assert.notEqual(outcome.advice, '')
      } else assert.equal((outcome as { reason?: string }).reason, 'rejected', String(outcome))
    }
  })

  test('buffer: false: streams only, no faster than they are read', async () => {
    const generous = policyOf({ limits: { output: '1GiB' } })
    const run = glovebox.run(generous, ['sh', '-c', 'head -c 30000000 /dev/zero; echo done >&2'], {
      buffer: false,
    })
    let done = false
    run.stderr.on('data', () => {
      done = true
    })
    await sleep(500)
    assert.equal(done, false, '30 MB went somewhere')
    assert.ok(run.stdout.readableLength < 1 << 20)
    assert.equal((await bytes(run.stdout)).length, 30_000_000)
    const result = await run
    assert.deepEqual([result.exitCode, result.stdout.length, done], [0, 0, true])
    assert.equal(result.report.usage.stdoutBytes, 30_000_000)
  })

  test('buffer: false and nobody reads: the run ends all the same, and the bytes can be read afterwards', async () => {
    const run = glovebox.run(PLAIN, ['sh', '-c', 'echo out; echo err >&2'], { buffer: false })
    const result = await run
    assert.equal(result.reason, 'exited')
    assert.equal(result.report.usage.stdoutBytes, 4)
    assert.equal(String(await bytes(run.stdout)), 'out\n')
    const flood = glovebox.run(policyOf({ lifetime: { deadline: '300ms' } }), ['yes'], { buffer: false })
    assert.equal((await flood).reason, 'deadline')
  })

  test('a stream that its reader destroys is a broken pipe for the job', async () => {
    const run = glovebox.run(PLAIN, ['yes'], { buffer: false })
    for await (const _ of run.stdout) break
    const result = await run
    assert.deepEqual([result.reason, result.signal], ['signal', 'SIGPIPE'])
  })

  test('streams show what the job says while it runs, kept or not', async () => {
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* waiting() {
      await released
      yield Buffer.from('second')
    }
    const run = glovebox.run(PLAIN, ['sh', '-c', 'echo first; cat'], { stdin: waiting() })
    await new Promise((resolve) => run.stdout.once('data', resolve))
    release()
    assert.equal((await run).text(), 'first\nsecond')
  })

  test('the streams of a run that is refused end', async () => {
    const refused = glovebox.run(PLAIN, [])
    await assert.rejects(refused, UsageError)
    assert.equal((await bytes(refused.stdout)).length, 0)
    const late = glovebox.run(PLAIN, ['true'], { inputs: { x: '/no/such/file' } })
    await assert.rejects(late, UsageError)
    assert.equal((await bytes(late.stdout)).length, 0)
  })

  test('cancelled before the start, during it, while the job runs, and after its end', async () => {
    const before = await glovebox.run(PLAIN, ['true'], { signal: AbortSignal.abort() })
    assert.deepEqual([before.reason, before.exitCode], ['cancelled', 143])
    for (const ms of [0, 1, 3, 6, 10, 20]) {
      const during = new AbortController()
      const run = glovebox.run(PLAIN, ['sleep', '50'], { signal: during.signal })
      setTimeout(() => during.abort(), ms)
      assert.equal((await run).reason, 'cancelled')
    }
    const mark = marker()
    const while_ = new AbortController()
    const run = glovebox.run(PLAIN, ['sleep', mark], { signal: while_.signal })
    await sleeper(mark)
    while_.abort()
    assert.equal((await run).reason, 'cancelled')
    assert.deepEqual(sleepers(mark), [])
    const later = new AbortController()
    const ended = await glovebox.run(PLAIN, ['true'], { signal: later.signal })
    later.abort()
    assert.equal(ended.reason, 'exited')
  })

  test('what can mean nothing is refused: argv, a policy that the loader did not make', async () => {
    const refused = async (run: () => Run, code: string) => {
      const error = await thrownBy(run())
      assert.ok(error instanceof UsageError && error instanceof GloveboxError && error instanceof Error)
      assert.equal(error.name, 'UsageError')
      assert.equal(error.code, code)
    }
    await refused(() => glovebox.run(PLAIN, []), 'argv.empty')
    await refused(() => glovebox.run(PLAIN, ['']), 'argv.empty')
    await refused(() => glovebox.run(PLAIN, 'ls -l' as never), 'argv.list')
    await refused(() => glovebox.run(PLAIN, ['sleep', 1] as never), 'argv.list')
    await refused(() => glovebox.run(PLAIN, ['echo', 'a\0b']), 'argv.nul')
    await refused(() => glovebox.run(PLAIN, ['echo', 'x'.repeat(1 << 20)]), 'argv.tooLong')
    for (const forged of [
      { version: 1 },
      { ...PLAIN },
      structuredClone(PLAIN),
      Object.create(PLAIN),
      null,
      undefined,
    ])
      await refused(() => glovebox.run(forged as Policy, ['true']), 'policy.unchecked')
  })

  test('an option that nobody reads is refused: a limit whose name is misspelled would hold nothing', async () => {
    const starts: [object, string][] = [
      [{ concurency: {} }, 'Glovebox.start has no option "concurency". Did you mean `concurrency`?'],
      [{ concurrency: { sandboxs: 4 } }, 'concurrency has no option "sandboxs". Did you mean `sandboxes`?'],
      [{ warm: 10 }, 'The options of warm are 10, not an object. The options here are most, memory, idleMs.'],
      [{ warm: { max: 10 } }, 'warm has no option "max". The options here are most, memory, idleMs.'],
      [{ reuse: { idle: 1 } }, 'reuse has no option "idle". The options here are most, idleMs.'],
      [{ network: { host: {} } }, 'network has no option "host". Did you mean `hosts`?'],
      [{ network: { gateways: 'tenant' } }, 'network.gateways is "tenant". Write shared or perTenant.'],
    ]
    for (const [options, message] of starts)
      await assert.rejects(Glovebox.start(options), (error: Error) => {
        assert.equal(error.message, message)
        return error instanceof UsageError
      })
    const asked = glovebox.run(PLAIN, ['true'], { timeout: 1000 } as RunOptions)
    assert.match(
      ((await thrownBy(asked)) as Error).message,
      /^run has no option "timeout"\. The options here are inputs, /,
    )
    assert.match(
      ((await thrownBy(glovebox.run(PLAIN, ['true'], null as never))) as Error).message,
      /^The options of run are null/,
    )
    const session = (options: unknown) => glovebox.session(PLAIN, options as SessionOptions)
    await assert.rejects(session(undefined), { code: 'options.object' })
    await assert.rejects(session({ tenant: 'a', maxRuns: 5 }), { code: 'options.unknown' })
  })

  test('a policy that is no good is a PolicyError with code, place and advice', () => {
    assert.throws(
      () => parsePolicy({ version: 1, limits: { memory: '1GB' } }),
      (error) =>
        error instanceof PolicyError && error.problems.length === 1 && error.code.startsWith('policy.'),
    )
    assert.throws(() => loadPolicy('/no/such/policy.yaml'), PolicyError)
    assert.throws(() => loadPolicy('imagemagic'), /imagemagick/)
  })

  test('the policy cannot be changed under a run', () => {
    assert.throws(() => Object.assign(PLAIN.limits, { memoryBytes: 1e12 }), TypeError)
    assert.throws(() => (PLAIN.waive as unknown[]).push('limits.memory'), TypeError)
  })

  test('many runs at once do not mix their streams', async () => {
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, at) =>
        glovebox.run(PLAIN, ['sh', '-c', `echo ${at}; cat`], { stdin: Buffer.from(`in ${at}`) }),
      ),
    )
    assert.deepEqual(
      results.map((result) => result.text()),
      results.map((_, at) => `${at}\nin ${at}`),
    )
    assert.equal(new Set(results.map(({ report }) => report.id)).size, 24)
  })

  test('the launcher killed between two runs: the next run works', async () => {
    const own = await Glovebox.start()
    try {
      const before = launchersOf(process.pid)
      await own.run(PLAIN, ['true'])
      for (const pid of before) if (!launchersBelongToShared.has(pid)) process.kill(pid, 'SIGKILL')
      await sleep(50)
      assert.equal((await own.run(PLAIN, ['true'])).exitCode, 0)
      const mark = marker()
      const run = own.run(PLAIN, ['sleep', mark])
      await sleeper(mark)
      for (const pid of launchersOf(process.pid))
        if (!launchersBelongToShared.has(pid)) process.kill(pid, 'SIGKILL')
      const result = await run
      assert.deepEqual([result.reason, result.exitCode], ['failed', 125])
      await noSleeper(mark)
      assert.equal((await own.run(PLAIN, ['true'])).exitCode, 0)
    } finally {
      await own.close()
    }
  })

  const launchersBelongToShared = new Set<number>()
  before(() => {
    for (const pid of launchersOf(process.pid)) launchersBelongToShared.add(pid)
  })

  test('two of them share nothing: one closed, the other runs on', async () => {
    const [one, two] = [await Glovebox.start(), await Glovebox.start()]
    const mark = marker()
    const running = two.run(PLAIN, ['sh', '-c', `sleep 0.3; echo ${mark}`])
    const cut = one.run(PLAIN, ['sleep', '50'])
    await one.close()
    assert.equal((await cut).reason, 'cancelled')
    assert.equal((await running).text(), `${mark}\n`)
    await two.close()
  })

  test('close while runs are starting, running and being fed ends each with exactly one result', async () => {
    const own = await Glovebox.start()
    const mark = marker()
    const runs: Run[] = [
      own.run(PLAIN, ['sleep', mark]),
      own.run(PLAIN, ['cat'], { stdin: new Readable({ read() {} }) }),
      own.run(PLAIN, ['yes'], { buffer: false }),
    ]
    await sleeper(mark)
    for (let at = 0; at < 4; at++) runs.push(own.run(PLAIN, ['sleep', '50']))
    let results = 0
    for (const run of runs) run.then(() => results++, assert.fail)
    await Promise.all([own.close(), own.close()])
    assert.equal(results, runs.length, 'close returned before a run had its result')
    for (const run of runs) assert.equal((await run).reason, 'cancelled')
    assert.deepEqual(sleepers(mark), [])
    const late = await thrownBy(own.run(PLAIN, ['true']))
    assert.ok(late instanceof UsageError)
    assert.equal(late.code, 'glovebox.closed')
    assert.notEqual(late.advice, '')
  })

  test('a callback that throws ends its run and rejects it; nothing runs on unwaited for', async () => {
    const glovebox = await Glovebox.start()
    const mistake = () => {
      throw new RangeError('the caller’s own')
    }
    for (const options of [{ onLaunched: mistake }, { onStarted: mistake }])
      await assert.rejects(glovebox.run(PLAIN, ['sleep', '50'], options), RangeError)
    await glovebox.close()
  })

  test('Symbol.asyncDispose closes', async () => {
    const own = await Glovebox.start()
    assert.equal((await own.run(PLAIN, ['true'])).ok, true)
    await own[Symbol.asyncDispose]()
    await assert.rejects(own.run(PLAIN, ['true']), { code: 'glovebox.closed' })
  })

  test('a program that forgets to close can end; one that was killed leaves no launcher', async (t) => {
    const file = join(testFolder(t), 'forgets.mjs')
    const library = new URL('../../src/index.js', import.meta.url).href
    writeFileSync(
      file,
      `import { Glovebox, parsePolicy } from '${library}'
       const glovebox = await Glovebox.start()
       const { exitCode } = await glovebox.run(parsePolicy({ version: 1, waive: ${JSON.stringify(waive)} }), ['true'])
       console.log(exitCode)`,
    )
    const { status, stdout } = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 30_000 })
    assert.deepEqual([status, stdout], [0, '0\n'])
  })

  test('LaunchError is for sandboxes that never were', () => {
    const error = new LaunchError('launch.failed', 'What.', 'Do this.')
    assert.ok(error instanceof GloveboxError)
    assert.deepEqual(
      [error.code, error.advice, error.message],
      ['launch.failed', 'Do this.', 'What. Do this.'],
    )
  })
})
