/** `image import | pull | ls | inspect | rm`: root file systems for `root: image:NAME`. */
import { resolve } from 'node:path'
import { ImageError, visible } from '../errors/index.js'
import {
  DEFAULT_LIMITS,
  type ImageLimits,
  importImage,
  type Platform,
  pullImage,
  readPlatform,
  type StoredImage,
} from '../images/index.js'
import { type ImageReference, imageReference, referenceText } from '../policy/index.js'
import { hostOf, imageStore, SandboxWork } from '../sandbox/index.js'
import { parseSize } from '../units/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { imageLines, inspectLines } from './image-lines.js'
import { Progress } from './progress.js'
import { print, printJson, say, sentence } from './terminal.js'

const FLAGS: readonly Flag[] = [
  {
    name: '--platform',
    value: 'linux/ARCH',
    help: 'import, pull: the image for another machine than this one',
  },
  {
    name: '--allow-host',
    value: 'HOST[:PORT]',
    repeatable: true,
    help: 'pull: a further host, where the registry keeps its layers or asks for logins',
  },
  {
    name: '--private',
    value: 'BLOCK',
    repeatable: true,
    help: 'pull: addresses that are not public and may be the registry’s, e.g. 10.2.0.0/16',
  },
  { name: '--max-size', value: '16GiB', help: 'import, pull: the most that its files may come to' },
  { name: '--json', help: 'the same for programs' },
  { name: '--quiet', help: 'no progress on standard error' },
  { name: '--help', help: 'this' },
]

const VERBS = { import: importOne, pull, ls, inspect, rm } as const

async function image(parsed: Parsed): Promise<number> {
  const [verb = '', ...words] = [...parsed.words, ...(parsed.command ?? [])]
  if (!Object.hasOwn(VERBS, verb))
    throw new WrongUsage(
      `There is ${verb === '' ? 'no verb' : `no "image ${visible(verb)}"`}: write image import, pull, ls, inspect or rm.`,
    )
  const own: readonly string[] = verb === 'pull' ? [] : ['--allow-host', '--private']
  const foreign = [...own, ...(verb === 'import' || verb === 'pull' ? [] : ['--platform', '--max-size'])]
  const wrong = foreign.find((name) => parsed.flags.has(name))
  if (wrong !== undefined) throw new WrongUsage(`image ${verb} takes no ${wrong}.`)
  try {
    return await VERBS[verb as keyof typeof VERBS](words, parsed)
  } catch (error) {
    if (error instanceof WrongUsage) throw error
    say(sentence(error))
    return 1
  }
}

async function importOne(words: readonly string[], parsed: Parsed): Promise<number> {
  const [path, written, ...more] = words
  if (path === undefined || more.length > 0)
    throw new WrongUsage('image import takes FILE|DIR and a NAME for it: image import tool.tar tool:1.')
  const name = written === undefined ? null : named(written)
  return made(parsed, (work, common) =>
    importImage(imageStore(hostOf().uid), resolve(path), work, { ...common, name, from: resolve(path) }),
  )
}

function named(text: string): string {
  const reference = referenceOf(text)
  if (reference.path === null || reference.digest !== null)
    throw new WrongUsage('A name for an image has no digest: write one such as tool:1.')
  return referenceText(reference)
}

function referenceOf(text: string): ImageReference {
  const reference = imageReference(text)
  if ('what' in reference)
    throw new WrongUsage(`${JSON.stringify(visible(text))} ${reference.what} ${reference.advice}`)
  return reference
}

async function pull(words: readonly string[], parsed: Parsed): Promise<number> {
  const reference = referenceOf(one(words, 'pull REGISTRY/NAME[:TAG|@DIGEST]'))
  return made(parsed, (work, common) =>
    pullImage(imageStore(hostOf().uid), reference, work, {
      ...common,
      allowHosts: parsed.flags.get('--allow-host') ?? [],
      private: parsed.flags.get('--private') ?? [],
      env: process.env,
    }),
  )
}

interface Common {
  readonly platform: Platform
  readonly limits: ImageLimits
  readonly tell: (what: string) => void
}

async function made(
  { flags }: Parsed,
  make: (work: SandboxWork, common: Common) => Promise<StoredImage>,
): Promise<number> {
  const host = hostOf()
  const [written] = flags.get('--platform') ?? []
  const platform = readPlatform(written ?? `linux/${host.arch === 'x64' ? 'amd64' : host.arch}`)
  const progress = new Progress(flags.has('--quiet'))
  const abort = new AbortController()
  const cancel = () => abort.abort()
  for (const signal of SIGNALS) process.once(signal, cancel)
  try {
    // told after each chunk that is read: between sandboxes it is here that a signal is heard
    const tell = (what: string) => {
      if (abort.signal.aborted) throw new ImageError('image.cancelled', 'It was cancelled; nothing was kept.')
      progress.line(`glovebox: ${what}`)
    }
    const image = await make(new SandboxWork(host, abort.signal), { platform, limits: limitsOf(flags), tell })
    progress.clear()
    if (flags.has('--json')) printJson(image, 2)
    else print([image.digest])
    return 0
  } finally {
    progress.clear()
    for (const signal of SIGNALS) process.removeListener(signal, cancel)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function limitsOf(flags: Parsed['flags']): ImageLimits {
  const [written] = flags.get('--max-size') ?? []
  if (written === undefined) return DEFAULT_LIMITS
  const bytes = parseSize(written)
  if (bytes === null || bytes === 0)
    throw new WrongUsage(`--max-size ${visible(written)} is no size: write one such as 16GiB.`)
  return { ...DEFAULT_LIMITS, bytes }
}

function ls(words: readonly string[], { flags }: Parsed): number {
  if (words.length > 0) throw new WrongUsage(`image ls takes no ${JSON.stringify(words[0])}.`)
  const images = imageStore(hostOf().uid).list()
  if (flags.has('--json')) printJson(images, 2)
  else if (images.length > 0) print(imageLines(images))
  return 0
}

function one(words: readonly string[], usage: string): string {
  const [word, ...more] = words
  if (word === undefined || more.length > 0)
    throw new WrongUsage(`One image is meant: glovebox image ${usage}.`)
  return word
}

function inspect(words: readonly string[], { flags }: Parsed): number {
  const reference = referenceOf(one(words, 'inspect NAME'))
  const store = imageStore(hostOf().uid)
  const found = store.find(referenceText(reference), reference.digest)
  const image = store.list().find(({ digest }) => digest === found?.digest)
  if (image === undefined) return nothing(reference, store.place)
  const config: unknown = JSON.parse(store.file(image.digest, 'config.json') ?? 'null')
  const manifest: unknown = JSON.parse(store.file(image.digest, 'manifest.json') ?? 'null')
  if (flags.has('--json')) printJson({ ...image, root: store.tree(image.digest), manifest, config }, 2)
  else print(inspectLines(image, config, store.tree(image.digest), store.disk(image.digest)))
  return 0
}

async function rm(words: readonly string[], { flags }: Parsed): Promise<number> {
  if (words.length === 0) throw new WrongUsage('image rm needs an image: glovebox image rm NAME….')
  const store = imageStore(hostOf().uid)
  const results: object[] = []
  let missing = 0
  for (const reference of words.map(referenceOf)) {
    const done = await store.remove(referenceText(reference), reference.digest)
    if (done === null) missing += nothing(reference, store.place)
    else {
      results.push({ name: referenceText(reference), ...done })
      if (done.removed && done.usedBy.length > 0 && !flags.has('--json'))
        say(
          `It is used by process ${done.usedBy.join(', ')}: its files go with the next image command after that.`,
        )
    }
  }
  if (flags.has('--json')) printJson(results, 2)
  return missing > 0 ? 1 : 0
}

function nothing(reference: ImageReference, place: string): 1 {
  say(
    `There is no image ${referenceText(reference)} in ${place}. "glovebox image ls" shows those that are here.`,
  )
  return 1
}

export const IMAGE: CommandEntry = { flags: FLAGS, act: image, wrong: 2 }
