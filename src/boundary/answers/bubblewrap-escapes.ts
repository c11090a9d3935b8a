import { BUBBLEWRAP_ESCAPES, type HostFacts, OLDEST_BUBBLEWRAP, openFrom } from '../../host/index.js'
import { type Answer, enforcedBy } from '../../plan/index.js'
import { knownEscapesAnswer } from '../known-escapes.js'
import { by } from './mechanisms.js'

/**
 * One that does not know --disable-userns starts nothing, so no version is older than that; and while each escape of those that
 * are left is shut out, which of them is installed needs not be asked: it would cost every start a program more.
 */
export function bubblewrapEscapes(host: HostFacts, escapes = BUBBLEWRAP_ESCAPES): Answer {
  const means = by(
    `bubblewrap ${OLDEST_BUBBLEWRAP} or newer, started so that every known escape is shut out`,
    'runtime-version',
  )
  if (openFrom(escapes, OLDEST_BUBBLEWRAP, 'process').length === 0) return enforcedBy(means)
  const program = { name: 'bubblewrap', program: host.runtimes().bubblewrap, escapes }
  return knownEscapesAnswer('process', [{ ...program, get: 'Install a newer bubblewrap' }], means)
}
