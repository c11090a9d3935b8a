/**
 * dist/native/LICENSES.txt: what the C library and the compiler put into the programs is under licenses of their own,
 * which go with every copy of them. Taken from Debian's files, which every installation has.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, root, writeWhole } from './checkout.mjs'
import { packagesFor, TARGETS } from './targets.mjs'

const HEAD = `The programs cell, agent, guest and probe, for x64 and for arm64, are made from native/ of this package (Apache-2.0, see
LICENSE) and are linked statically with the GNU C Library (LGPL-2.1-or-later) and with GCC's own runtime library
(GPL-3.0-or-later with the GCC Runtime Library Exception). manifest.json says with which version of each. Their
sources are Debian's packages glibc and gcc of those versions, kept for good at https://snapshot.debian.org/.
To link the programs with a C library of your own, change it and run the build: docs/packaging.md has the commands.
`

export function writeLicenses() {
  const copyrights = Object.keys(TARGETS).map((arch) => {
    const [, library] = packagesFor(arch)
    return readable([`/usr/share/doc/${library}/copyright`], library)
  })
  const texts = new Set([
    ...copyrights,
    readable(['/usr/share/common-licenses/LGPL-2.1'], 'the text of the LGPL'),
  ])
  writeWhole(join(root, 'dist/native/LICENSES.txt'), [HEAD, ...texts].join(`\n${'-'.repeat(80)}\n\n`))
}

function readable(files, what) {
  const file = files.find((each) => existsSync(each))
  if (file === undefined) throw new Failure(`${what} is not where Debian has it (${files.join(', ')}).`)
  return readFileSync(file, 'utf8')
}
