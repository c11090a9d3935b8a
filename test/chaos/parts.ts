/** The parts of a service that may die: each found among its processes by what it is. */
import { readFileSync } from 'node:fs'
import { pids, textOf } from '../run/tools.js'

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly name: string
  /** when it started, in ticks: with the number it is one process */
  readonly since: string
  /** it is the first one of a pid namespace */
  readonly isFirst: boolean
}

/** All that live. `also`: in the command line of what is of the service and no descendant, such as an engine's shims. */
export function familyOf(root: number, also: string | null): Process[] {
  const all = pids().flatMap(lookAt)
  const found = all.filter(({ pid }) => pid === root || (also !== null && isShim(pid, also)))
  for (const each of found)
    for (const one of all) if (one.parent === each.pid && !found.includes(one)) found.push(one)
  return found
}

/** containerd's own of one container; the engine itself is not ours to kill. */
function isShim(pid: number, also: string): boolean {
  const words = textOf(pid, 'cmdline')
  return words.includes('containerd-shim') && words.includes(also)
}

function lookAt(pid: number): Process[] {
  const stat = /^\d+ \((.*)\) (\S) (\d+) (.*)/s.exec(textOf(pid, 'stat'))
  const [, name = '', state = 'Z', parent = '0', rest = ''] = stat ?? []
  if (state === 'Z' || state === 'X') return []
  const inside = /^NSpid:.*\t(\d+)$/m.exec(textOf(pid, 'status'))?.[1]
  return [{ pid, parent: Number(parent), name, since: rest.split(' ')[17] ?? '', isFirst: inside === '1' }]
}

export interface Part {
  readonly name: string
  /** of a family whose first is the supervisor */
  of(family: readonly Process[]): readonly Process[]
}

const named = (name: string, pattern: RegExp): Part => ({
  name,
  of: (family) => family.slice(1).filter((each) => !each.isFirst && pattern.test(each.name)),
})

const children = (family: readonly Process[], of: readonly Process[]) =>
  family.filter(({ parent }) => of.some(({ pid }) => pid === parent))
const launchers = (family: readonly Process[]) =>
  children(family, family.slice(0, 1)).filter(({ name }) => name === 'cell')

const GATEWAY = /^(?:node|MainThread)$/
/** The gateway is the first one of its jail, too. */
const first: Part = {
  name: 'first process',
  of: (family) => family.filter(({ isFirst, name }) => isFirst && !GATEWAY.test(name)),
}

const COMMON: readonly Part[] = [
  { name: 'supervisor', of: (family) => family.slice(0, 1) },
  { name: 'launcher', of: launchers },
  {
    name: 'worker',
    of: (family) => children(family, launchers(family)).filter(({ name }) => name === 'cell'),
  },
  { name: 'gateway', of: (family) => family.slice(1).filter(({ name }) => GATEWAY.test(name)) },
  first,
  { name: 'anything', of: (family) => family },
]

const job: Part = { name: 'job', of: (family) => family.filter(({ name }) => name === 'sleep') }

/** It has no child yet. */
const waits: Part = {
  name: 'sandbox that waits',
  of: (family) => first.of(family).filter((each) => children(family, [each]).length === 0),
}

/** On gVisor and in a machine neither a job nor who waits for it is a process of this host that is known from others. */
const PROGRAMS: Readonly<Record<string, readonly Part[]>> = {
  process: [job, waits, named('bubblewrap', /^bwrap$/)],
  runc: [job, waits, named('runc', /^runc/)],
  gvisor: [named('runsc', /^(?:runsc|exe)/)],
  docker: [job, waits],
  'docker+runsc': [],
  microvm: [named('bubblewrap', /^bwrap$/), named('QEMU', /^(?:qemu-system|vmm)/)],
}

export const partsOf = (boundary: string): readonly Part[] => [...COMMON, ...(PROGRAMS[boundary] ?? [])]

/** Whether the number is still that process's. */
export function isThere({ pid, since }: Process): boolean {
  return lookAt(pid)[0]?.since === since
}

/** Names of interfaces in this network namespace, which sandboxes have no business in. */
export function interfaces(): string[] {
  const lines = readFileSync('/proc/self/net/dev', 'utf8').split('\n').slice(2)
  return lines.map((line) => line.trim().split(':')[0] ?? '').filter((name) => name !== '')
}

/** Of namespaces that a mount keeps, whoever is in them. */
export function keptNamespaces(): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.filter((line) => line.includes(' - nsfs '))
}
