/** An image of busybox in this user's store, for machines; it goes with `remove`. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const BUSYBOX = '/bin/busybox'
const ROOT = join(import.meta.dirname, '../../..')

export class Image {
  readonly name = `glovebox-bench-machine-${process.pid}`

  /** `folder`: an empty one, for as long as it is made. @throws Error without busybox */
  static made(folder: string): Image {
    if (!existsSync(BUSYBOX)) throw new Error('busybox is needed: apt-get install busybox-static')
    const tree = join(folder, 'tree')
    mkdirSync(join(tree, 'bin'), { recursive: true })
    cpSync(BUSYBOX, join(tree, 'bin/busybox'))
    for (const name of ['echo', 'sleep']) symlinkSync('busybox', join(tree, 'bin', name))
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
