/** On what a verification rests: when any of it is another, the verification says nothing of what is there now. Pure. */

export interface Basis {
  readonly host: {
    /** `uname -r` */
    readonly kernel: string
    /** `uname -v`: distributions fix kernels without another release */
    readonly build: string
    readonly arch: string
    readonly user: 'root' | 'ordinary'
    /** as the kernel lists them; empty where they can't be read */
    readonly securityModules: readonly string[]
    /** the one for jobs, and whether it is loaded: `AppArmor loaded`; `null`: none */
    readonly jobsModule: string | null
    readonly cgroups: 1 | 2 | null
    /** by name, those that exist */
    readonly sysctls: Readonly<Record<string, string>>
  }
  readonly versions: { readonly glovebox: string; readonly node: string; readonly wall: string | null }
  /** SHA-256 (hex) of each part, as it lies on disk; `null`: it can't be read; absent: this boundary has none */
  readonly parts: Readonly<Record<PartName, string | null> & Partial<Record<MachinePartName, string | null>>>
  readonly policySha256: string
  readonly planSha256: string
}

export type PartName = 'wall' | 'cell' | 'agent' | 'probe' | 'gateway' | 'commandLine'
/** Of a virtual machine, whose `wall` is QEMU. */
export type MachinePartName = 'jail' | 'kernel' | 'guest' | 'vmm' | 'vmmMemory'

/** One thing that is not as it was. */
export interface Change {
  /** `host.kernel` */
  readonly what: string
  readonly before: string
  readonly now: string
}

const KEYS = ['host', 'versions', 'parts', 'policySha256', 'planSha256'] as const

/** `before` was read from a file: it may be of any shape. */
export function changesOf(before: object, now: Basis): Change[] {
  const [was, is] = [flat(before), flat(now)]
  return [...new Set([...is.keys(), ...was.keys()])]
    .filter((what) => was.get(what) !== is.get(what))
    .map((what) => ({ what, before: was.get(what) ?? 'nothing', now: is.get(what) ?? 'nothing' }))
}

/** No more of a nested thing than this is told apart: a basis is two deep. */
const DEEPEST = 3

function flat(object: object): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (path: string, value: unknown, depth: number): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < DEEPEST)
      for (const [key, part] of Object.entries(value)) visit(`${path}.${key}`, part, depth + 1)
    else found.set(path, value === null || value === undefined ? 'none' : asText(value))
  }
  for (const key of KEYS) visit(key, (object as Record<string, unknown>)[key], 0)
  return found
}

function asText(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(', ') || 'none' : String(value)
}
