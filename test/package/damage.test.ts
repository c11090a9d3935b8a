/**
 * An installation that is not whole: half written, damaged on its disk, of two versions, unpacked without its modes. Every
 * start says which file it is and what to do, and no job runs. A regression would run a job under programs that nobody
 * has tested together.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { asRootAndOrdinary, assertSaid, HANG, reportIn } from '../run/tools.js'
import { mountFor, neededPackages, ROOT, testFolder } from '../support/checkout.js'
import { machineArchive, noMachine, image as ofSuite } from '../support/machine-image.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const PROGRAMS = ['cell', 'agent'] as const
const OTHER = process.arch === 'x64' ? 'arm64' : 'x64'

interface Installation {
  readonly folder: string
  /** of a program, or the manifest */
  file(name: string): string
}

/** What an installation consists of, to be broken. */
function installation(t: TestContext, folder = testFolder(t, 0o755)): Installation {
  for (const part of ['bin', 'dist/cli', 'dist/native', 'policies', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true })
  return {
    folder,
    file: (name) => join(folder, 'dist/native', name.includes('.') ? name : `${process.arch}/${name}`),
  }
}

const run = (user: TestUser, { folder }: Installation, flags: readonly string[] = []) => {
  const waivers = user.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']
  const argv = [join(folder, 'bin/glovebox'), 'run', ...waivers, ...flags, '--', 'echo', 'it ran']
  return finished(user.as([process.execPath, ...argv]), { cwd: '/', ...HANG })
}

async function assertRefused(user: TestUser, broken: Installation, says: RegExp): Promise<void> {
  const result = await run(user, broken)
  assert.deepEqual([result.stdout, result.status], ['', 125], result.stderr)
  assertSaid(result, says)
}

const changed = (file: string, change: (bytes: Buffer) => Buffer) =>
  writeFileSync(file, change(readFileSync(file)))

asRootAndOrdinary('the copy itself works', async (user, t) => {
  assert.equal((await run(user, installation(t))).stdout, 'it ran\n')
})

for (const name of PROGRAMS) {
  asRootAndOrdinary(`one byte of ${name} is another, wherever`, async (user, t) => {
    const whole = readFileSync(installation(t).file(name))
    const places = Array.from({ length: 2 }, () => Math.floor(Math.random() * whole.length))
    for (const at of [0, whole.length - 1, ...places]) {
      const broken = installation(t)
      changed(broken.file(name), (bytes) => bytes.fill((bytes[at] ?? 0) ^ 0x10, at, at + 1))
      const sentence = new RegExp(
        `/${name} is not as it was built: its SHA-256 is [0-9a-f]{64} instead of [0-9a-f]{64}\\. Install glovebox again`,
      )
      await assertRefused(user, broken, sentence)
    }
  })

  asRootAndOrdinary(`${name} is cut short, empty, longer, something else, or missing`, async (user, t) => {
    const broken = installation(t)
    const file = broken.file(name)
    const whole = readFileSync(file)
    for (const content of [
      whole.subarray(0, 300_000),
      '',
      Buffer.concat([whole, Buffer.alloc(1)]),
      'no program',
    ]) {
      writeFileSync(file, content)
      const sentence = new RegExp(
        `/${name} is not as it was built: ${content.length} bytes instead of ${whole.length}\\.`,
      )
      await assertRefused(user, broken, sentence)
    }
    rmSync(file)
    await assertRefused(user, broken, new RegExp(`/${name} is missing\\. Install glovebox again`))
  })

  asRootAndOrdinary(`${name} is one that works, of another version or architecture`, async (user, t) => {
    const other = installation(t)
    // bytes behind the end of a program change nothing of what it does
    changed(other.file(name), (bytes) => Buffer.concat([bytes, Buffer.from('another version')]))
    await assertRefused(user, other, new RegExp(`/${name} is not as it was built`))
    const foreign = installation(t)
    const programs = join(foreign.folder, 'dist/native', OTHER, name)
    if (!existsSync(programs)) return t.diagnostic(`the programs for ${OTHER} are not built here`)
    copyFileSync(programs, foreign.file(name))
    await assertRefused(user, foreign, new RegExp(`/${name} is not as it was built`))
  })
}

asRootAndOrdinary(
  'a program of the machine has another byte, or is missing: none is started',
  async (user, t) => {
    const lack = noMachine()
    if (lack !== null) return t.skip(lack)
    const { broken, machine } = machines(user, t)
    assert.equal((await machine('echo', 'it ran')).stdout, 'it ran\n')
    for (const name of ['guest', 'agent', 'vmm', 'vmm-memory']) {
      const whole = readFileSync(broken.file(name))
      const refused = async (says: RegExp) => {
        const result = await machine('echo', 'it ran')
        assert.deepEqual([result.stdout, result.status], ['', 125], result.stderr)
        assertSaid(result, says)
      }
      const at = Math.floor(Math.random() * whole.length)
      changed(broken.file(name), (bytes) => bytes.fill((bytes[at] ?? 0) ^ 0x10, at, at + 1))
      await refused(new RegExp(`/${name} is not as it was built: its SHA-256 is `))
      rmSync(broken.file(name))
      await refused(new RegExp(`/${name} is missing\\. Install`))
      writeFileSync(broken.file(name), whole, { mode: 0o755 })
    }
    assert.equal((await machine('echo', 'it ran')).stdout, 'it ran\n', 'whole again')
  },
)

/** An installation, and jobs of it in virtual machines of an image in a store of the test's. */
function machines(user: TestUser, t: TestContext) {
  const [broken, data] = [installation(t), testFolder(t, 0o777)]
  const image = `glovebox-damage-test-${process.pid}`
  const env = { ...process.env, HOME: data, XDG_DATA_HOME: data }
  const argv = (...args: string[]) =>
    user.as([process.execPath, join(broken.folder, 'bin/glovebox'), ...args])
  const file = machineArchive(testFolder(t, 0o755), ['echo'])
  const images = (...args: string[]) => {
    const [program = '', ...words] = argv('image', ...args)
    execFileSync(program, words, { cwd: '/', env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  images('import', file, image)
  // this installation is gone by then; an ordinary user’s store is in a folder of the test
  if (user.isRoot) t.after(() => ofSuite('rm', image))
  const waivers = user.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']
  const machine = (...words: string[]) =>
    finished(argv('run', '--boundary', 'microvm', '--root', `image:${image}`, ...waivers, '--', ...words), {
      cwd: '/',
      env,
      ...HANG,
      timeout: 300_000, // one is booted first
    })
  return { broken, machine }
}

asRootAndOrdinary('cell has lost its mode', async (user, t) => {
  const broken = installation(t)
  chmodSync(broken.file('cell'), 0o644)
  await assertRefused(user, broken, /\/cell can't be executed by this user: its mode is 0644\. `chmod 755 /)
})

asRootAndOrdinary('the agent needs no mode: it is started from memory', async (user, t) => {
  const broken = installation(t)
  chmodSync(broken.file('agent'), 0o644)
  assert.equal((await run(user, broken)).stdout, 'it ran\n')
})

asRootAndOrdinary('the file system is mounted noexec', async (user, t) => {
  if (!SUITE_IS_ROOT) return t.skip('mounting needs root')
  const folder = testFolder(t, 0o755)
  mountFor(folder, 'tmpfs', join(folder, 'mounted'))
  chmodSync(join(folder, 'mounted'), 0o755)
  const broken = installation(t, join(folder, 'mounted'))
  assert.equal((await run(user, broken)).stdout, 'it ran\n')
  execFileSync('mount', ['-o', 'remount,noexec', join(folder, 'mounted')])
  await assertRefused(
    user,
    broken,
    /\/cell can't be executed by this user, although its mode is 0755\. Is .* noexec/,
  )
})

asRootAndOrdinary('this user may not read the programs', async (user, t) => {
  const broken = installation(t)
  chmodSync(broken.file('agent'), 0)
  if (user.isRoot)
    assert.equal((await run(user, broken)).stdout, 'it ran\n') // whom no mode stops
  else await assertRefused(user, broken, /\/agent can't be read by this user: EACCES\./)
})

asRootAndOrdinary('the manifest is damaged, or names other architectures only', async (user, t) => {
  const broken = installation(t)
  const manifest = JSON.parse(readFileSync(broken.file('manifest.json'), 'utf8'))
  const { cell } = manifest[process.arch]
  for (const text of ['', '{', 'null', '7'])
    await wrong(text, /manifest\.json is damaged: it is no JSON object\. Install/)
  for (const entry of [null, 7, {}, { cell }, { cell, agent: {} }, { cell, agent: { ...cell, sha256: 'A' } }])
    await wrong(
      JSON.stringify({ [process.arch]: entry }),
      /manifest\.json is damaged: it does not say what the programs for \w+ are\. Install/,
    )
  await wrong(
    JSON.stringify({ riscv64: manifest[process.arch] }),
    /no native programs for \w+ here; .*manifest\.json names riscv64\. It runs on x64 and arm64\./,
  )

  async function wrong(text: string, says: RegExp): Promise<void> {
    writeFileSync(broken.file('manifest.json'), text)
    await assertRefused(user, broken, says)
  }
})

test('the report of such a start says so too', { skip: USERS[0]?.skip ?? false }, async (t) => {
  const broken = installation(t)
  changed(broken.file('agent'), (bytes) => bytes.fill(0, 5000, 9000))
  const report = join(testFolder(t), 'report.json')
  await run(USERS[0]!, broken, ['--report', report])
  const { reason, exitCode, message } = reportIn(report).result
  assert.deepEqual([reason, exitCode], ['failed', 125])
  assert.match(message ?? '', /agent is not as it was built/)

  writeFileSync(broken.file('manifest.json'), '{')
  await run(USERS[0]!, broken, ['--report', report])
  assert.match(reportIn(report).result.message ?? '', /manifest\.json is damaged/)
})

test('the package is updated under a running program: it is told to start again', {
  skip: USERS[0]?.skip ?? false,
}, async (t) => {
  const updated = installation(t)
  for (const part of ['dist/src', ...neededPackages().map((name) => `node_modules/${name}`)])
    cpSync(join(ROOT, part), join(updated.folder, part), { recursive: true })
  const library = pathToFileURL(join(updated.folder, 'dist/src/index.js')).href
  const manifest = updated.file('manifest.json')
  const program = `
    import { createHash } from 'node:crypto'
    import { readFileSync, renameSync, writeFileSync } from 'node:fs'
    import { Glovebox, parsePolicy } from ${JSON.stringify(library)}
    const policy = parsePolicy({ version: 1, waive: ${JSON.stringify(USERS[0]?.noMemoryLimit === null ? [] : ['limits.memory'])} })
    const before = await Glovebox.start()
    console.log((await before.run(policy, ['echo', 'before'])).text().trim())
    const manifest = JSON.parse(readFileSync(${JSON.stringify(manifest)}))
    for (const name of ['cell', 'agent']) {
      const file = ${JSON.stringify(updated.file(''))} + name
      const content = Buffer.concat([readFileSync(file), Buffer.from('newer')])
      writeFileSync(file + '.new', content, { mode: 0o755 })
      renameSync(file + '.new', file)
      manifest[process.arch][name] = { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }
    }
    writeFileSync(${JSON.stringify(manifest)}, JSON.stringify(manifest))
    console.log((await before.run(policy, ['echo', 'the launcher that is there'])).text().trim())
    const after = await Glovebox.start()
    await after.run(policy, ['echo', 'after']).catch((error) => console.log(error.code + ' ' + error.message))
    await after.close()
    await before.close()`
  const { stdout, stderr } = await finished([process.execPath, '--input-type=module', '-e', program], {
    cwd: '/',
    ...HANG,
  })
  assert.match(
    stdout,
    /^before\nthe launcher that is there\nlaunch\.damaged .*\/cell is not as it was built.* start this program again\.\n$/,
    stderr,
  )
})
