/**
 * A real image: Debian with ImageMagick, made by mmdebstrap from the same packages as this host's. The same job gives the same picture
 * from it as from the host's own programs, for root and for an ordinary user; and verify finds nothing broken in it.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { NO_TOOLS, STORE_USERS, testStore } from '../images/stores.js'
import { sharedFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT } from '../support/users.js'

const MISSING =
  NO_TOOLS() ??
  ['/usr/bin/mmdebstrap', '/usr/bin/convert'].find((path) => !existsSync(path)) ??
  (SUITE_IS_ROOT ? null : 'only root makes it the quick way')

const folder = sharedFolder()
const archive = join(folder, 'debian.tar')

before(() => {
  if (MISSING !== null) return
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable'
  execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', '--include=imagemagick', suite, archive], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  chmodSync(archive, 0o644)
  execFileSync('convert', ['-size', '300x200', 'plasma:red-blue', `png32:${join(folder, 'in.png')}`])
  chmodSync(join(folder, 'in.png'), 0o644)
})

for (const user of STORE_USERS)
  test(`a picture is made smaller the same way from an image as from the host (${user.name})`, {
    skip: user.skip ?? MISSING ?? false,
  }, async (t) => {
    const store = testStore(user, t)
    const imported = await store.image('import', archive, 'debian:imagemagick')
    assert.equal(imported.status, 0, imported.stderr)
    const job = (root: string) => {
      const words = [
        'run',
        '--policy',
        'imagemagick',
        '--root',
        root,
        ...(user.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']),
      ]
      const command = [
        'convert',
        'in.png',
        '-resize',
        '50%',
        '-strip',
        '-define',
        'png:exclude-chunks=date,time',
        'rgba:-',
      ]
      const argv = store.argv([...words, '--input', join(folder, 'in.png'), '--', ...command])
      return finished(['/bin/sh', '-c', 'exec "$@" | sha256sum', 'sh', ...argv], { cwd: '/', env: store.env })
    }
    const [host, image] = [await job('host'), await job('image:debian:imagemagick')]
    assert.equal(image.stderr, '')
    assert.match(image.stdout, /^[0-9a-f]{64}/)
    assert.equal(image.stdout, host.stdout)
    assert.notEqual(image.stdout, (await finished(['/bin/sh', '-c', ': | sha256sum'])).stdout)

    const inside = await store.run(
      'debian:imagemagick',
      'cat /etc/os-release; ls -ld /etc/shadow /usr/bin/su; ls /proc/self/fd | wc -l',
    )
    assert.match(inside.stdout, /Debian GNU\/Linux/)
    assert.doesNotMatch(inside.stdout, /rws/)
    const { dropped } = JSON.parse((await store.image('inspect', 'debian:imagemagick', '--json')).stdout)
    assert.ok(dropped.bits > 3, 'a Debian without setuid programs')
  })
