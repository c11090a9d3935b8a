/** What the user's own tools know of a registry: the files that docker, podman and skopeo keep. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImageError, visible } from '../errors/index.js'

type Env = Readonly<Record<string, string | undefined>>

/** In the order in which containers-auth.json(5) has them; then docker's. */
export function authFiles(env: Env): string[] {
  const { REGISTRY_AUTH_FILE: named, XDG_RUNTIME_DIR: runtime, DOCKER_CONFIG: docker, HOME: home } = env
  if (named) return [named]
  return [
    ...(runtime ? [join(runtime, 'containers/auth.json')] : []),
    ...(docker ? [join(docker, 'config.json')] : home ? [join(home, '.docker/config.json')] : []),
  ]
}

/**
 * A file for skopeo that holds this one registry's login and nothing else; `null`: there is none.
 * @throws ImageError for a file that is there and can't be used
 */
export function authFor(registry: string, env: Env, ask: AskHelper = askHelper): string | null {
  for (const file of authFiles(env)) {
    const config = readConfig(file, env.REGISTRY_AUTH_FILE === file)
    const entry = config === null ? null : entryOf(config, registry, ask)
    if (entry !== null) return JSON.stringify({ auths: { [registry]: entry } })
  }
  return null
}

type Config = Readonly<Record<string, unknown>>
export type AskHelper = (
  helper: string,
  server: string,
) => { readonly name: string; readonly secret: string } | null

/** A file that was named must be there; the usual ones may be. */
function readConfig(file: string, named: boolean): Config | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Config
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && !named) return null
    if (code !== undefined) throw badFile(file, `can't be read: ${code}`)
  }
  throw badFile(file, 'is no JSON object')
}

const badFile = (file: string, what: string) =>
  new ImageError(
    'image.badLogin',
    `The file of logins ${visible(file)} ${what}.`,
    'Correct it, or name another with REGISTRY_AUTH_FILE.',
  )

/** As each tool spells the one registry. */
function spellings(registry: string): string[] {
  const hub =
    registry === 'docker.io' ? ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'] : []
  return [
    registry,
    `https://${registry}`,
    `https://${registry}/`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
    ...hub,
  ]
}

function entryOf(config: Config, registry: string, ask: AskHelper): object | null {
  const maps = (key: string) => {
    const value = config[key]
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  }
  for (const spelling of spellings(registry)) {
    const own = maps('credHelpers')
    const helper = Object.hasOwn(own, spelling) ? own[spelling] : config.credsStore
    const known = Object.hasOwn(maps('auths'), spelling) ? maps('auths')[spelling] : undefined
    if (typeof helper === 'string' && (helper !== config.credsStore || known !== undefined)) {
      const answer = ask(helper, spelling)
      if (answer !== null) return loginOf(answer)
    }
    if (typeof known === 'object' && known !== null && ('auth' in known || 'identitytoken' in known))
      return known
  }
  return null
}

/** docker-credential-helpers: a name of `<token>` means that the secret is an identity token. */
function loginOf({ name, secret }: { readonly name: string; readonly secret: string }): object {
  return name === '<token>'
    ? { identitytoken: secret }
    : { auth: Buffer.from(`${name}:${secret}`).toString('base64') }
}

const HELPER_MS = 10_000

/** The user's own program, as the user's own file names it. What it says is never shown. */
const askHelper: AskHelper = (helper, server) => {
  if (!/^[A-Za-z0-9._-]+$/.test(helper)) return null
  try {
    const said = execFileSync(`docker-credential-${helper}`, ['get'], {
      input: server,
      encoding: 'utf8',
      timeout: HELPER_MS,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const { Username: name, Secret: secret } = JSON.parse(said) as Record<string, unknown>
    return typeof name === 'string' && typeof secret === 'string' ? { name, secret } : null
  } catch {
    return null // it has none for this server, as far as anybody can tell
  }
}

/** Where a registry's own authority stands, one folder a registry. */
export function certificateFolders(registry: string, env: Env): string[] {
  const home = env.HOME?.startsWith('/') ? [join(env.HOME, '.config/containers/certs.d', registry)] : []
  return [...home, join('/etc/containers/certs.d', registry), join('/etc/docker/certs.d', registry)]
}
