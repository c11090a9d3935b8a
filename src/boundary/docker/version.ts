/** Which version of the engine's API is spoken. Pure. */
import { EngineError, said } from './problems.js'

export type ApiVersion = readonly [major: number, minor: number]

/** Docker 20.10: private cgroup namespaces, one-shot statistics. */
export const OLDEST: ApiVersion = [1, 41]
/** The newest whose words were read; an engine that speaks a newer one speaks this too. */
export const NEWEST: ApiVersion = [1, 51]

export const versionText = ([major, minor]: ApiVersion) => `${major}.${minor}`

export function isAtLeast([major, minor]: ApiVersion, [least, lesser]: ApiVersion): boolean {
  return major > least || (major === least && minor >= lesser)
}

function parse(text: string | null | undefined): ApiVersion | null {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,4})$/.exec(text ?? '') ?? []
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)]
}

export interface ApiLimits {
  readonly Version: string
  readonly ApiVersion?: string | null | undefined
  readonly MinAPIVersion?: string | null | undefined
}

/**
 * `header`: `Api-Version` of the answer to a ping.
 * @throws EngineError when there is no version that both speak
 */
export function negotiated(header: string | string[] | undefined, limits: ApiLimits): ApiVersion {
  const newest = parse(limits.ApiVersion ?? (typeof header === 'string' ? header : null))
  if (newest === null)
    throw new EngineError(
      'docker.answer',
      'What answers in the place of a Docker Engine does not say which version of its API it speaks.',
      '`docker version` does, if it is one.',
    )
  const engine = `Docker Engine ${said(limits.Version)}`
  if (!isAtLeast(newest, OLDEST))
    throw new EngineError(
      'docker.tooOld',
      `${engine} is too old: it speaks API ${versionText(newest)}.`,
      `API ${versionText(OLDEST)} is needed: Docker 20.10 or newer, as Debian 11 and later have it (\`apt-get install docker.io\`).`,
    )
  const oldest = parse(limits.MinAPIVersion)
  if (oldest !== null && !isAtLeast(NEWEST, oldest))
    throw new EngineError(
      'docker.tooNew',
      `${engine} speaks API ${versionText(oldest)} and newer; this Glovebox speaks ${versionText(NEWEST)} at most.`,
      'Use a newer Glovebox.',
    )
  return isAtLeast(newest, NEWEST) ? NEWEST : newest
}
