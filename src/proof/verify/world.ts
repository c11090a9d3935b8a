/** `glovebox verify` starts itself again in a world of its own (native/cell/world.c), and finds that world there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants, networkInterfaces } from 'node:os'
import { nativePrograms } from '../../boundary/index.js'
import { BoundaryUnavailableError, LaunchError } from '../../errors/index.js'
import type { HostFacts, Machines } from '../../host/index.js'
import { makeFolder } from './decoy-folder.js'
import { NEAR_ADDRESSES, type WorldSockets } from './far-side.js'

/** Set by cell: the numbers of the far side's sockets. */
const VARIABLE = 'GLOVEBOX_WORLD'
/** What was found of this host's programs before: in a world of an ordinary user's own root's files seem to be nobody's. */
const FOUND = 'GLOVEBOX_WORLD_MACHINES'
const PASSED = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

/** The near side's way out; it has no other. */
const NEAR_LINK = 'uplink'

/**
 * Runs this Node's program with `argv` (a script and its arguments) in a world of its own, to its end.
 * @param ports what its other side must hear where the kernel can't hear all
 * @param machines what a virtual machine is made of here; `null`: none is asked for
 * @returns its exit code; `cut`: a signal to this process ended it before it could say so
 * @throws BoundaryUnavailableError when this host lets no such world be made; LaunchError when cell did not start
 */
export async function runInWorld(
  argv: readonly string[],
  ports: readonly number[],
  machines: Machines | null = null,
): Promise<{ readonly code: number; readonly cut: boolean }> {
  const words = ['--world', ports.join(','), process.execPath, ...process.execArgv, ...argv]
  // before anything is there that a signal could leave behind
  let child: ChildProcess | null = null
  let early: NodeJS.Signals | null = null
  const pass = (name: NodeJS.Signals) => {
    early = name
    child?.kill(name)
  }
  for (const name of PASSED) process.on(name, pass)
  const folder = makeFolder()
  try {
    const started = spawn(nativePrograms().cell, words, {
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: { ...process.env, ...folder.handedOn, [FOUND]: machines === null ? '' : JSON.stringify(machines) },
      // a terminal's Ctrl-C is for this process to pass on: twice, it would end the other at once
      detached: true,
    })
    child = started
    if (early !== null) started.kill(early)
    let failure = ''
    started.stdio[3]?.on('data', (part: Buffer) => {
      failure += part.toString('latin1')
    })
    const [code, signal] = await new Promise<[number | null, keyof typeof constants.signals | null]>(
      (resolve, reject) => {
        started.once('error', (error) => reject(new LaunchError('launch.failed', `cell: ${error.message}`)))
        started.once('close', (...end) => resolve(end))
      },
    )
    if (failure !== '') throw noWorld(failure)
    return signal === null
      ? { code: code ?? 1, cut: false }
      : { code: 128 + constants.signals[signal], cut: signal === early }
  } finally {
    for (const name of PASSED) process.off(name, pass)
    folder.remove()
  }
}

/** The sockets of the world that this process was started in; `null`: it was not. What it starts does not hear of them. */
export function enteredWorld(): WorldSockets | null {
  const [names, first, second, ...sites] = (process.env[VARIABLE] ?? '').split(' ').map(Number)
  delete process.env[VARIABLE]
  if (names === undefined || first === undefined || second === undefined || sites.length === 0) return null
  // a variable is anybody's: without the world around it, probes would reach for the real network
  if (!isNearSide()) return null
  return { names, echoes: [first, second], sites }
}

/** This host, as it was found before this process was started in a world; to be asked before {@link enteredWorld}. */
export function hostInWorld(host: HostFacts): HostFacts {
  const found = process.env[FOUND] ?? ''
  delete process.env[FOUND]
  if (found === '' || process.env[VARIABLE] === undefined || !isNearSide()) return host
  const machines = JSON.parse(found) as Machines
  return { ...host, machines: () => machines }
}

function isNearSide(): boolean {
  const links = Object.entries(networkInterfaces())
  const addresses = links.flatMap(([, all]) => all ?? []).map(({ address }) => address)
  return links.every(([name]) => name === 'lo' || name === NEAR_LINK) && addresses.includes(NEAR_ADDRESSES[0])
}

function noWorld(said: string): BoundaryUnavailableError {
  const [, step = '', code = '', why = said.trim()] = /^cell: world: (.*?): (\d+): (.*)/.exec(said) ?? []
  const where = step === '' ? '' : ` (${step}: ${why})`
  return new BoundaryUnavailableError(
    'verify.noWorld',
    `Nothing was verified: the network of its own that probes are tried in could not be made${where}.`,
    ADVICE[step] ?? (code === '1' ? ADVICE['user namespace'] : ADVICE.veth),
  )
}

const ADVICE: Readonly<Record<string, string>> = {
  veth: 'It is two network namespaces, a veth pair and an nftables table: `modprobe veth nf_tables`, or run it on a kernel that has them.',
  nftables: 'The kernel needs nftables: `modprobe nf_tables`.',
  'IPC namespace': 'The kernel needs IPC namespaces (CONFIG_IPC_NS), and the right to make one.',
  'user namespace':
    'An ordinary user needs user namespaces for it: `glovebox doctor` says how to get them; or run it as root.',
}
