/** An image of one static program in root's store: for jobs in virtual machines, which have no folder of the host for a root. */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { machineLack } from '../../src/boundary/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { ROOT } from './checkout.js'

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

/** `glovebox image ARGS`, as whoever runs the suite. */
export function image(...args: string[]): void {
  execFileSync(process.execPath, [join(ROOT, 'bin/glovebox'), 'image', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
