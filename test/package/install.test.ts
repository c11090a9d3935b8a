/**
 * The package on another machine: installed without scripts, a network or a compiler, by root or by whoever uses it, it
 * runs. A regression would be a package that works in the checkout alone.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { HANG } from '../run/tools.js'
import { sharedFolder } from '../support/checkout.js'
import { install, NO_PACKAGE, packages } from '../support/package.js'
import { finished } from '../support/spawned.js'
import { USERS } from '../support/users.js'

const [SELF] = USERS
const skip = NO_PACKAGE || (SELF?.skip ?? false)

let made: { folder: string; env: NodeJS.ProcessEnv } | null = null
/** One installation for all tests, by the suite's own user. */
function installed() {
  if (made === null) {
    const folder = sharedFolder()
    made = { folder, ...install(folder) }
  }
  return made
}

const WAIVERS = (user = SELF) => (user?.noMemoryLimit === null ? [] : ['limits.memory'])

describe('installed', { skip }, () => {
  test('npx glovebox runs a job, with no compiler in reach', async () => {
    const { folder, env } = installed()
    const waivers = WAIVERS().flatMap((id) => ['--waive', id])
    const args = ['--offline', 'glovebox', 'run', ...waivers, '--', 'echo', 'hi']
    const result = await finished([join(folder, 'tools/npx'), ...args], { cwd: folder, env, ...HANG })
    assert.deepEqual([result.stdout, result.status], ['hi\n', 0], result.stderr)
  })

  for (const user of USERS)
    test(`the command line, the profiles, and the start without V8's caches (used by ${user.name})`, {
      skip: user.skip ?? false,
    }, async () => {
      const { folder, env } = installed()
      const glovebox = join(folder, 'node_modules/.bin/glovebox')
      const call = (args: string[]) => finished(user.as([glovebox, ...args]), { cwd: '/', env, ...HANG })
      const waivers = WAIVERS(user).flatMap((id) => ['--waive', id])
      assert.equal((await call(['run', ...waivers, '--', 'id', '-u'])).stdout, '1000\n')
      assert.match((await call(['--version'])).stdout, /^glovebox \d|^\d/)
      const profile = await call(['run', '--policy', 'imagemagick', ...waivers, '--', 'true'])
      assert.deepEqual([profile.status, profile.stderr], [0, ''])
      assert.equal((await call(['policy', 'schema'])).status, 0)
    })

  for (const user of USERS)
    for (const [kind, program] of [
      ['an ES module', "import { Glovebox, parsePolicy } from 'glovebox'"],
      ['a CommonJS script', "const { Glovebox, parsePolicy } = require('glovebox')"],
    ] as const)
      test(`the library in ${kind} (used by ${user.name})`, { skip: user.skip ?? false }, async () => {
        const { folder, env } = installed()
        const script = join(
          folder,
          `${user.name.replaceAll(' ', '-')}${kind === 'an ES module' ? '.mjs' : '.cjs'}`,
        )
        writeFileSync(
          script,
          `${program}
          ;(async () => {
            const glovebox = await Glovebox.start()
            const policy = parsePolicy({ version: 1, waive: ${JSON.stringify(WAIVERS(user))} })
            const result = await glovebox.run(policy, ['cat', 'in'], { inputs: { in: new TextEncoder().encode('hi') } })
            console.log(result.text())
            await glovebox.close()
          })()`,
        )
        const result = await finished(user.as([process.execPath, script]), { cwd: '/', env, ...HANG })
        assert.deepEqual([result.stdout, result.status], ['hi\n', 0], result.stderr)
      })

  test('the path of a file within it is not for others', async () => {
    const { folder, env } = installed()
    const program = "import('glovebox/dist/src/policy/index.js').catch((e) => console.log(e.code))"
    const result = await finished([process.execPath, '-e', program], { cwd: folder, env })
    assert.equal(result.stdout, 'ERR_PACKAGE_PATH_NOT_EXPORTED\n')
    assert.ok(packages().files.includes('dist/src/policy/index.js'))
  })
})
