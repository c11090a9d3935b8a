/**
 * The attack: a document is a program. With Ghostscript's own guard got round (here: switched off) it prints a file of the host and
 * starts a shell. A regression would show as the host's words on standard output.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, pasted, run, SECRET, secretIn, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/gs']

withPrograms(NEEDS, 'Ghostscript: a page with text and a line becomes a picture', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const page =
    '%!PS\n/Helvetica 40 selectfont 72 72 moveto (A page) show 72 60 moveto 300 60 lineto stroke showpage\n'
  writeFileSync(join(folder, 'page.ps'), page)
  const pdf = 'gs -q -dBATCH -dNOPAUSE -sDEVICE=pdfwrite -sOutputFile=in.pdf page.ps'.split(' ')
  assert.equal((await finished(pdf, { cwd: folder })).status, 0)
  const { status, stderr } = await pasted(user, 'ghostscript', { folder })
  assert.equal(status, 0, stderr)
  const png = readFileSync(join(folder, 'page.png'))
  assert.equal(png.subarray(1, 4).toString(), 'PNG')
  assert.ok(png.readUInt32BE(16) > 1000, 'a page at 150 dpi')
})

withPrograms(
  NEEDS,
  'Ghostscript: a document that got round -dSAFER reads no file of the host and starts nothing',
  async (user, t) => {
    const folder = hostile(testFolder(t, 0o777))
    for (const document of ['reads.ps', 'starts.ps']) {
      const argv = [...UNGUARDED, document]
      const got = await run(user, ['--policy', 'ghostscript', '--input', document, '--', ...argv], { folder })
      assert.ok(!got.stdout.includes(SECRET), document)
      assert.match(got.stdout + got.stderr, /undefinedfilename|invalidfileaccess|ioerror/, document)
    }
    assert.ok(!existsSync(join(folder, 'started')))
  },
)

control(NEEDS, 'Ghostscript: the document reads the file, and starts a shell', async (t) => {
  const folder = hostile(testFolder(t))
  const reads = await finished([...UNGUARDED, 'reads.ps'], { cwd: folder })
  assert.match(reads.stdout, new RegExp(SECRET))
  await finished([...UNGUARDED, 'starts.ps'], { cwd: folder })
  assert.ok(existsSync(join(folder, 'started')))
})

const UNGUARDED = ['gs', '-q', '-dNOSAFER', '-dBATCH', '-dNOPAUSE', '-sDEVICE=nullpage']

function hostile(folder: string): string {
  const reads = `(${secretIn(folder)}) (r) file 100 string readline pop print quit\n`
  writeFileSync(join(folder, 'reads.ps'), `%!PS\n${reads}`)
  const starts = `(%pipe%cat ${folder}/secret.txt; touch ${folder}/started) (r) file 100 string readline pop print quit\n`
  writeFileSync(join(folder, 'starts.ps'), `%!PS\n${starts}`)
  return folder
}
