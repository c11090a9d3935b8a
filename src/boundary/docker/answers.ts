/** What of the engine's answers is used, and what it must look like (https://docs.docker.com/reference/api/engine/). Pure. */
// by name: of a script that is loaded late the bundler can't take the whole of another apart
import {
  array,
  boolean,
  type infer as Infer,
  int,
  maxLength,
  nullish,
  number,
  object,
  enum as oneOf,
  record,
  regex,
  safeParse,
  string,
  unknown,
  type ZodMiniType,
} from 'zod/mini'
import { badAnswer } from './problems.js'

const text = string().check(maxLength(65_536))
const texts = array(text)
const map = record(text, text)
const whole = int()
const maybe = <T extends ZodMiniType>(schema: T) => nullish(schema)

/** Of a container or an image: 64 hexadecimal digits. */
const id = string().check(regex(/^(?:sha256:)?[0-9a-f]{64}$/))

export const VERSION = object({
  Version: text,
  Components: maybe(array(object({ Name: text }))),
})

/** Of `GET /version`, which every version answers in one form. */
export const API_LIMITS = object({ Version: text, ApiVersion: maybe(text), MinAPIVersion: maybe(text) })

export const INFO = object({
  SecurityOptions: maybe(texts),
  Runtimes: maybe(record(text, unknown())),
  CgroupVersion: maybe(oneOf(['1', '2'])),
  CgroupDriver: maybe(text),
  MemoryLimit: maybe(boolean()),
  SwapLimit: maybe(boolean()),
  PidsLimit: maybe(boolean()),
  CpuCfsQuota: maybe(boolean()),
  LiveRestoreEnabled: maybe(boolean()),
  OperatingSystem: maybe(text),
  OSType: maybe(text),
  KernelVersion: maybe(text),
})

export const CREATED = object({ Id: id, Warnings: maybe(texts) })

export const IMAGE = object({
  Id: id,
  RootFS: object({ Layers: maybe(texts) }),
  Config: maybe(
    object({
      User: maybe(text),
      Env: maybe(texts),
      Cmd: maybe(texts),
      Entrypoint: maybe(texts),
      Volumes: maybe(record(text, unknown())),
      ExposedPorts: maybe(record(text, unknown())),
      OnBuild: maybe(texts),
      Healthcheck: maybe(object({ Test: maybe(texts) })),
      Labels: maybe(map),
    }),
  ),
})

export const CONTAINER = object({
  Id: id,
  Image: id,
  State: object({
    Status: text,
    Running: boolean(),
    OOMKilled: boolean(),
    Pid: whole,
    ExitCode: whole,
    Error: text,
  }),
  Config: record(text, unknown()),
  HostConfig: record(text, unknown()),
  Mounts: array(object({ Type: text, Source: maybe(text), Destination: text, RW: boolean() })),
})

export const LISTED = array(
  object({
    Id: id,
    /** s since 1970 */
    Created: whole,
    Labels: maybe(map),
    /** `created`, `running`, `exited` … */
    State: maybe(text),
    Status: maybe(text),
  }),
)

export const LISTED_IMAGES = array(object({ Id: id, Created: whole, Labels: maybe(map) }))

export const EXITED = object({
  StatusCode: whole,
  Error: maybe(object({ Message: maybe(text) })),
})

/** One-shot `stats`; what a cgroup of version 2 does not say is absent. */
export const USAGE = object({
  cpu_stats: object({ cpu_usage: object({ total_usage: maybe(number()) }) }),
  memory_stats: object({ usage: maybe(number()), max_usage: maybe(number()) }),
})

/** A line of what happened. */
export const EVENT = object({ Action: text })

/** A line of what an import says. */
export const PROGRESS = object({ status: maybe(text), error: maybe(text) })

export type Version = Infer<typeof VERSION>
export type Info = Infer<typeof INFO>
export type ImageInspected = Infer<typeof IMAGE>
export type ContainerInspected = Infer<typeof CONTAINER>
export type Listed = Infer<typeof LISTED>[number]
export type ListedImage = Infer<typeof LISTED_IMAGES>[number]
export type Exited = Infer<typeof EXITED>
export type Usage = Infer<typeof USAGE>

/** Of objects and lists in one another; an engine's own have ten or so. */
const MAX_DEPTH = 64

/** Whoever looks into what is deeper, one call a step, runs out of stack. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
  }
  return false
}

/** @throws EngineError which names the first thing that is not as it must be */
export function parsed<T extends ZodMiniType>(schema: T, bytes: Buffer, asked: string): Infer<T> {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw badAnswer(asked, 'it is no JSON')
  }
  if (isTooDeep(value)) throw badAnswer(asked, `it is nested deeper than ${MAX_DEPTH}`)
  const result = safeParse(schema, value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw badAnswer(
    asked,
    `${issue?.path.join('.') || 'all of it'}: ${issue?.message ?? 'is not as it must be'}`,
  )
}
