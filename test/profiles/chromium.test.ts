/**
 * The attack: a page that is rendered on a server frames a file of the host, and fetches what only the server can reach (SSRF by PDF).
 * A regression would show as the size of the host's picture in the page's title, or as a question at the server.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { PUBLIC, reachedOf, sitesOf } from './sites.js'
import { control, hostServer, PIXEL, pasted, run, runOnline, withPrograms } from './tools.js'

const CHROMIUM = '/usr/lib/chromium/chromium'
const NEEDS = [CHROMIUM]
const { internet, put } = sitesOf(['page.test'])
put('page.test/page.html', page('/picture.png', 'http://other.test/picture.png'))
for (const host of ['page.test', 'other.test']) put(`${host}/picture.png`, PIXEL)
const DUMP = [CHROMIUM, '--headless', '--no-sandbox', '--dump-dom']

withPrograms(NEEDS, 'Chromium: a page with a script becomes a PDF', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const made = '<!doctype html><h1>A page</h1><script>document.title = "Made by " + "a script"</script>'
  writeFileSync(join(folder, 'page.html'), made)
  const { status, stderr } = await pasted(user, 'chromium', { folder })
  assert.equal(status, 0, stderr)
  const pdf = readFileSync(join(folder, 'page.pdf'))
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-')
  assert.match(pdf.toString('latin1'), /\/Title \(Made by a script\)/)
})

withPrograms(
  NEEDS,
  'Chromium: a page sees no picture of the host and asks none of its servers',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const server = await hostServer(t)
    hostile(folder, server.url)
    const args = ['--policy', 'chromium', '--input', 'page.html', '--', ...DUMP, 'page.html']
    const { status, stdout, stderr } = await run(user, args, { folder })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /<title>nothing nothing<\/title>/)
    assert.deepEqual(server.asked, [])
  },
)

control(NEEDS, 'Chromium: the page sees the picture of the host and asks the server', async (t) => {
  const folder = testFolder(t)
  const server = await hostServer(t)
  hostile(folder, server.url)
  const argv = [...DUMP, `--user-data-dir=${folder}/user`, `file://${folder}/page.html`]
  const { stdout } = await finished(argv, { cwd: folder, env: { ...process.env, HOME: folder } })
  assert.match(stdout, /<title>1 1<\/title>/)
  assert.deepEqual(server.asked, ['/admin.png'])
})

withPrograms(
  NEEDS,
  'Chromium: with a host added, a page of it is rendered, and nothing of another',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const args = [
      '--policy',
      'chromium',
      '--allow-host',
      'page.test:80',
      '--',
      ...DUMP,
      'http://page.test/page',
    ]
    const { status, stdout, stderr, seen } = await runOnline(user, args, { folder, ...internet })
    assert.equal(status, 0, stderr)
    assert.match(stdout, /<title>1 nothing<\/title>/)
    assert.deepEqual(reachedOf(seen), [PUBLIC])
  },
)

/** Its title is how wide each of the pictures was. */
function page(...pictures: readonly string[]): string {
  const script =
    'document.title = [...document.images].map((each) => each.naturalWidth || "nothing").join(" ")'
  const images = pictures.map((source) => `<img src="${source}">`)
  return `<!doctype html>${images.join('')}<script>onload = () => { ${script} }</script>`
}

/** With a picture that lies beside it on the host, and one of a server of the host's. */
function hostile(folder: string, url: string): void {
  writeFileSync(join(folder, 'private.png'), PIXEL)
  writeFileSync(join(folder, 'page.html'), page(`file://${folder}/private.png`, `${url}/admin.png`))
}
