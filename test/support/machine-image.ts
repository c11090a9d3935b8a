/** Images in root's store: for jobs in virtual machines, which have no folder of the host for a root. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { machineLack } from '../../src/boundary/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { ROOT } from './checkout.js'
import { librariesOf } from './programs.js'

const BUSYBOX = '/bin/busybox'

/** Why there can be no virtual machine of it here; `null`: there can. */
export function noMachine(): string | null {
  const lack = machineLack(hostOf())
  if (lack !== null) return `${lack.what} ${lack.get}`
  return existsSync(BUSYBOX) ? null : 'busybox is not installed (apt-get install busybox-static)'
}

/** A tar of it, in `folder`, that everybody may read. */
export function machineArchive(folder: string, programs: readonly string[] = ['sh']): string {
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'bin'), { recursive: true })
  cpSync(BUSYBOX, join(tree, 'bin/busybox'))
  for (const name of programs) symlinkSync('busybox', join(tree, 'bin', name))
  const file = join(folder, 'image.tar')
  execFileSync('tar', ['--create', `--file=${file}`, `--directory=${tree}`, '.'])
  chmodSync(file, 0o644)
  return file
}

/** Of Python, what no attempt of a suite imports. */
const LEFT_OUT = ['dist-packages', 'test', 'idlelib', 'tkinter', 'ensurepip', 'lib2to3', 'pydoc_data']

/** A tar of this host's own Python 3 and what it loads, in `folder`; Debian's, as others may be built into a home. */
export function pythonArchive(folder: string): string {
  const tree = join(folder, 'python')
  const program = realpathSync(PYTHON)
  const library = `/usr/lib/${basename(program)}`
  const into = (path: string) => join(tree, path.startsWith('/usr/') ? path : `/usr${path}`)
  const copy = (path: string) => {
    mkdirSync(dirname(into(path)), { recursive: true })
    copyFileSync(realpathSync(path), into(path))
  }
  for (const name of ['bin', 'lib', 'lib64']) {
    mkdirSync(join(tree, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(tree, name))
  }
  cpSync(library, into(library), {
    recursive: true,
    filter: (from) => !LEFT_OUT.includes(basename(from)),
  })
  const modules = readdirSync(join(library, 'lib-dynload')).map((name) => join(library, 'lib-dynload', name))
  copy(program)
  symlinkSync(basename(program), join(tree, 'usr/bin/python3'))
  for (const each of new Set([program, ...modules].flatMap(librariesOf))) copy(each)
  const file = join(folder, 'python.tar')
  execFileSync('tar', ['--create', `--file=${file}`, `--directory=${tree}`, '.'])
  return file
}

/** Why there is none; `null`: there is. */
export const noPython = () =>
  existsSync(PYTHON) ? null : 'python3 is not installed (apt-get install python3)'
const PYTHON = '/usr/bin/python3'

/** `glovebox image ARGS`, as whoever runs the suite. */
export function image(...args: string[]): void {
  execFileSync(process.execPath, [join(ROOT, 'bin/glovebox'), 'image', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
