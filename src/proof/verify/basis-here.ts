/** The basis of a verification on this host, now: looks, and runs nothing but `--version` of the boundary's own program. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { release, version } from 'node:os'
import { join } from 'node:path'
import { nativePrograms } from '../../boundary/index.js'
import type { HostFacts } from '../../host/index.js'
import { type Plan, planSha256 } from '../../plan/index.js'
import type { BoundaryName } from '../../policy/index.js'
import { wallPath, wallVersions } from '../wall-programs.js'
import type { Basis, MachinePartName } from './basis.js'

/** On which a wall rests, or by which an administrator has made a way in or out wider or narrower. */
const SYSCTLS = [
  'fs.protected_fifos',
  'fs.protected_hardlinks',
  'fs.protected_regular',
  'fs.protected_symlinks',
  'fs.suid_dumpable',
  'kernel.apparmor_restrict_unprivileged_userns',
  'kernel.core_pattern',
  'kernel.dmesg_restrict',
  'kernel.io_uring_disabled',
  'kernel.kptr_restrict',
  'kernel.perf_event_paranoid',
  'kernel.randomize_va_space',
  'kernel.unprivileged_bpf_disabled',
  'kernel.unprivileged_userns_clone',
  'kernel.yama.ptrace_scope',
  'user.max_user_namespaces',
  'vm.mmap_min_addr',
  'vm.unprivileged_userfaultfd',
] as const

export interface Verified {
  readonly plan: Plan
  readonly policySha256: string
  /** Glovebox's own version */
  readonly version: string
}

export function basisHere(host: HostFacts, { plan, policySha256, version: glovebox }: Verified): Basis {
  const { securityModule } = host
  return {
    host: {
      kernel: release(),
      build: version(),
      arch: host.arch,
      user: host.uid === 0 ? 'root' : 'ordinary',
      securityModules: host.securityModules ?? [],
      jobsModule: securityModule === null ? null : `${securityModule.name} ${securityModule.job}`,
      cgroups: host.cgroups.version,
      sysctls: sysctls(),
    },
    versions: {
      glovebox,
      node: process.version,
      wall: wallVersions(plan.boundary, host),
    },
    parts: parts(plan.boundary, host),
    policySha256,
    planSha256: planSha256(plan),
  }
}

function sysctls(): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of SYSCTLS) {
    const value = contentOf(`/proc/sys/${name.replaceAll('.', '/')}`)
    if (value !== null) found[name] = spoken(name, value.toString('utf8').trim())
  }
  return found
}

/** How many there may be hangs on the memory at boot; that there may be any is what matters. */
function spoken(name: string, value: string): string {
  return name === 'user.max_user_namespaces' && value !== '0' ? 'more than 0' : value
}

function parts(boundary: BoundaryName, host: HostFacts): Basis['parts'] {
  const wall = wallPath(boundary, host)
  const { cell, agent, probe } = nativePrograms()
  const at = (...names: string[]) => join(host.surroundings().installation, ...names)
  return {
    wall: wall === null ? null : sha256Of([wall]),
    cell: sha256Of([cell]),
    agent: sha256Of([agent]),
    probe: sha256Of([probe]),
    gateway: sha256Of([at('bin/gateway.cjs'), at('dist/gateway/main.cjs')]),
    commandLine: sha256Of([at('bin/glovebox'), ...scriptsIn(at('dist/cli'))]),
    ...(boundary === 'microvm' ? machineParts(host) : {}),
  }
}

function machineParts(host: HostFacts): Record<MachinePartName, string | null> {
  const programs = nativePrograms()
  const { image } = host.machines().kernel
  return {
    jail: host.bubblewrap === null ? null : sha256Of([host.bubblewrap]),
    kernel: image === null ? null : sha256Of([image]),
    guest: sha256Of([programs.guest]),
    vmm: sha256Of([programs.vmm]),
    vmmMemory: sha256Of([programs['vmm-memory']]),
  }
}

function scriptsIn(folder: string): string[] {
  try {
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.cjs'))
    return scripts.sort().map((name) => join(folder, name))
  } catch {
    return []
  }
}

/** Of all files together, each with its length first; `null`: one can't be read. */
function sha256Of(files: readonly string[]): string | null {
  const hash = createHash('sha256')
  for (const file of files) {
    const content = contentOf(file)
    if (content === null) return null
    if (files.length > 1) hash.update(`${content.length}\n`)
    hash.update(content)
  }
  return hash.digest('hex')
}

function contentOf(file: string): Buffer | null {
  try {
    return readFileSync(file)
  } catch {
    return null
  }
}
