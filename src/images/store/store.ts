/** The images of one user. Readers take no lock; what changes names or images holds it. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ImageError } from '../../errors/index.js'
import { isGone, ownMark, pidOf } from '../../host/index.js'
import { ageOf, entries, textOf } from './files.js'
import { locked } from './lock.js'
import { prepared, requireOurs, type StoreFolder } from './place.js'

/** What is known of an image, as it is kept beside its tree. */
export interface StoredImage {
  /** of its manifest */
  readonly digest: string
  /** digests of indexes by which it was asked for */
  readonly aliases: readonly string[]
  /** `linux/amd64`; `null`: it does not say */
  readonly platform: string | null
  /** of all files, bytes */
  readonly bytes: number
  readonly files: number
  readonly layers: number
  /** what was not taken over: devices and fifos; setuid, setgid and sticky bits */
  readonly dropped: { readonly special: number; readonly bits: number }
  /** RFC 3339 */
  readonly importedAt: string
  /** where it came from, for a person */
  readonly from: string
}

export interface NamedImage extends StoredImage {
  readonly names: readonly string[]
  /** of processes that run from it now */
  readonly usedBy: readonly number[]
  /** of its disk; `null`: none was made yet */
  readonly diskBytes: number | null
}

const HEX = /^[0-9a-f]{64}$/
const USE = /^([0-9a-f]{64})\.(.+)\.[0-9a-f]{16}$/
const hexOf = (digest: string) => digest.slice('sha256:'.length)
const random = () => randomBytes(8).toString('hex')

export class ImageStore {
  readonly place: string

  constructor(place: string) {
    this.place = place
  }

  #at(folder: StoreFolder, ...names: string[]): string {
    return join(this.place, folder, ...names)
  }

  /** Of an image that is here. */
  tree(digest: string): string {
    return this.#at('images', hexOf(digest), 'root')
  }

  /** Where its disk is, once that is made. It goes with the image. */
  disk(digest: string): string {
    return this.#at('images', hexOf(digest), 'root.erofs')
  }

  diskBytes(digest: string): number | null {
    return statSync(this.disk(digest), { throwIfNoEntry: false })?.size ?? null
  }

  /** The text of one of its files; `null`: the image is not here, or has none. */
  file(digest: string, name: 'manifest.json' | 'config.json'): string | null {
    return textOf(this.#at('images', hexOf(digest), name))
  }

  image(digest: string): StoredImage | null {
    const text = textOf(this.#at('images', hexOf(digest), 'image.json'))
    return text === null ? null : (JSON.parse(text) as StoredImage)
  }

  /** What a canonical name, or a digest, stands for now; `null`: nothing here. */
  find(name: string, digest: string | null): StoredImage | null {
    if (digest === null) {
      const [, known = ''] = this.#named(join('names', nameFile(name))) ?? []
      return HEX.test(hexOf(known)) ? this.image(known) : null
    }
    return this.image(digest) ?? this.#images().find(({ aliases }) => aliases.includes(digest)) ?? null
  }

  list(): NamedImage[] {
    const names = this.#names()
    const uses = this.#uses()
    return this.#images().map((image) => ({
      ...image,
      names: names.filter(([, digest]) => digest === image.digest).map(([name]) => name),
      usedBy: [...new Set(uses.filter(({ hex }) => hex === hexOf(image.digest)).map(({ pid }) => pid))],
      diskBytes: this.diskBytes(image.digest),
    }))
  }

  #images(): StoredImage[] {
    return entries(this.#at('images')).flatMap((hex) => this.image(`sha256:${hex}`) ?? [])
  }

  #named(file: string): readonly [name: string, digest: string] | null {
    const [digest, name] = textOf(join(this.place, file))?.split(' ') ?? []
    return digest === undefined || name === undefined ? null : [name, digest]
  }

  #names(): (readonly [name: string, digest: string])[] {
    return entries(this.#at('names')).flatMap((file) => {
      const named = this.#named(join('names', file))
      return named === null ? [] : [named]
    })
  }

  /** A folder of this process's alone, removed after `work` or when it is dead; nothing of it was kept by then. */
  async staged<T>(work: (folder: string) => Promise<T>): Promise<T> {
    prepared(this.place)
    await this.sweep()
    const folder = this.#at('staging', `${ownMark()}.${random()}`)
    mkdirSync(folder, { mode: 0o700 })
    try {
      return await work(folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Makes the folder an image, unless there is one already; and the name its name. */
  async publish(folder: string | null, image: StoredImage, name: string | null): Promise<void> {
    await this.#alone(() => {
      const target = this.#at('images', hexOf(image.digest))
      if (this.image(image.digest) === null) {
        if (folder === null)
          throw new ImageError('image.gone', 'The image was removed meanwhile.', 'Try again.')
        renameSync(folder, target)
      } else this.#remember(image)
      if (name !== null) this.#write('names', nameFile(name), `${image.digest} ${name}`)
    })
  }

  /** A file on the store's own file system becomes the image's disk, unless it has one. */
  async addDisk(digest: string, file: string): Promise<void> {
    await this.#alone(() => {
      if (this.image(digest) === null)
        throw new ImageError('image.gone', 'The image was removed meanwhile.', 'Import or pull it again.')
      if (!existsSync(this.disk(digest))) renameSync(file, this.disk(digest))
    })
  }

  /** Another index may lead to an image that is here. */
  #remember({ digest, aliases }: StoredImage): void {
    const known = this.image(digest)
    if (known === null || aliases.every((alias) => known.aliases.includes(alias))) return
    const all = [...new Set([...known.aliases, ...aliases])]
    this.#write('images', join(hexOf(digest), 'image.json'), JSON.stringify({ ...known, aliases: all }))
  }

  /** Whole or not at all. */
  #write(folder: StoreFolder, file: string, text: string): void {
    const temporary = this.#at('staging', `${ownMark()}.${random()}`)
    writeFileSync(temporary, text, { mode: 0o600, flush: true })
    renameSync(temporary, this.#at(folder, file))
  }

  /**
   * Takes a name away, or with a digest the image and all its names. An image without a name goes; its files when nobody
   * runs from it any more. `null`: there is nothing such.
   */
  async remove(
    name: string,
    digest: string | null,
  ): Promise<{ digest: string; removed: boolean; usedBy: number[] } | null> {
    const done = await this.#alone(() => {
      const image = this.find(name, digest)
      if (image === null) return null
      const own = this.#names().filter(([, each]) => each === image.digest)
      const gone = own.filter(([each]) => digest !== null || each === name)
      for (const [each] of gone) unlinkSync(this.#at('names', nameFile(each)))
      const removed = gone.length === own.length
      const hex = hexOf(image.digest)
      if (removed) renameSync(this.#at('images', hex), this.#at('removed', `${hex}.${random()}`))
      const usedBy = this.#uses().flatMap((use) => (use.hex === hex ? [use.pid] : []))
      return { digest: image.digest, removed, usedBy: [...new Set(usedBy)] }
    })
    if (done?.removed === true) await this.sweep()
    return done
  }

  async #alone<T>(work: () => T): Promise<T> {
    prepared(this.place)
    return locked(join(this.place, 'lock'), work)
  }

  /**
   * Keeps an image's files while this process runs from them: noted before it is looked for, so that one who removes it
   * sees the note, or we don't see the image. @throws ImageError when it is not here any more
   */
  hold(digest: string): () => void {
    requireOurs(this.place)
    this.#tidyOnce()
    const note = this.#at('uses', `${hexOf(digest)}.${ownMark()}.${random()}`)
    writeFileSync(note, '', { mode: 0o600 })
    const release = () => rmSync(note, { force: true })
    if (this.image(digest) !== null) return release
    release()
    throw new ImageError('image.gone', `The image ${digest} was removed.`, 'Import or pull it again.')
  }

  #uses(): { readonly file: string; readonly hex: string; readonly pid: number }[] {
    return entries(this.#at('uses')).flatMap((file) => {
      const [, hex = '', mark = ''] = USE.exec(file) ?? []
      const path = this.#at('uses', file)
      if (!isGone(mark, () => ageOf(path))) return [{ file, hex, pid: pidOf(mark) }]
      rmSync(path, { force: true })
      return []
    })
  }

  /** A service that is killed and started again and again never removes an image, and each time leaves its notes. */
  #tidyOnce(): void {
    if (tidied.has(this.place)) return
    tidied.add(this.place)
    this.#uses()
  }

  /** Removes what dead processes left, and images that were removed while they were in use. */
  async sweep(): Promise<void> {
    for (const name of entries(this.#at('staging'))) {
      const path = this.#at('staging', name)
      const mark = name.slice(0, name.lastIndexOf('.'))
      if (isGone(mark, () => ageOf(path))) await rm(path, { recursive: true, force: true })
    }
    const used = new Set(this.#uses().map(({ hex }) => hex))
    for (const name of entries(this.#at('removed')))
      if (!used.has(basename(name).slice(0, 64)))
        await rm(this.#at('removed', name), { recursive: true, force: true })
  }
}

/** Where this process has looked for notes of the dead. */
const tidied = new Set<string>()

/** A name may hold a slash, and be longer than a file's. */
function nameFile(name: string): string {
  return createHash('sha256').update(name).digest('hex')
}
