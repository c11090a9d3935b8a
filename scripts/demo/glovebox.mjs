/** The command line of this checkout, as a person would call it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../build/checkout.mjs'

export const PROGRAM = join(root, 'bin/glovebox')

export function glovebox(args, cwd = root) {
  const { status, stdout, stderr, error } = spawnSync(PROGRAM, args, { cwd, encoding: 'utf8' })
  if (error !== undefined) throw error
  return { status, stdout, stderr }
}

/** One `glovebox run` in the demo's folder, under the built-in profile, with what it wrote into `--report`. */
export function run({ folder, waive }, { inputs, output, command }) {
  const args = [
    ...['run', '--policy', 'imagemagick'],
    ...waive.flatMap((name) => ['--waive', name]),
    ...inputs.flatMap((input) => ['--input', input]),
    ...(output === null ? [] : ['--output', output]),
    ...['--report', 'report.json'],
    ...['--', ...command],
  ]
  const result = glovebox(args, folder)
  return { ...result, args, report: JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) }
}
