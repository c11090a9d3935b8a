import { formatDuration, formatSize } from '../units/index.js'
import { credentialsAbove } from './ceiling-credentials.js'
import { type NumberRow, networkAbove, networkNumbers } from './ceiling-network.js'
import { type Bound, type Ceiling, isBelow } from './ceiling-read.js'
import type { Path, Place, Places } from './places.js'
import type { Grant, Policy } from './policy.js'
import type { Problems } from './problems.js'
import { printable, show } from './quote.js'
import { rootText } from './root.js'

interface Context {
  readonly places: Places
  readonly problems: Problems
}

const ABOVE = 'policy.aboveCeiling'

/** Adds one problem for each thing in which the policy exceeds the ceiling. */
export function compareWithCeiling(policy: Policy, ceiling: Ceiling, context: Context): void {
  const { boundary } = ceiling
  if (boundary !== null && boundary.value !== policy.boundary) {
    const what = `the boundary must be ${boundary.value}, not ${policy.boundary} (ceiling ${at(boundary.place)}).`
    context.problems.add(ABOVE, ['boundary'], what, `Write boundary: ${boundary.value}.`)
  }
  root(policy, ceiling, context)
  grants('read', policy.files.read, ceiling.read, context)
  grants('write', policy.files.write, ceiling.write, context)
  liveGrants(policy, ceiling, context)
  numbers(limitRows(policy, ceiling), context)
  reuse(policy, ceiling, context)
  network(policy, ceiling, context)
  credentials(policy, ceiling, context)
  profile(policy, ceiling, context)
  subset(['syscalls', 'allow'], policy.syscalls.allow, ceiling.allow, context)
  subset(['waive'], policy.waive, ceiling.waive, context)
  for (const name of ceiling.deny.value) {
    if (policy.syscalls.deny.includes(name)) continue
    const what = `${show(name)} must be denied (ceiling ${at(ceiling.deny.place)}).`
    context.problems.add(ABOVE, ['syscalls', 'deny'], what, 'Add it.')
  }
}

/** A folder of the host's is read: where the ceiling has no root of its own, it is held by what jobs may read. */
function root({ root: given }: Policy, { root: bound, read }: Ceiling, { problems }: Context): void {
  if (bound !== null && rootText(bound.value) !== rootText(given)) {
    const only = rootText(bound.value)
    const what = `the root must be ${show(only)}, not ${show(rootText(given))} (ceiling ${at(bound.place)}).`
    problems.add(ABOVE, ['root'], what, `Write root: ${printable(only, 400)}.`)
  }
  if (bound !== null || given.kind !== 'dir' || isBelow(given.path, read)) return
  const what = `${show(given.path)} is above the ceiling, which does not let jobs read it (${at(read.place)}).`
  problems.add(ABOVE, ['root'], what, 'Write root: host.')
}

function credentials(policy: Policy, { credentials: bound }: Ceiling, context: Context): void {
  for (const { path, what, advice } of credentialsAbove(policy.credentials, bound.value))
    context.problems.add(ABOVE, path, `${what} (${at(bound.place)}).`, advice)
}

/** `compute` is a part of `default`: a policy may always have less. */
function profile({ syscalls }: Policy, { profile: bound }: Ceiling, context: Context): void {
  if (bound === null || bound.value === 'default' || syscalls.profile === bound.value) return
  const path = ['syscalls', 'profile']
  const given = context.places.has(path) ? syscalls.profile : `the default, ${syscalls.profile},`
  const what = `${given} is above the ceiling of ${bound.value} (${at(bound.place)}).`
  context.problems.add(ABOVE, path, what, `Write ${bound.value}.`)
}

function network(
  { network: policy }: Policy,
  { network: bound, networkNumber }: Ceiling,
  context: Context,
): void {
  if (policy === null) return
  for (const { path, what, advice } of networkAbove(policy, bound.value))
    context.problems.add(ABOVE, path, `${what} (${at(bound.place)}).`, advice)
  if (bound.value !== null) numbers(networkNumbers(policy, bound.value, networkNumber), context)
}

function limitRows(policy: Policy, ceiling: Ceiling): readonly NumberRow[] {
  const { lifetime, limits } = policy
  const plain = (value: number) => String(value)
  return [
    [['lifetime', 'deadline'], lifetime.deadlineMs, ceiling.deadlineMs, formatDuration],
    [['lifetime', 'noOutput'], lifetime.noOutputMs, ceiling.noOutputMs, formatDuration],
    [['limits', 'memory'], limits.memoryBytes, ceiling.memoryBytes, formatSize],
    [['limits', 'cpus'], limits.cpus, ceiling.cpus, plain],
    [['limits', 'processes'], limits.processes, ceiling.processes, plain],
    [['limits', 'openFiles'], limits.openFiles, ceiling.openFiles, plain],
    [['limits', 'output'], limits.outputBytes, ceiling.outputBytes, formatSize],
    [['limits', 'scratch'], limits.scratchBytes, ceiling.scratchBytes, formatSize],
  ]
}

function numbers(rows: readonly NumberRow[], context: Context): void {
  for (const [path, value, bound, format] of rows) {
    if (bound === null || (value !== null && value <= bound.value)) continue
    const most = format(bound.value)
    const shown = value === null ? 'no such limit' : format(value)
    const given = value !== null && context.places.has(path) ? shown : `the default, ${shown},`
    const what = `${given} is above the ceiling of ${most} (${at(bound.place)}).`
    context.problems.add(ABOVE, path, what, `Write ${most} or less.`)
  }
}

function reuse({ lifetime: { reuse: given } }: Policy, { reuse: bound }: Ceiling, context: Context): void {
  if (given === null) return
  const path = ['lifetime', 'reuse']
  const { value: most } = bound
  if (most === null) {
    const what = `a sandbox that is used again is above the ceiling, which has none (${at(bound.place)}).`
    context.problems.add(ABOVE, path, what, 'Write never.')
    return
  }
  const rows: readonly NumberRow[] = [
    [[...path, 'runs'], given.runs, { ...bound, value: most.runs }, String],
    [[...path, 'age'], given.ageMs, { ...bound, value: most.ageMs }, formatDuration],
  ]
  numbers(rows, context)
  if (most.scratch === 'keep' || given.scratch === 'clean') return
  const what = `keep is above the ceiling of clean (${at(bound.place)}).`
  context.problems.add(ABOVE, [...path, 'scratch'], what, 'Write clean.')
}

function grants(
  use: 'read' | 'write',
  list: readonly Grant[],
  bound: Bound<readonly string[]>,
  context: Context,
): void {
  for (const [i, grant] of list.entries()) {
    if (isBelow(grant.host, bound)) continue
    const places = bound.value.length === 0 ? 'nothing' : bound.value.map((path) => show(path)).join(', ')
    const what = `${show(grant.host)} is above the ceiling, which lets jobs ${use} ${places} (${at(bound.place)}).`
    context.problems.add(ABOVE, ['files', use, i], what, 'Remove the grant.')
  }
}

function liveGrants(policy: Policy, ceiling: Ceiling, context: Context): void {
  for (const [i, grant] of policy.files.write.entries()) {
    if (!grant.live || !isBelow(grant.host, ceiling.write) || isBelow(grant.host, ceiling.live)) continue
    const what = `a live grant of ${show(grant.host)} is above the ceiling, which lets jobs only have it collected (${at(ceiling.live.place)}).`
    context.problems.add(ABOVE, ['files', 'write', i], what, 'Remove `live`.')
  }
}

function subset(
  path: Path,
  names: readonly string[],
  bound: Bound<readonly string[]>,
  context: Context,
): void {
  for (const name of names) {
    if (bound.value.includes(name)) continue
    const most = bound.value.length === 0 ? 'nothing' : bound.value.join(', ')
    const what = `${show(name)} is above the ceiling, which has ${most} here (${at(bound.place)}).`
    context.problems.add(ABOVE, path, what, 'Remove it.')
  }
}

function at(place: Place): string {
  return `${printable(place.source, 400)}:${place.line}`
}
