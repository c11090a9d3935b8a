/** An image of busybox in this user's store, for machines; it goes with `remove`. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { librariesOf } from '../libraries.js'

const BUSYBOX = '/bin/busybox'
const ROOT = join(import.meta.dirname, '../../..')

export interface ImageOptions {
  /** names of busybox */
  readonly links?: readonly string[]
  /** this host's own, with their libraries */
  readonly programs?: readonly string[]
}

let made = 0

export class Image {
  readonly name = `glovebox-bench-machine-${process.pid}-${++made}`

  /** `folder`: an empty one, for as long as it is made. @throws Error without busybox */
  static made(folder: string, { links = ['echo', 'sleep'], programs = [] }: ImageOptions = {}): Image {
    if (!existsSync(BUSYBOX)) throw new Error('busybox is needed: apt-get install busybox-static')
    const tree = join(folder, 'tree')
    for (const name of ['bin', 'lib', 'lib64']) {
      mkdirSync(join(tree, 'usr', name), { recursive: true })
      symlinkSync(`usr/${name}`, join(tree, name))
    }
    cpSync(BUSYBOX, join(tree, 'bin/busybox'))
    for (const name of links) symlinkSync('busybox', join(tree, 'bin', name))
    for (const program of programs) {
      copyFileSync(realpathSync(program), join(tree, 'bin', basename(program)))
      for (const library of librariesOf(program)) {
        const to = join(tree, library.replace(/^(?!\/usr\/)/, '/usr'))
        mkdirSync(dirname(to), { recursive: true })
        copyFileSync(realpathSync(library), to)
      }
    }
    const file = join(folder, 'image.tar')
    execFileSync('tar', ['--create', `--file=${file}`, `--directory=${tree}`, '.'])
    const image = new Image()
    image.#cli('import', file, image.name)
    return image
  }

  remove(): void {
    this.#cli('rm', this.name)
  }

  #cli(...args: string[]): void {
    execFileSync(join(ROOT, 'bin/glovebox'), ['image', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
}
