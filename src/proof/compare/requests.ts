/** Which of several rules decides a kind of request, as `judgeRequest` of the gateway does: the first that has it. Pure. */
import { pathMatches, pathPatternCovers, pathPatternsOverlap, pathThatFits } from '../../network/index.js'
import type { NetworkRule } from '../../plan/index.js'
import { blocksBeyond } from './private-blocks.js'

/** A set of requests. `null`: any method that no rule names; any path. */
export interface Requests {
  readonly method: string | null
  readonly path: string | null
  readonly upgrade: boolean
}

export type Missing =
  | { readonly kind: 'method' | 'path' | 'upgrade' }
  | { readonly kind: 'private'; readonly blocks: string[] }

/** Every kind of request that the rule has, as fine as these rules tell methods apart. */
export function requestsOf(rule: NetworkRule, all: readonly NetworkRule[]): Requests[] {
  const methods = rule.methods ?? [...new Set(all.flatMap((each) => each.methods ?? [])), null]
  const paths = rule.paths ?? [null]
  const upgrades = rule.upgrade ? [false, true] : [false]
  return methods.flatMap((method) =>
    paths.flatMap((path) => upgrades.map((upgrade) => ({ method, path, upgrade }))),
  )
}

/** What keeps `old` from having these requests, which `rule` of `now` decides; `null`: nothing does. */
export function missing(
  requests: Requests,
  rule: NetworkRule,
  now: readonly NetworkRule[],
  old: readonly NetworkRule[],
): Missing | null {
  const earlier = now.slice(0, now.indexOf(rule)).filter((each) => hasMethod(each, requests))
  if (earlier.some((each) => hasUpgrade(each, requests) && hasPath(each, requests.path))) return null
  const methods = old.filter((each) => hasMethod(each, requests))
  if (methods.length === 0) return { kind: 'method' }
  const held = methods.filter((each) => hasPath(each, requests.path))
  if (held.length === 0) return { kind: 'path' }
  const decides = held.find((each) => hasUpgrade(each, requests))
  if (decides === undefined) return { kind: 'upgrade' }
  const before = methods
    .slice(0, methods.indexOf(decides))
    .filter((each) => hasUpgrade(each, requests) && overlaps(each, requests.path))
    // what that rule decides must be decided before `rule` in the new plan too
    .filter((each) => !earlier.some((other) => hasUpgrade(other, requests) && hasPaths(other, each)))
  const blocks = [decides, ...before].flatMap((each) => blocksBeyond(each.private, rule.private))
  return blocks.length === 0 ? null : { kind: 'private', blocks }
}

/** Single requests that tell these rules apart, for {@link decider}. */
export function samples(rules: readonly NetworkRule[]): Requests[] {
  const methods = [...new Set(rules.flatMap((each) => each.methods ?? [])), null]
  const paths = [...new Set(rules.flatMap((each) => each.paths ?? []).map(pathThatFits)), null]
  const upgrades = rules.some(({ upgrade }) => upgrade) ? [false, true] : [false]
  return methods.flatMap((method) =>
    paths.flatMap((path) => upgrades.map((upgrade) => ({ method, path, upgrade }))),
  )
}

export function decider(rules: readonly NetworkRule[], sample: Requests): NetworkRule | undefined {
  const { path } = sample
  return rules.find(
    (rule) =>
      hasMethod(rule, sample) &&
      hasUpgrade(rule, sample) &&
      (rule.paths === null || (path !== null && rule.paths.some((pattern) => pathMatches(pattern, path)))),
  )
}

const hasMethod = ({ methods }: NetworkRule, { method }: Requests) =>
  methods === null || (method !== null && methods.includes(method))

const hasUpgrade = (rule: NetworkRule, { upgrade }: Requests) => rule.upgrade || !upgrade

const hasPath = ({ paths }: NetworkRule, path: string | null) =>
  paths === null || (path !== null && paths.some((pattern) => pathPatternCovers(pattern, path)))

const hasPaths = (rule: NetworkRule, { paths }: NetworkRule) =>
  paths === null ? rule.paths === null : paths.every((path) => hasPath(rule, path))

const overlaps = ({ paths }: NetworkRule, path: string | null) =>
  paths === null || path === null || paths.some((pattern) => pathPatternsOverlap(pattern, path))
