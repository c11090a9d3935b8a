/** The package where it is used: on each line of Node, installed under a strict umask, its caches made by its owner. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { HANG } from '../run/tools.js'
import { ROOT, sharedFolder, testFolder } from '../support/checkout.js'
import { install, NO_PACKAGE } from '../support/package.js'
import { finished } from '../support/spawned.js'
import { USERS } from '../support/users.js'

const [SELF] = USERS
const skip = NO_PACKAGE || (SELF?.skip ?? false)
const WAIVED = SELF?.noMemoryLimit === null ? [] : ['limits.memory']
const waivers = WAIVED.flatMap((id) => ['--waive', id])

/** Those that `npm run test:matrix` has brought. */
const LINES = [20, 22, 24]
const nodeOf = (line: number) => {
  const brought = join(ROOT, `node_modules/.cache/node/node_modules/node-${line}/bin/node`)
  return process.version.startsWith(`v${line}.`) ? process.execPath : brought
}

describe('installed', { skip }, () => {
  test('npm keeps the modes, whatever the umask of who installs it', async (t) => {
    const folder = testFolder(t)
    const { env } = install(folder, '077')
    for (const name of ['cell', 'agent'])
      assert.equal(
        statSync(join(folder, 'node_modules/glovebox/dist/native', process.arch, name)).mode & 0o777,
        0o700,
        name,
      )
    const argv = [join(folder, 'node_modules/.bin/glovebox'), 'run', ...waivers, '--', 'echo', 'hi']
    const result = await finished(argv, { cwd: folder, env, ...HANG })
    assert.deepEqual([result.stdout, result.status], ['hi\n', 0], result.stderr)
  })

  test('its owner can have the caches made, for the Node that is there', async (t) => {
    const folder = testFolder(t)
    const { env } = install(folder)
    const glovebox = join(folder, 'node_modules/glovebox')
    const caches = () => readdirSync(join(glovebox, 'dist/cli')).filter((file) => file.endsWith('.cache'))
    assert.deepEqual(caches(), [])
    const warm = await finished([process.execPath, join(glovebox, 'scripts/build/warm.cjs')], {
      cwd: '/',
      env,
    })
    assert.deepEqual([warm.status, warm.stderr], [0, ''])
    assert.deepEqual(caches().sort(), ['main.cache', 'yaml.cache', 'zod.cache'])
    const result = await finished([join(glovebox, 'bin/glovebox'), '--version'], { cwd: '/', env })
    assert.equal(result.status, 0, result.stderr)
  })

  let folder: string | null = null
  for (const line of LINES)
    test(`on Node ${line}: the command line, the library as an ES module and by require()`, {
      skip: existsSync(nodeOf(line)) ? false : `Node ${line} is not here; npm run test:matrix brings it`,
    }, async () => {
      if (folder === null) {
        folder = sharedFolder()
        install(folder)
      }
      const node = nodeOf(line)
      const call = (args: readonly string[]) =>
        finished([node, ...args], { cwd: folder ?? '/', env: {}, ...HANG })
      const command = await call([
        'node_modules/glovebox/bin/glovebox',
        'run',
        ...waivers,
        '--',
        'echo',
        'hi',
      ])
      assert.deepEqual([command.stdout, command.stderr, command.status], ['hi\n', '', 0])
      for (const [type, begin] of [
        ['module', "import { Glovebox, parsePolicy } from 'glovebox';"],
        ['commonjs', "const { Glovebox, parsePolicy } = require('glovebox');"],
      ] as const) {
        const program = `${begin} (async () => {
          const glovebox = await Glovebox.start()
          const policy = parsePolicy({ version: 1, waive: ${JSON.stringify(WAIVED)} })
          console.log((await glovebox.run(policy, ['echo', process.version])).text().trim())
          await glovebox.close()
        })()`
        const result = await call([`--input-type=${type}`, '-e', program])
        assert.match(result.stdout, new RegExp(`^v${line}\\.[\\d.]+\n$`), result.stderr)
        assert.equal(result.status, 0)
      }
    })
})
