import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LaunchError } from '../../errors/index.js'

/** The built programs lie in `native/` beside this module's own tree, whether it is bundled or not. */
export function nativeProgram(name: 'cell' | 'agent'): string {
  for (let at = import.meta.dirname; ; at = dirname(at)) {
    if (existsSync(join(at, 'native', 'manifest.json'))) return join(at, 'native', name)
    if (at === dirname(at)) break
  }
  throw new LaunchError(
    'launch.notBuilt',
    `The program ${name} is not built.`,
    'In a checkout, `npm run setup` builds it (it needs a C compiler).',
  )
}
