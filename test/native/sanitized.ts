/** The native programs' own sources, compiled to notice what they must not do. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, sharedFolder } from '../support/checkout.js'

const folder = sharedFolder()
const FLAGS = [
  '-std=c11',
  '-D_GNU_SOURCE=',
  '-g',
  '-O1',
  '-fno-omit-frame-pointer',
  '-Inative',
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
]

/** Compiles sources of this checkout into one program and gives its path. */
export function sanitized(name: string, sources: readonly string[]): string {
  const program = join(folder, name)
  execFileSync('gcc', [...FLAGS, '-Wall', '-Wextra', '-Werror', '-o', program, ...sources], {
    cwd: ROOT,
    stdio: 'pipe',
  })
  return program
}

const sourcesIn = (below: string): string[] =>
  readdirSync(join(ROOT, below))
    .filter((file) => file.endsWith('.c'))
    .map((file) => `${below}/${file}`)

/** Of one program, with what both have. */
export const sourcesOf = (program: 'agent'): string[] => [
  ...sourcesIn(`native/${program}`),
  ...sourcesIn('native/common'),
]

/** Why there are none; `false`: there are. */
export const NO_SANITIZERS: string | false = (() => {
  const source = join(folder, 'probe.c')
  writeFileSync(source, 'int main(void) { return 0; }\n')
  const program = join(folder, 'probe')
  const made = spawnSync('gcc', ['-fsanitize=address,undefined', '-o', program, source])
  return made.status === 0 && spawnSync(program).status === 0
    ? false
    : 'gcc has no sanitizers here (libasan, libubsan)'
})()
