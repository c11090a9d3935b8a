import { execFileSync } from 'node:child_process'

/** Absolute paths of what the dynamic linker would load for `program`, the linker included. */
export function librariesOf(program: string): string[] {
  const listed = execFileSync('ldd', [program], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  })
  return [...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path)
}
