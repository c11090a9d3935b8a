/**
 * The attack: a document whose picture is a link, to a file of the host or to a server that only the host can reach. A regression
 * would show as a picture in the PDF, or a question at the server.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, hostServer, PIXEL, pasted, run, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/soffice']
const CONVERT = ['soffice', '--headless', '--convert-to', 'pdf', 'letter.fodt']

withPrograms(
  [...NEEDS, '/usr/bin/python3'],
  'LibreOffice: a letter of Word becomes a PDF',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    execFileSync('/usr/bin/python3', ['-c', LETTER, 'letter.docx'], { cwd: folder })
    const { status, stderr } = await pasted(user, 'libreoffice', { folder })
    assert.equal(status, 0, stderr)
    assert.equal(readFileSync(join(folder, 'letter.pdf')).subarray(0, 5).toString(), '%PDF-')
  },
)

withPrograms(
  NEEDS,
  'LibreOffice: a document’s links lead to no file and no server of the host',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const server = await hostServer(t)
    hostile(folder, server.url)
    const args = [
      '--policy',
      'libreoffice',
      '--input',
      'letter.fodt',
      '--output',
      'letter.pdf',
      '--',
      ...CONVERT,
    ]
    const { status, stderr } = await run(user, args, { folder })
    assert.equal(status, 0, stderr)
    assert.equal(pictures(folder), 0)
    assert.deepEqual(server.asked, [])
  },
)

control(NEEDS, 'LibreOffice: the document’s links lead to both', async (t) => {
  const folder = testFolder(t)
  const server = await hostServer(t)
  hostile(folder, server.url)
  const { stderr } = await finished(CONVERT, { cwd: folder, env: { ...process.env, HOME: folder } })
  assert.ok(pictures(folder) > 0, stderr)
  assert.notEqual(server.asked.length, 0)
})

const pictures = (folder: string) =>
  readFileSync(join(folder, 'letter.pdf')).toString('latin1').split('/Subtype/Image').length - 1

function hostile(folder: string, url: string): void {
  writeFileSync(join(folder, 'private.png'), PIXEL)
  const links = [`file://${folder}/private.png`, `${url}/admin.png`]
  const frames = links.map(
    (link) =>
      `<draw:frame svg:width="2cm" svg:height="2cm" text:anchor-type="as-char"><draw:image xlink:type="simple" xlink:href="${link}"/></draw:frame>`,
  )
  const spaces = Object.entries({
    office: 'office',
    text: 'text',
    draw: 'drawing',
    svg: 'svg-compatible',
  }).map(([name, what]) => `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${what}:1.0"`)
  writeFileSync(
    join(folder, 'letter.fodt'),
    `<?xml version="1.0"?><office:document ${spaces.join(' ')} xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text><text:p>A letter ${frames.join('')}</text:p></office:text></office:body></office:document>`,
  )
}

/** The least that Word calls a document. */
const LETTER = `import sys, zipfile
word = 'http://schemas.openxmlformats.org'
with zipfile.ZipFile(sys.argv[1], 'w') as z:
    z.writestr('[Content_Types].xml', f'<Types xmlns="{word}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>')
    z.writestr('_rels/.rels', f'<Relationships xmlns="{word}/package/2006/relationships"><Relationship Id="r" Type="{word}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>')
    z.writestr('word/document.xml', f'<w:document xmlns:w="{word}/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>A letter</w:t></w:r></w:p></w:body></w:document>')
`
