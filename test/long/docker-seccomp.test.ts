/** A real Docker is given the filter as an inline profile: it adds nothing to it, and the kernel shows what became of it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileFilter } from '../../src/syscalls/compile.js'
import { type Arch, dockerSeccomp, ociSeccomp } from '../../src/syscalls/index.js'
import { type FilterOptions, firstProfile } from '../../src/syscalls/profiles.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { sharedFolder } from '../support/checkout.js'
import { Docker } from '../support/dockerd.js'
import { AUDIT_ARCH, interpret } from '../syscalls/interpreter.js'
import { plain, SETTINGS, sameAnswers } from '../syscalls/oci-answers.js'
import { HAS_LIBSECCOMP, referenceTool } from '../syscalls/reference.js'
import { runcReads } from '../syscalls/runc-reads.js'
import { compileTool } from '../syscalls/tools.js'
import { vectors } from '../syscalls/vectors.js'

const ARCH: Arch = process.arch === 'arm64' ? 'arm64' : 'x64'

// not in a hook: whether there is a Docker decides what is skipped
const folder = sharedFolder()
const started = HAS_LIBSECCOMP ? await Docker.start(folder) : 'no C compiler or no libseccomp-dev'
const skip = typeof started === 'string' ? started : false
const docker = started as Docker
after(async () => {
  if (skip === false) await docker.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('a container of Docker under the inline profile', { skip }, () => {
  for (const [label, setting] of Object.entries(SETTINGS))
    test(`${label}: the kernel has the same filter`, async (t) => {
      const options = { ...plain(ARCH), ...setting }
      const program = await readBack(options)
      if (typeof program === 'string') return t.skip(program)
      const { unknown } = runcReads(referenceTool(), ARCH, ociSeccomp(options))
      const version = await docker.version()
      if (version >= 23) sameAnswers(program, ARCH, firstProfile(options), unknown, true)
      else {
        t.diagnostic(
          `Docker ${version} drops the default answer: only that nothing is refused to honest jobs`,
        )
        refusesNoMore(program, options, unknown)
      }
    })
})

/** What the first process of a container lives under, or why nobody can see it. */
async function readBack(options: FilterOptions): Promise<Uint8Array | string> {
  const profile = join(folder, 'profile.json')
  writeFileSync(profile, dockerSeccomp(options))
  const name = `glovebox-test-${process.pid}`
  const flags = ['--security-opt', 'no-new-privileges', '--security-opt', `seccomp=${profile}`]
  const running = docker.run(['--name', name, ...flags], ['sleep', '60'])
  const pid = await firstProcess(name, running)
  const { status, stdout, stderr } = spawnSync(compileTool('filters'), [`${pid}`])
  await docker.kill(name)
  await running
  return status === 0 ? stdout : `the filter can't be read back here: ${stderr}`
}

async function firstProcess(name: string, running: ReturnType<Docker['run']>): Promise<number> {
  const ended = running.then(({ stderr }) => assert.fail(`the container ended: ${stderr}`))
  for (;;) {
    const pid = await docker.pid(name)
    // until the exec it is runc's own first process, which has no filter yet
    if (pid > 0 && runs(pid, 'sleep')) return pid
    await Promise.race([sleep(50), ended])
  }
}

const runs = (pid: number, program: string) =>
  spawnSync('cat', [`/proc/${pid}/comm`], { encoding: 'utf8' }).stdout.trim() === program

function refusesNoMore(program: Uint8Array, options: FilterOptions, unknown: readonly string[]): void {
  const profile = firstProfile(options)
  const exact = compileFilter(profile, ARCH)
  for (const [name, number] of syscallNumbers(ARCH)) {
    const rule = profile.rules.get(name)
    if (rule === undefined || unknown.includes(name)) continue
    for (const args of vectors(rule)) {
      const call = { arch: AUDIT_ARCH[ARCH], number, args }
      if (interpret(exact, call) === 'allow') assert.equal(interpret(program, call), 'allow', name)
    }
  }
}
