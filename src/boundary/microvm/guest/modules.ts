/** Which of a kernel's modules a machine is given, and in which order they can be loaded: see modules.dep(5). Pure. */
import { posix } from 'node:path'
import { BoundaryUnavailableError } from '../../../errors/index.js'

/** What a machine needs; each brings what it depends on. */
export const WANTED_MODULES = [
  'virtio_pci',
  'virtio_console',
  'virtio_blk',
  'erofs',
  'overlay',
  'virtio_net',
] as const

export interface ModuleIndex {
  /** of the kernel, as `uname -r` says it */
  readonly release: string
  /** modules.dep */
  readonly dep: string
  /** modules.builtin */
  readonly builtin: string
}

/**
 * The files, below the kernel's folder of modules, each after all that it needs; what the kernel has built in is left out.
 * @throws BoundaryUnavailableError where one is neither built in nor there
 */
export function modulesInOrder(
  { release, dep, builtin }: ModuleIndex,
  wanted: readonly string[] = WANTED_MODULES,
): string[] {
  const needs = new Map(lines(dep).map(entryOf))
  const there = new Map([...needs.keys()].map((file) => [nameOf(file), file]))
  const inside = new Set(lines(builtin).map(nameOf))
  const order = new Set<string>()
  const add = (file: string, above: readonly string[]): void => {
    if (order.has(file) || above.includes(file)) return
    for (const each of needs.get(file) ?? []) add(each, [...above, file])
    order.add(file)
  }
  for (const name of wanted.map(nameOf)) {
    if (inside.has(name)) continue
    const file = there.get(name)
    if (file === undefined) throw missing(name, release)
    add(file, [])
  }
  return [...order]
}

/** `kernel/a.ko: kernel/b.ko kernel/c.ko`; what must be loaded first stands last. */
function entryOf(line: string): [string, string[]] {
  const colon = line.indexOf(':')
  const needs = line
    .slice(colon + 1)
    .split(' ')
    .filter((each) => each !== '')
  return [line.slice(0, colon), needs.reverse()]
}

const lines = (text: string): string[] => text.split('\n').filter((each) => each !== '')

/** The kernel takes `-` and `_` in a module's name for the same, and its file may be compressed. */
export const nameOf = (file: string): string =>
  posix
    .basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_')

function missing(name: string, release: string): BoundaryUnavailableError {
  return new BoundaryUnavailableError(
    'boundary.module',
    `The kernel ${release} has no ${name}, neither built in nor as a module.`,
    'Debian has a kernel with all that is needed in the package linux-image-cloud-amd64 (on arm64: linux-image-cloud-arm64); install it again if files of it are gone.',
  )
}
