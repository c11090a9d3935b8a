import { readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { nearest } from '../spelling/index.js'
import { canonicalPolicy } from './canonical.js'
import { enforceCeiling } from './ceiling.js'
import { resolveHostPath } from './host-path.js'
import { quickly, readJson } from './json-source.js'
import type { PolicyOptions } from './parse.js'
import type { Written } from './places.js'
import type { Policy } from './policy.js'
import { fileError, readPolicyFile } from './policy-file.js'
import { defaultProfilesDir, isProfileName, profileNames } from './profiles.js'
import { show } from './quote.js'
import { readYaml } from './yaml-source.js'

export interface LoadOptions extends Pick<PolicyOptions, 'resolveHostPath' | 'ceiling'> {
  /** folder that a relative `file` starts from; default the working directory */
  readonly cwd?: string
  /** folder of the built-in profiles; default the package's `policies/` */
  readonly profilesDir?: string
}

/**
 * Loads a policy file (YAML or JSON), or a built-in profile when `file` is a bare word such as `imagemagick`.
 * Synchronous. Relative host paths in it start from the file's own folder.
 * @throws PolicyError with every problem, in document order
 */
export function loadPolicy(file: string, options: LoadOptions = {}): Policy {
  return quickly((quick) => {
    const written = readSource(file, options, quick)
    const policy = canonicalPolicy(written, options.resolveHostPath ?? resolveHostPath)
    enforceCeiling(policy, written.places, options)
    return policy
  })
}

/** The file or profile as written, not checked yet. `quick`: without places, where that is quicker. */
export function readSource(file: string, options: LoadOptions, quick: boolean): Written {
  const profile = isProfileName(file)
  const dir = options.profilesDir ?? defaultProfilesDir()
  const path = profile ? join(dir, `${file}.yaml`) : resolve(options.cwd ?? process.cwd(), file)
  const known = profile ? profileNames(dir) : []
  if (profile && !known.includes(file)) throw unknownProfile(file, known)
  const text = file === '' ? null : readPolicyFile(path)
  if (text === null) throw notFound(file, path, dir)
  const where = { source: profile ? path : file, base: dirname(path) }
  return (quick ? readJson(text, where) : null) ?? readYaml(text, where)
}

function unknownProfile(name: string, known: readonly string[]) {
  const close = nearest(name, known)
  const guess = close === null ? '' : `Did you mean ${close}? `
  const list = known.length === 0 ? 'There are none here.' : `Built in: ${known.join(', ')}.`
  const advice = `${guess}${list} For a file of that name write ./${show(name).slice(1, -1)}.`
  return fileError('', 'policy.unknownProfile', `there is no built-in profile ${show(name)}.`, advice)
}

/** What a reader may have meant: a file beside it, or a profile, whose name has neither folder nor ending. */
function notFound(file: string, path: string, dir: string) {
  const error = (advice: string) =>
    fileError('', 'policy.notFound', `there is no policy file ${show(file)}.`, advice)
  const profiles = profileNames(dir)
  if (file === '') return error(`Name a file, or a built-in profile: ${profiles.join(', ')}.`)
  const name = basename(path)
  const profile = profiles.find((each) => each === name.replace(/\.(ya?ml|json)$/, ''))
  if (profile !== undefined) return error(`For the built-in profile write ${profile}.`)
  const beside = namesIn(dirname(path))
  if (beside === null) return error(`There is no folder ${show(dirname(path))} to read.`)
  const near = nearest(name, beside)
  if (near !== null) return error(`Did you mean ${show(`${dirname(file)}/${near}`)}?`)
  return error(
    `It was looked for in ${show(dirname(path))}; a built-in profile is a bare word, such as imagemagick.`,
  )
}

function namesIn(folder: string): string[] | null {
  try {
    return readdirSync(folder)
  } catch {
    return null
  }
}
