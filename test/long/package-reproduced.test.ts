/**
 * Who has the package can make its programs again from the sources in it, and compare. A regression: bytes that hang on who
 * built them, where, or when, so that nobody can tell a package of ours from another.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { ROOT, testFolder } from '../support/checkout.js'
import { NO_PACKAGE, packages } from '../support/package.js'

test('the programs of both architectures come out the same elsewhere, whatever umask, language, time zone or flags', {
  skip: NO_PACKAGE,
}, (t) => {
  const folder = testFolder(t)
  execFileSync('tar', ['xzf', packages().tarballs.glovebox ?? '', '-C', folder])
  const place = join(folder, 'package')
  const ours = readFileSync(join(place, 'dist/native/manifest.json'), 'utf8')
  rmSync(join(place, 'dist'), { recursive: true })
  const elsewhere = {
    PATH: process.env.PATH,
    LC_ALL: 'tr_TR.UTF-8',
    TZ: 'Pacific/Auckland',
    CFLAGS: '-O0 -g',
    CPATH: '/nowhere',
    SOURCE_DATE_EPOCH: '1',
    TMPDIR: folder,
  }
  const build = [process.execPath, 'scripts/build.mjs', 'package']
  execFileSync('/bin/sh', ['-c', 'umask 077; exec "$@"', 'sh', ...build], {
    cwd: place,
    env: elsewhere,
    stdio: 'pipe',
  })
  assert.equal(readFileSync(join(place, 'dist/native/manifest.json'), 'utf8'), ours)
  for (const arch of ['x64', 'arm64'])
    for (const name of ['cell', 'agent', 'guest', 'probe']) {
      const file = join('dist/native', arch, name)
      assert.ok(readFileSync(join(place, file)).equals(readFileSync(join(ROOT, file))), file)
      assert.equal(statSync(join(place, file)).mode & 0o777, 0o755, 'npm packs the mode that it finds')
    }
})

test('so does the package: unpacked and packed again, elsewhere and in another time zone, byte by byte', {
  skip: NO_PACKAGE,
}, (t) => {
  const folder = testFolder(t)
  const ours = packages().tarballs.glovebox ?? ''
  execFileSync('tar', ['xzf', ours, '-C', folder])
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], {
    cwd: join(folder, 'package'),
    stdio: 'pipe',
    env: { ...process.env, TZ: 'Pacific/Auckland' },
  })
  assert.ok(readFileSync(join(folder, basename(ours))).equals(readFileSync(ours)))
})
