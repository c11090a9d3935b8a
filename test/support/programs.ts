/** Programs with the libraries that they load, to be put where this host's own are not. */
import { librariesOf } from '../../bench/libraries.js'

export { librariesOf }

/** The linker itself: the one library that is named without `=>`. */
export function linkerOf(program: string): string {
  const linker = librariesOf(program).find((path) => /\/ld-linux/.test(path))
  if (linker === undefined) throw new Error(`${program} names no dynamic linker`)
  return linker
}
