/** What a machine's kernel starts with: its first program, the agent's, and its modules. The same bytes for the same things. Pure. */
import { posix } from 'node:path'
import { cpioOf } from './cpio.js'

export interface MachineModule {
  /** any path that ends in its file's name */
  readonly file: string
  readonly content: Uint8Array
}

export interface MachineParts {
  /** the programs `guest` and `agent` */
  readonly guest: Uint8Array
  readonly agent: Uint8Array
  /** in the order in which they are loaded */
  readonly modules: readonly MachineModule[]
  /** of a machine that is saved when they are done; absent: it is told */
  readonly steps?: Uint8Array
}

/** Compressed ones are the kernel's to unpack (since 5.17, CONFIG_MODULE_DECOMPRESS): `guest` says when it can't. */
export function initramfs({ guest, agent, modules, steps }: MachineParts): Buffer {
  const digits = String(modules.length).length
  const numbered = modules.map(({ file, content }, index) => ({
    path: `modules/${String(index).padStart(digits, '0')}-${posix.basename(file)}`,
    kind: 'file' as const,
    mode: 0o400,
    content,
  }))
  return cpioOf([
    { path: 'init', kind: 'file', mode: 0o500, content: guest },
    { path: 'agent', kind: 'file', mode: 0o555, content: agent },
    { path: 'modules', kind: 'folder', mode: 0o700 },
    ...numbered,
    ...(steps === undefined ? [] : [{ path: 'steps', kind: 'file' as const, mode: 0o400, content: steps }]),
  ])
}
