/** The attack: a pull request that opens something in a policy, among honest edits. The workflow's own script, on a real repository. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { HANG } from '../run/tools.js'
import { ROOT, testFolder } from '../support/checkout.js'
import { type Finished, finished } from '../support/spawned.js'

interface Workflow {
  readonly jobs: {
    readonly ratchet: { readonly steps: readonly { readonly name?: string; readonly run?: string }[] }
  }
}

const { jobs } = parse(
  readFileSync(join(ROOT, 'examples/github-actions/policy-ratchet.yml'), 'utf8'),
) as Workflow
const SCRIPT = jobs.ratchet.steps.find(({ name }) => name === 'what is wider')?.run ?? ''

type Files = Readonly<Record<string, string>>

/** What the check says of a change from these files to those. */
async function checked(t: TestContext, old: Files, now: Files, labelled = false): Promise<Finished> {
  const folder = testFolder(t)
  const [repository, bin] = [join(folder, 'repository'), join(folder, 'bin')]
  mkdirSync(join(repository, 'policies'), { recursive: true })
  mkdirSync(bin)
  symlinkSync(join(ROOT, 'bin/glovebox'), join(bin, 'glovebox'))
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    HOME: folder,
    TMPDIR: folder,
    PATH: `${bin}:${process.env.PATH}`,
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t.test', ...args], {
      cwd: repository,
      env,
      stdio: 'pipe',
    })
      .toString()
      .trim()
  const commit = (files: Files) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, name)), { recursive: true })
      writeFileSync(join(repository, name), text)
    }
    git('add', '--all')
    git('commit', '--quiet', '--allow-empty', '--message', 'a commit')
    return git('rev-parse', 'HEAD')
  }
  git('init', '--quiet')
  const base = commit(old)
  commit(now)
  const said = await finished(['bash', '-eo', 'pipefail', '-c', SCRIPT], {
    ...HANG,
    cwd: repository,
    env: { ...env, BASE: base, LABELLED: String(labelled), POLICIES: 'policies' },
  })
  assert.deepEqual(
    readdirSync(join(repository, 'policies')).filter((name) => name.startsWith('.')),
    [],
  )
  return said
}

const P = 'policies/p.yaml'
const plain = 'version: 1\nlimits: {scratch: 8MiB}\n'
const wide = 'version: 1\nlimits: {scratch: 9MiB}\n'

test('an edit that narrows, or is elsewhere, passes', async (t) => {
  const { status, stdout } = await checked(
    t,
    { [P]: wide },
    { [P]: plain, 'src/x.yaml': 'version: 1\nnetwork: {public: {}}\n' },
  )
  assert.equal(status, 0, stdout)
  assert.match(stdout, /narrower +limits\.scratch: 9MiB → 8MiB/)
})

test('an edit that widens fails, and passes with the label', async (t) => {
  const { status, stdout } = await checked(t, { [P]: plain }, { [P]: wide })
  assert.equal(status, 1, stdout)
  assert.match(stdout, /WIDER +limits\.scratch: 8MiB → 9MiB/)
  assert.equal((await checked(t, { [P]: plain }, { [P]: wide }, true)).status, 0)
})

test('a policy that is new is measured against one that grants nothing', async (t) => {
  assert.equal((await checked(t, {}, { [P]: 'version: 1\n' })).status, 0)
  assert.equal((await checked(t, {}, { [P]: 'version: 1\nnetwork: {allow: [api.test]}\n' })).status, 1)
})

test('a policy that can not be read fails, label or not', async (t) => {
  assert.equal((await checked(t, { [P]: plain }, { [P]: 'version: 1\nlimts: {}\n' }, true)).status, 2)
})
