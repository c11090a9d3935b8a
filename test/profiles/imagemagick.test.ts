/**
 * The attack: a picture that is a drawing, and in it the path of a picture of the host's. A regression would show as the host's pixels in
 * the result.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, pasted, run, withPrograms } from './tools.js'

type Drawing = (path: string, size: { readonly width: number; readonly height: number }) => string
const { mvgThatReads, svgThatReads }: Readonly<Record<'mvgThatReads' | 'svgThatReads', Drawing>> =
  await import(pathToFileURL(join(ROOT, 'examples/hostile/drawing.mjs')).href)

const NEEDS = ['/usr/bin/convert']
const SIZE = { width: 8, height: 8 }
/** As ImageMagick takes them, whatever their names say. */
const DRAWINGS = { 'msvg:avatar.jpg': svgThatReads, 'mvg:avatar.jpg': mvgThatReads } as const

withPrograms(NEEDS, 'ImageMagick: a picture becomes a smaller one', async (user, t) => {
  const folder = testFolder(t, 0o777)
  execFileSync(CONVERT, ['-size', '640x480', 'gradient:red-blue', join(folder, 'in.png')])
  const { status, stderr } = await pasted(user, 'imagemagick', { folder })
  assert.equal(status, 0, stderr)
  assert.equal(readFileSync(join(folder, 'small.webp')).subarray(8, 12).toString(), 'WEBP')
})

for (const [name, drawing] of Object.entries(DRAWINGS)) {
  withPrograms(
    NEEDS,
    `ImageMagick: a drawing has no picture of the host in it (${name})`,
    async (user, t) => {
      const why = unread(name)
      if (why !== null) return t.skip(why)
      const folder = testFolder(t, 0o777)
      const secret = hostile(folder, drawing)
      const files = ['--input', 'avatar.jpg', '--output', 'out.png']
      const got = await run(user, ['--policy', 'imagemagick', ...files, '--', 'convert', name, 'out.png'], {
        folder,
      })
      assert.match(got.stderr, /secret\.png/, 'it did not ask for it')
      const out = join(folder, 'out.png')
      if (existsSync(out)) assert.notDeepEqual(pixels(out), pixels(secret))
    },
  )

  control(NEEDS, `ImageMagick: the drawing has it (${name})`, async (t) => {
    const why = unread(name)
    if (why !== null) return t.skip(why)
    const folder = testFolder(t)
    const secret = hostile(folder, drawing)
    const { stderr } = await finished([CONVERT, name, 'out.png'], { cwd: folder })
    assert.deepEqual(pixels(join(folder, 'out.png')), pixels(secret), stderr)
  })
}

/** Why ImageMagick does not read this kind here: Debian has some in a package of their own. `null`: it does. */
function unread(name: string): string | null {
  const kind = name.split(':')[0]?.toUpperCase() ?? ''
  const read = execFileSync(CONVERT, ['-list', 'format']).toString()
  return new RegExp(`^ *${kind}\\*? `, 'm').test(read)
    ? null
    : `this ImageMagick reads no ${kind} (apt-get install libmagickcore-6.q16-6-extra)`
}

const CONVERT = '/usr/bin/convert'

/** @returns the host's picture */
function hostile(folder: string, drawing: Drawing): string {
  const secret = join(folder, 'secret.png')
  execFileSync(CONVERT, ['-size', `${SIZE.width}x${SIZE.height}`, 'gradient:red-blue', `PNG24:${secret}`])
  writeFileSync(join(folder, 'avatar.jpg'), drawing(secret, SIZE), { mode: 0o644 })
  return secret
}

const pixels = (file: string) => execFileSync(CONVERT, [file, '-depth', '8', 'rgb:-']).toString('hex')
