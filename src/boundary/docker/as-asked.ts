/**
 * Whether a container is what was asked for. An engine that does not know a word leaves it out without a sound, and an authorization
 * plugin, or something that only answers like an engine, may change one. Pure.
 */
import type { ContainerInspected } from './answers.js'
import type { CreateBody } from './create-body.js'
import { EngineError, said } from './problems.js'
import { isNothing } from './root-image.js'

/** Said at creation, and nothing was lost: without swap accounting `MemorySwappiness` 0 keeps swap away. */
const HARMLESS = [/swap limit capabilities .*Memory limited without swap/i]

/** @throws EngineError `docker.unusable`, which names the first difference */
export function requireAsAsked(
  body: CreateBody,
  warnings: readonly string[],
  found: ContainerInspected,
): void {
  const warning = warnings.find((each) => !HARMLESS.some((harmless) => harmless.test(each)))
  const [first] = differences(body, found)
  if (warning === undefined && first === undefined) return
  throw new EngineError(
    'docker.unusable',
    warning === undefined
      ? `The Docker Engine did not make the container as it was told to: ${first} is not as asked.`
      : `The Docker Engine leaves out a part of what it was told: ${said(warning)}.`,
    'Nothing was started. `docker info` lists what this engine and this kernel can do.',
  )
}

/** Names of what differs, in the order of the body. */
export function differences(body: CreateBody, found: ContainerInspected): string[] {
  const { HostConfig, Image, Labels, ...config } = body
  const labels = Object.entries(Labels).every(([name, value]) => isSame(value, labelsOf(found)[name]))
  return [
    ...(found.Image === Image ? [] : ['Image']),
    // an image's own are added to them
    ...(labels ? [] : ['Labels']),
    ...Object.keys(config).filter((key) => !isSame(config[key], found.Config[key])),
    ...Object.keys(HostConfig).filter((key) => !isSame(HostConfig[key], found.HostConfig[key])),
  ]
}

function labelsOf({ Config }: ContainerInspected): Record<string, unknown> {
  return typeof Config.Labels === 'object' ? { ...Config.Labels } : {}
}

/** Nothing may be said as null, empty, 0 or not at all. */
function isSame(asked: unknown, found: unknown): boolean {
  if (isNothing(asked) || isNothing(found)) return isNothing(asked) && isNothing(found)
  if (typeof asked !== 'object' || typeof found !== 'object' || asked === null || found === null)
    return asked === found
  const [left, right] = [asked as Record<string, unknown>, found as Record<string, unknown>]
  if (Array.isArray(asked) !== Array.isArray(found)) return false
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    isSame(left[key], right[key]),
  )
}
