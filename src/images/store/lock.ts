import { ImageError } from '../../errors/index.js'
import { locked as held, type Locking } from '../../host/index.js'

/** As long as one may wait for another's renames, s. */
const PATIENCE_S = 60

/** Runs `work` while nobody else holds `file` of the store. @throws ImageError when it can't be had */
export function locked<T>(
  file: string,
  work: () => Promise<T> | T,
  { patienceS = PATIENCE_S, signal = null }: Partial<Omit<Locking, 'refused'>> = {},
): Promise<T> {
  const refused = (why: string) =>
    new ImageError(
      'image.locked',
      `The store's lock ${file} can't be had (${why}).`,
      'Another `glovebox image` holds it; or util-linux (flock) is missing.',
    )
  return held(file, work, { patienceS, signal, refused })
}
