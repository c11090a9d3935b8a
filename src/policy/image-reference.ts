/** How an image is named: `registry.example.com/team/tool:1.2`, `tool`, with a digest behind it, or a digest alone. Pure. */

export interface ImageReference {
  /** `HOST[:PORT]`; `null`: it names an image of this host's store and no registry */
  readonly registry: string | null
  /** without the registry; `null`: it is a digest alone */
  readonly path: string | null
  /** `latest` unless there is one, or a digest; `null`: by digest */
  readonly tag: string | null
  /** `sha256:` and 64 hex digits; `null`: by tag */
  readonly digest: string | null
}

export type ReferenceAnswer = ImageReference | { readonly what: string; readonly advice: string }

const DIGEST = /^sha256:[0-9a-f]{64}$/
/** A label more, or a port, or `localhost`: what has none of these is the first folder of a path. */
const REGISTRY =
  /^(?:localhost|(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?$/
const STEP = /^[a-z0-9]+(?:(?:\.|_|__|-{1,8})[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
/** that registries take */
const MOST = 255

const EXAMPLES = 'Write one such as registry.example.com/team/tool:1.2, tool, or sha256:… of one.'

/** What is meant, in its one spelling (see {@link referenceText}), or why it means nothing. */
export function imageReference(text: string): ReferenceAnswer {
  if (DIGEST.test(text)) return { registry: null, path: null, tag: null, digest: text }
  const wrong = (what: string, advice = EXAMPLES) => ({ what, advice })
  if (text.length > 2 * MOST) return wrong('is too long for the name of an image.')
  const [named = '', digest = null, ...rest] = text.split('@')
  if (rest.length > 0 || (digest !== null && !DIGEST.test(digest)))
    return wrong(
      'has a digest that is none.',
      'A digest is sha256: and 64 digits of 0-9 and a-f; `glovebox image ls` shows those that are here.',
    )
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const tag = colon === -1 ? null : named.slice(colon + 1)
  const steps = (colon === -1 ? named : named.slice(0, colon)).split('/')
  const registry =
    steps.length > 1 && /[.:]|^localhost$/.test(steps[0] ?? '') ? (steps.shift() ?? null) : null
  const path = steps.join('/')
  if (registry !== null && !isRegistry(registry)) return wrong('names a registry that is no host.')
  if (tag !== null && !TAG.test(tag)) return wrong('has a tag that is none.')
  if (path.length > MOST || !steps.every((step) => STEP.test(step)))
    return wrong(
      'is not the name of an image.',
      /[A-Z]/.test(path) ? 'Names are written in small letters.' : EXAMPLES,
    )
  return { registry, path, tag: tag ?? (digest === null ? 'latest' : null), digest }
}

function isRegistry(text: string): boolean {
  const port = /:([0-9]+)$/.exec(text.replace(/^\[[^\]]*\]/, ''))?.[1]
  return REGISTRY.test(text) && (port === undefined || (Number(port) >= 1 && Number(port) <= 65535))
}

/** Without tag and digest; empty for a digest alone. */
export function repositoryText({ registry, path }: Pick<ImageReference, 'registry' | 'path'>): string {
  return [registry, path].filter((part) => part !== null).join('/')
}

/** The one spelling. */
export function referenceText(reference: ImageReference): string {
  const { tag, digest } = reference
  const repository = repositoryText(reference)
  if (repository === '') return digest ?? ''
  return `${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`
}
