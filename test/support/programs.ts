/** Programs with the libraries that they load, to be put where this host's own are not. */
import { execFileSync } from 'node:child_process'

/** Absolute paths of what the dynamic linker would load for `program`, the linker included. */
export function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  })
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path)
}

/** The linker itself: the one library that is named without `=>`. */
export function linkerOf(program: string): string {
  const linker = librariesOf(program).find((path) => /\/ld-linux/.test(path))
  if (linker === undefined) throw new Error(`${program} names no dynamic linker`)
  return linker
}
