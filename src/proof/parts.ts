/** The blast radius in four parts: what a job that was taken over could still do. Pure. */
import type { KernelSurface } from '../boundary/index.js'
import { credentialLines } from '../credentials/index.js'
import type { Plan } from '../plan/index.js'
import { variablesOf } from '../policy/index.js'
import { formatDuration, formatSize } from '../units/index.js'
import { reachLines } from './reach.js'
import { MACHINE, rootWords } from './root.js'
import { type Wall, walls } from './walls.js'

export interface Part {
  readonly id: 'out' | 'reach' | 'touch' | 'amount'
  /** the question that it answers */
  readonly title: string
  readonly lines: readonly string[]
}

export function parts(plan: Plan, kernel: KernelSurface): Part[] {
  return [
    { id: 'out', title: 'Can it get out?', lines: outLines(plan, kernel) },
    { id: 'reach', title: 'What can it reach?', lines: reachLines(plan.network) },
    { id: 'touch', title: 'What can it read, write and use?', lines: touchLines(plan) },
    { id: 'amount', title: 'How long, and how much?', lines: amountLines(plan) },
  ]
}

function outLines(plan: Plan, { shared, syscalls, devices }: KernelSurface): string[] {
  const { arch, allowed, checked, known } = syscalls
  return [
    `the boundary is ${plan.boundary}: ${shared ? "the host's own kernel serves the job, so a hole in what is left of it is a way out" : 'the job has a kernel that is not the host’s'}`,
    `of the kernel: ${allowed} of the ${known} system calls that ${arch} knows, ${checked} of them with some arguments only (${profileWords(plan.syscalls)})`,
    `of devices: ${devices.join(', ')}`,
    ...walls(plan).map(wallLine),
  ]
}

function profileWords({ profile, lock, deny, allow }: Plan['syscalls']): string {
  return [
    `profile ${profile}`,
    ...(deny.length === 0 ? [] : [`without ${deny.join(', ')}`]),
    ...(allow.length === 0 ? [] : [`with ${allow.join(', ')}`]),
    ...(lock === null ? [] : [`the job may lock itself: ${lock}`]),
  ].join('; ')
}

const STATE = { whole: 'wall', holed: 'WALL WITH A HOLE', absent: 'no wall' } as const

function wallLine({ name, what, state, why }: Wall): string {
  return `${STATE[state]}: ${name} (${what})${why.length === 0 ? '' : `. ${why.join(' ')}`}`
}

function touchLines({ files, env, credentials, lifetime }: Plan): string[] {
  const { bytes, inodes, places } = files.scratch
  return [
    `read: ${rootWords(files.root)}`,
    `read: of the machine: ${MACHINE.join('; ')}`,
    ...files.read.map(({ host, inside }) => `read: ${host === inside ? host : `${host}, as ${inside}`}`),
    `read: the variables ${Object.keys(env).join(', ')}`,
    ...(credentials.length === 0
      ? []
      : [
          `read: placeholders, which are worth nothing elsewhere, in ${credentials.flatMap(variablesOf).join(', ')}`,
        ]),
    `write: private scratch of ${formatSize(bytes)} and ${inodes} files: ${places.join(', ')}`,
    ...files.write.map(
      ({ host, inside }) => `write: ${inside}, collected into ${host} when the job has ended`,
    ),
    ...files.live.map(
      ({ host, inside }) => `write: ${inside}, which is ${host} itself: at once, and as much as fits there`,
    ),
    ...(credentials.length === 0
      ? ['use: no credential']
      : credentials.map((each) => useLine(each, lifetime.deadlineMs))),
  ]
}

function useLine(credential: Plan['credentials'][number], deadlineMs: number): string {
  const { name, receives, use, life, source, reflection } = credentialLines(credential, deadlineMs)
  return `use: credentials.${name}, which only the gateway has: sent to ${receives}: ${use}; ${life}; ${reflection}; from ${source}`
}

function amountLines({ limits, lifetime }: Plan): string[] {
  const or = (value: number | null, words: (value: number) => string) =>
    value === null ? 'unbounded (waived)' : words(value)
  return [
    `deadline ${formatDuration(lifetime.deadlineMs)}${lifetime.noOutputMs === null ? '' : `, ended after ${formatDuration(lifetime.noOutputMs)} of silence`}; ${reuseWords(lifetime)}`,
    ...blastLines(lifetime),
    `memory ${or(limits.memoryBytes, formatSize)}, processors ${or(limits.cpus, String)}, processes ${or(limits.processes, String)}`,
    `descriptors ${limits.openFiles} a process, output ${formatSize(limits.outputBytes)}`,
  ]
}

function reuseWords({ reuse }: Plan['lifetime']): string {
  if (reuse === null) return 'one command, then gone'
  const left = reuse.scratch === 'clean' ? 'emptied in between' : 'with the files of the last'
  return `at most ${reuse.runs} commands of one tenant, ${left}, the last begun within ${formatDuration(reuse.ageMs)}`
}

/** What reuse costs. */
function blastLines({ reuse }: Plan['lifetime']): string[] {
  if (reuse === null) return []
  const others = reuse.runs - 1
  return [
    `reuse: whoever finds a way past what is cleared between two commands has up to ${others} later jobs of its own tenant: their inputs, output and network; with \`reuse: never\` it has its own alone`,
  ]
}
