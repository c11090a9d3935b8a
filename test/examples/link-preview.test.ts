/**
 * The attack: a link that makes the service fetch what only the service can reach, or a picture that makes the thumbnailer read a file
 * of the host. A regression would show in the page that the browser shows, or as a connection at the far side.
 */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT, testFolder } from '../support/checkout.js'
import { onInternet, ROUTER_ADDRESS } from '../support/internet/index.js'
import { finished } from '../support/spawned.js'
import { asEachUser, needsMemoryLimit } from '../support/users.js'

const WORKER = fileURLToPath(new URL('link-preview-worker.js', import.meta.url))
const WORLD = fileURLToPath(new URL('link-preview-world.js', import.meta.url))
const EXAMPLES = join(ROOT, 'examples')
const PUBLIC = '93.184.216.34'

const ZONE = {
  ...Object.fromEntries(
    ['good', 'redirect', 'mvg', 'svg', 'endless', 'slow'].map((name) => [`${name}.test`, [[PUBLIC]]]),
  ),
  'rebound.test': [[PUBLIC], ['169.254.169.254']],
  'inside.test': [[ROUTER_ADDRESS]],
}

interface Shown {
  readonly card: readonly string[]
  readonly problem: readonly string[]
  /** step, host, address, port, verdict, bytes */
  readonly rows: readonly (readonly string[])[]
  readonly pixel: { readonly width: number; readonly rgb: readonly number[] } | null
}

asEachUser(
  'the link preview example shows what is public, and what its sandboxes were refused, in a browser',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]), { cwd: '/' })
    if (readable.status !== 0) return t.skip('the checkout is not readable for this user')
    const folder = testFolder(t, 0o777)
    const secret = join(folder, 'secret.png')
    // plain red: a thumbnail that has it was made of a file of the host
    writeFileSync(secret, RED, { mode: 0o644 })
    const urls = ['good', 'redirect', 'mvg', 'svg', 'rebound', 'inside', 'endless', 'slow'].map(
      (name) => `http://${name}.test/`,
    )
    const argv = [process.execPath, WORKER, join(EXAMPLES, 'link-preview'), folder, ...urls]
    const { status, stdout, stderr, seen } = await onInternet(user, folder, argv, {
      zone: ZONE,
      sites: WORLD,
      env: {
        EXAMPLES,
        SECRET: secret,
        TMPDIR: folder,
        ...(process.env.SCREENSHOTS ? { SCREENSHOTS: process.env.SCREENSHOTS } : {}),
      },
    })
    assert.equal(status, 0, stderr)
    const shown = JSON.parse(stdout) as Record<string, Shown>
    const page = (name: string) => shown[`http://${name}.test/`] as Shown
    const verdicts = (name: string) => page(name).rows.map((row) => row[4])

    assert.deepEqual(page('good').card, ['A cup & a saucer', 'What a preview is for.'])
    assert.equal(page('good').pixel?.width, 480)
    assert.ok(verdicts('good').every((verdict) => verdict?.startsWith('allow')))

    assert.match(page('redirect').problem.join(), /denyMetadata/)
    assert.ok(page('redirect').rows.some((row) => row[2] === '169.254.169.254' && row[4] === 'denyMetadata'))
    assert.match(page('inside').problem.join(), /denyPrivate/)

    for (const name of ['mvg', 'svg']) {
      assert.equal(page(name).card[0], 'A cup & a saucer', name)
      const [red = 0, green = 255] = page(name).pixel?.rgb ?? [0, 0]
      assert.ok(!(red > 200 && green < 60), `${name}: the thumbnail shows a file of the host`)
    }
    assert.equal(page('rebound').card[0], 'A cup & a saucer')
    assert.equal(page('rebound').pixel, null)
    assert.ok(verdicts('rebound').includes('denyMetadata'))
    assert.ok(page('endless').card.includes('Endless') || page('endless').problem.length === 1)
    assert.equal(page('slow').problem.length, 1)

    const reached = new Set(seen.filter(({ kind }) => kind === 'tcp').map(({ address }) => address))
    assert.deepEqual([...reached], [PUBLIC])
  },
  (user) => (existsSync('/usr/bin/chromium') ? needsMemoryLimit(user) : 'chromium is not installed'),
)

/** One pixel, red. */
const RED = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)
