/** An image from a registry: asked for by skopeo, in a sandbox that reaches the registry and nothing else. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ImageError } from '../errors/index.js'
import { type ImageReference, referenceText, repositoryText } from '../policy/index.js'
import { authFor, certificateFolders } from './auth.js'
import { type ImageWork, type ImportOptions, keep } from './import.js'
import { chosen, MOST_MANIFEST, type Platform, readManifest } from './manifest.js'
import { folderSource } from './source/files.js'
import { digestOf, followed } from './source/parts.js'
import type { ImageStore, StoredImage } from './store/store.js'
import { full } from './unpack.js'

/** One call of skopeo. */
export interface Fetch {
  /** behind `skopeo`; `/out` is the folder that it may write to */
  readonly args: readonly string[]
  /** files of the sandbox's work directory, by name */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** hosts that it may reach: HOST:PORT, and those of --allow-host */
  readonly hosts: readonly RegistryHost[]
  /** what is written to; `null`: nothing is */
  readonly into: string | null
  readonly most: number
}

export interface RegistryHost {
  readonly host: string
  readonly port: number
  /** blocks of addresses that are not public */
  readonly private: readonly string[]
}

export interface PullWork extends ImageWork {
  /** its standard output. @throws ImageError */
  fetch(fetch: Fetch): Promise<Buffer>
}

export interface PullOptions extends Omit<ImportOptions, 'name' | 'from'> {
  /** further hosts, to which a registry sends whoever asks for a layer */
  readonly allowHosts: readonly string[]
  readonly private: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Of Docker's own registry, which has another name than its images do, and two helpers. */
const HUB = ['registry-1.docker.io', 'auth.docker.io', 'production.cloudflare.docker.com']

/** @throws ImageError; nothing is left then */
export async function pullImage(
  store: ImageStore,
  reference: ImageReference,
  work: PullWork,
  options: PullOptions,
): Promise<StoredImage> {
  const { registry, tag } = reference
  if (registry === null || reference.path === null)
    throw new ImageError(
      'image.noRegistry',
      'A pull needs the registry too: one name may be anybody’s in another.',
      `Write one such as docker.io/library/debian:12, or registry.example.com/team/tool@sha256:….`,
    )
  return store
    .staged(async (staging) => {
      const asking = askingOf(registry, options)
      const repository = `docker://${repositoryText(reference)}`
      options.tell('asking the registry')
      const asked = async (at: string) =>
        work.fetch({
          ...asking,
          args: ['inspect', '--raw', ...flags(asking.files, ''), at],
          into: null,
          most: MOST_MANIFEST,
        })
      const first = await asked(
        reference.digest === null ? `${repository}:${tag ?? 'latest'}` : `${repository}@${reference.digest}`,
      )
      const { digest, aliases } = await manifestOf(first, reference.digest, options.platform, (next) =>
        asked(`${repository}@${next}`),
      )
      const name = reference.digest === null ? referenceText(reference) : null
      const from = referenceText(reference)
      const into = join(staging, 'pulled')
      mkdirSync(into, { mode: 0o755 })
      if (store.image(digest) === null) {
        options.tell('fetching')
        const args = [
          'copy',
          '--quiet',
          '--preserve-digests',
          ...flags(asking.files, 'src-'),
          `${repository}@${digest}`,
          'dir:/out/image',
        ]
        await work.fetch({
          ...asking,
          args: platformed(args, options.platform),
          into,
          most: options.limits.bytes,
        })
      } else {
        const known = store.image(digest) as StoredImage
        await store.publish(null, { ...known, aliases }, name)
        return known
      }
      const source = folderSource(join(into, 'image'))
      const file = (each: string) => (each === digest ? 'manifest.json' : each.slice('sha256:'.length))
      const parts = await followed(source, { digest }, options.platform, file, null)
      const image = await keep(store, staging, { ...parts, aliases }, work, { ...options, name, from })
      rmSync(into, { recursive: true, force: true })
      return image
    })
    .catch((error: unknown) => {
      throw full(error)
    })
}

/** Through an index to the one manifest, each checked against the digest that led to it. */
async function manifestOf(
  first: Buffer,
  pinned: string | null,
  platform: Platform,
  ask: (digest: string) => Promise<Buffer>,
): Promise<{ digest: string; aliases: string[] }> {
  const top = digestOf(first)
  if (pinned !== null && top !== pinned) throw replaced(pinned, top)
  const manifest = readManifest(first)
  if (manifest.kind === 'image') return { digest: top, aliases: [] }
  const { digest } = chosen(manifest.manifests, platform)
  const next = await ask(digest)
  if (digestOf(next) !== digest) throw replaced(digest, digestOf(next))
  if (readManifest(next).kind !== 'image')
    throw new ImageError('image.malformed', "The image can't be read: its index leads to an index.")
  return { digest, aliases: [top] }
}

function replaced(wanted: string, got: string): ImageError {
  return new ImageError(
    'image.wrongDigest',
    `The registry gave ${got} for ${wanted}.`,
    'It is not what was asked for: ask whoever runs the registry.',
  )
}

/** Before the operands: skopeo's own flags come behind its command. */
function platformed(
  [command = '', ...rest]: readonly string[],
  { architecture, variant }: Platform,
): string[] {
  const variants = variant === '' ? [] : ['--override-variant', variant]
  return ['--override-os', 'linux', '--override-arch', architecture, ...variants, command, ...rest]
}

function askingOf(registry: string, options: PullOptions): Pick<Fetch, 'files' | 'hosts'> {
  const auth = authFor(registry, options.env)
  const certificates = certificatesOf(registry, options.env)
  return {
    files: { ...(auth === null ? {} : { 'auth.json': Buffer.from(auth) }), ...certificates },
    hosts: [...hostsOf(registry), ...options.allowHosts.map(hostOf)].map((each) => ({
      ...each,
      private: options.private,
    })),
  }
}

/** Where the files of the work directory are; `inspect` and `copy` call the same thing by other names. */
function flags(files: Fetch['files'], prefix: '' | 'src-'): string[] {
  const named = (name: string) => Object.keys(files).some((each) => each.startsWith(name))
  return [
    ...(named('auth.json') ? [`--${prefix}authfile`, '/job/auth.json'] : [`--${prefix}no-creds`]),
    ...(named('certs/') ? [`--${prefix}cert-dir`, '/job/certs'] : []),
  ]
}

function hostsOf(registry: string): Omit<RegistryHost, 'private'>[] {
  return (registry === 'docker.io' ? HUB : [registry]).map(hostOf)
}

function hostOf(text: string): Omit<RegistryHost, 'private'> {
  const [, bracketed, plain, port = '443'] = /^(?:\[(.*)\]|([^:]*))(?::([0-9]+))?$/.exec(text) ?? []
  return { host: bracketed ?? plain ?? text, port: Number(port) }
}

/** Of the first folder that has any. */
function certificatesOf(registry: string, env: PullOptions['env']): Record<string, Uint8Array> {
  for (const folder of certificateFolders(registry, env)) {
    const names = listed(folder).filter((name) => /\.(?:crt|cert|key)$/.test(name))
    if (names.length > 0)
      return Object.fromEntries(names.map((name) => [`certs/${name}`, readFileSync(join(folder, name))]))
  }
  return {}
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
