/** What a Docker Engine says of itself, from its own answers. Pure: an engine may say anything, and only what fits is kept. */
// by name: of a script that is loaded late the bundler can't take the whole of another apart
import {
  array,
  boolean,
  type infer as Infer,
  literal,
  maxLength,
  minLength,
  nullable,
  object,
  optional,
  record,
  regex,
  string,
  unknown,
  type ZodMiniType,
} from 'zod/mini'
import type { PackageFacts } from '../packages.js'

/** A program that the engine starts, by its own word. */
export interface EngineComponent {
  readonly name: 'containerd' | 'runc'
  /** `null`: not said, or not readable */
  readonly version: string | null
}

/** A runtime as the engine has it in its configuration. */
export interface EngineRuntime {
  /** `null`: it is none of the engine's own kind, or its path can't be read */
  readonly path: string | null
  readonly args: readonly string[]
}

export interface Engine {
  /** e.g. `28.2.2`, `20.10.24+dfsg1` */
  readonly version: string
  readonly apiVersion: string
  /** the oldest that it speaks; `null`: not said */
  readonly minApiVersion: string | null
  readonly components: readonly EngineComponent[]
  readonly arch: string
  /** of the kernel that containers run on */
  readonly kernel: string
  readonly operatingSystem: string
  readonly rootless: boolean
  readonly usernsRemap: boolean
  /** Docker Desktop: the engine lies in a virtual machine of its own */
  readonly desktop: boolean
  /** names under which a container can ask for a runtime */
  readonly runtimes: readonly string[]
  /** the one that is called `runsc`; `null`: there is none */
  readonly runsc: EngineRuntime | null
  readonly defaultRuntime: string | null
  readonly cgroupDriver: string | null
  /** `null`: no cgroups, as without root on v1 */
  readonly cgroupVersion: 1 | 2 | null
  /** by which it limits containers; a limit of another is discarded */
  readonly controllers: readonly ('memory' | 'pids' | 'cpu')[]
  /** by name: `apparmor`, `seccomp`, `selinux`, `cgroupns`, `rootless`, `userns` */
  readonly securityOptions: readonly string[]
}

export type Where =
  /** another machine's, or one behind ssh: `DOCKER_HOST` says so */
  | { readonly kind: 'remote'; readonly address: string }
  /** a setting that says nothing that could be looked for */
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'socket'; readonly path: string }

/** The engine, or why there is none to talk to. Plain data. */
export type EngineFacts =
  | Exclude<Where, { kind: 'socket' }>
  | { readonly kind: 'absent'; readonly socket: string; readonly why: string }
  | { readonly kind: 'forbidden'; readonly socket: string }
  | { readonly kind: 'unusable'; readonly socket: string; readonly why: string }
  | {
      readonly kind: 'here'
      readonly socket: string
      readonly engine: Engine
      /** the packages of the engine and of what it starts, where dpkg has them in the versions that it says */
      readonly packages: Readonly<Record<'docker' | 'containerd' | 'runc', PackageFacts | null>>
      /** containers run on another kernel than this process: in a virtual machine, or another machine */
      readonly elsewhere: boolean
    }

export const DEFAULT_SOCKET = '/var/run/docker.sock'

/** Where the engine is, by the one variable that every client knows; a context of the docker command is its own. */
export function whereIs(dockerHost: string | undefined): Where {
  if (dockerHost === undefined || dockerHost === '') return { kind: 'socket', path: DEFAULT_SOCKET }
  const [, scheme = '', rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(dockerHost) ?? []
  if (scheme === 'unix')
    return /^\/[^\0]{0,106}$/.test(rest)
      ? { kind: 'socket', path: rest }
      : { kind: 'wrong', why: 'DOCKER_HOST names no absolute path that a Unix socket can have.' }
  if (scheme !== '' && rest !== '') return { kind: 'remote', address: `${scheme}://…` }
  return { kind: 'wrong', why: 'DOCKER_HOST is no address.' }
}

/** Printed to people and compared with tables: no control, no line, no more than a name is long. */
const word = (most: number) => string().check(minLength(1), maxLength(most), regex(/^[\w.+~:@/ ()-]+$/))
const version = word(100)
const list = <T extends ZodMiniType>(of: T) => array(of).check(maxLength(64))

const VERSION = object({
  Version: version,
  ApiVersion: string().check(regex(/^\d{1,3}\.\d{1,3}$/)),
  MinAPIVersion: optional(string().check(regex(/^\d{1,3}\.\d{1,3}$/))),
  Os: literal('linux'),
  Arch: word(32),
  Components: optional(nullable(list(object({ Name: string(), Version: optional(string()) })))),
})

const INFO = object({
  OperatingSystem: word(200),
  KernelVersion: word(200),
  Name: optional(string()),
  CgroupDriver: optional(word(32)),
  CgroupVersion: optional(string()),
  MemoryLimit: optional(boolean()),
  PidsLimit: optional(boolean()),
  CpuCfsQuota: optional(boolean()),
  DefaultRuntime: optional(word(200)),
  Runtimes: optional(nullable(record(string(), unknown()))),
  SecurityOptions: optional(nullable(list(string().check(maxLength(1000))))),
  Labels: optional(nullable(list(string().check(maxLength(1000))))),
})

/**
 * The answers to `GET /version` and `GET /info`, parsed.
 * @returns a sentence, when they are not an engine's
 */
export function engineOf(versionAnswer: unknown, infoAnswer: unknown): Engine | string {
  const about = VERSION.safeParse(versionAnswer)
  if (!about.success) return `What it answers to /version is not an engine's: ${firstIssue(about.error)}.`
  const info = INFO.safeParse(infoAnswer)
  if (!info.success) return `What it answers to /info is not an engine's: ${firstIssue(info.error)}.`
  const options = securityOptions(info.data.SecurityOptions ?? [])
  return {
    version: about.data.Version,
    apiVersion: about.data.ApiVersion,
    minApiVersion: about.data.MinAPIVersion ?? null,
    components: (['containerd', 'runc'] as const).map((name) => ({
      name,
      version: componentVersion(about.data.Components ?? [], name),
    })),
    arch: about.data.Arch,
    kernel: info.data.KernelVersion,
    operatingSystem: info.data.OperatingSystem,
    rootless: options.includes('rootless'),
    usernsRemap: options.includes('userns'),
    desktop: isDesktop(info.data),
    runtimes: Object.keys(info.data.Runtimes ?? {})
      .filter((name) => word(200).safeParse(name).success)
      .slice(0, 64),
    runsc: runtimeNamed(info.data.Runtimes ?? {}, 'runsc'),
    defaultRuntime: info.data.DefaultRuntime ?? null,
    cgroupDriver: info.data.CgroupDriver ?? null,
    cgroupVersion: info.data.CgroupVersion === '2' ? 2 : info.data.CgroupVersion === '1' ? 1 : null,
    controllers: [
      ...(info.data.MemoryLimit === true ? (['memory'] as const) : []),
      ...(info.data.PidsLimit === true ? (['pids'] as const) : []),
      ...(info.data.CpuCfsQuota === true ? (['cpu'] as const) : []),
    ],
    securityOptions: options,
  }
}

const RUNTIME = object({
  path: optional(string().check(regex(/^\/[\x21-\x7e]{1,4095}$/))),
  runtimeArgs: optional(nullable(list(string().check(regex(/^[\x20-\x7e]{0,4096}$/))))),
})

/** One that can't be read is there, and has no path: whoever wants it is told so. */
function runtimeNamed(all: Readonly<Record<string, unknown>>, name: string): EngineRuntime | null {
  if (!Object.hasOwn(all, name)) return null
  const found = RUNTIME.safeParse(all[name])
  if (!found.success) return { path: null, args: [] }
  return { path: found.data.path ?? null, args: found.data.runtimeArgs ?? [] }
}

/** Which key, in our words: what the engine wrote there is not repeated. */
function firstIssue({ issues }: { readonly issues: readonly { readonly path: readonly PropertyKey[] }[] }) {
  const path = (issues[0]?.path ?? []).map(String).filter((part) => /^\w{1,40}$/.test(part))
  return path.length === 0 ? 'it is no object' : `${path.join('.')} is missing, or not as it should be`
}

function componentVersion(
  components: readonly { readonly Name: string; readonly Version?: string | undefined }[],
  name: string,
): string | null {
  const found = components.find(({ Name }) => Name === name)?.Version
  // containerd calls its releases v1.7.0
  return found !== undefined && version.safeParse(found).success ? found.replace(/^v(?=\d)/, '') : null
}

/** `name=seccomp,profile=builtin`; before Docker 1.13 the name alone. */
function securityOptions(entries: readonly string[]): string[] {
  const names = entries.map((entry) => (entry.split(',')[0] ?? '').replace(/^name=/, ''))
  return [...new Set(names.filter((name) => /^[a-z-]{1,32}$/.test(name)))]
}

function isDesktop(info: Infer<typeof INFO>): boolean {
  const labels = info.Labels ?? []
  return (
    /^Docker Desktop/.test(info.OperatingSystem) ||
    info.Name === 'docker-desktop' ||
    labels.some((label) => label.startsWith('com.docker.desktop.'))
  )
}
