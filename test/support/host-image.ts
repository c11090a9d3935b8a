/** A container's root from this host's own programs: no image registry is needed. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { attackProgram } from './attack.js'
import { ROOT } from './checkout.js'
import { librariesOf } from './programs.js'

const PROGRAMS = [
  'sh',
  'cat',
  'echo',
  'id',
  'ls',
  'sleep',
  'true',
  'env',
  'touch',
  'bwrap',
  'mount',
  'umount',
  'setpriv',
]
const GLOVEBOX = ['bin', 'dist/cli', 'dist/native', 'dist/src', 'etc', 'policies', 'package.json']

/** Node, bubblewrap, a few commands, /usr/bin/attack, and Glovebox in /opt/glovebox, below `folder`. */
export function hostImage(folder: string): void {
  const at = (path: string) => join(folder, path)
  for (const path of [
    'usr/bin',
    'usr/lib',
    'usr/lib64',
    'etc',
    'proc',
    'sys',
    'dev',
    'run',
    'root',
    'opt/glovebox/dist',
  ])
    mkdirSync(at(path), { recursive: true })
  mkdirSync(at('tmp'), { mode: 0o1777 })
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, at(name))
  writeFileSync(at('etc/passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n')
  writeFileSync(at('root/private'), 'for root\n', { mode: 0o600 })
  for (const program of [process.execPath, attackProgram(), ...PROGRAMS.map(found)]) {
    copyFileSync(realpathSync(program), at(`usr/bin/${basename(program)}`))
    for (const library of librariesOf(program)) {
      const to = at(library.startsWith('/usr/') ? library : `/usr${library}`)
      mkdirSync(dirname(to), { recursive: true })
      copyFileSync(realpathSync(library), to)
    }
  }
  for (const part of GLOVEBOX) cpSync(join(ROOT, part), at(`opt/glovebox/${part}`), { recursive: true })
}

function found(name: string): string {
  const path = ['/usr/bin', '/bin'].map((folder) => `${folder}/${name}`).find((each) => existsSync(each))
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}
