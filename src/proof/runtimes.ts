/** What doctor says of the programs that boundaries are made of: which are here, and their known escapes. Pure. */
import {
  type BoundaryProgram,
  boundaryNamed,
  boundaryPrograms,
  engineLack,
  engineRunscLack,
  erofsLack,
  kernelLack,
  kvmFailureLack,
  type Lack,
  qemuLack,
  runcLack,
  runscLack,
  tunLack,
} from '../boundary/index.js'
import { type HostFacts, type Judged, judge, type PackageFacts, type ProgramFacts } from '../host/index.js'
import type { BoundaryName } from '../policy/index.js'
import type { Finding } from './finding.js'

/**
 * What this host has for a boundary, whether or not this version of Glovebox has the boundary: it promises nothing, which is
 * for the boundary's own finding to do.
 */
export function runtimeFindings(boundary: BoundaryName, host: HostFacts): Finding[] {
  if (host.platform !== 'linux') return []
  const programs = boundaryPrograms(boundary, host)
  return [...hasFinding(boundary, host), ...programs.flatMap((each) => escapeFindings(boundary, each))]
}

function hasFinding(boundary: BoundaryName, host: HostFacts): Finding[] {
  const runtimes = host.runtimes()
  const said = (name: 'bubblewrap' | 'runc' | 'runsc') => programText(name, runtimes[name])
  switch (boundary) {
    case 'process':
      // what is wrong with it the boundary's own finding says
      return runtimes.bubblewrap.version === null ? [] : [good('bubblewrap', said('bubblewrap'))]
    case 'runc':
      return [finding('runc', runcLack(host), () => said('runc'))]
    case 'gvisor':
      return [finding('runsc', runscLack(host), () => said('runsc'))]
    case 'docker':
      return [finding('docker', engineLack(host), () => engineText(host))]
    case 'docker+runsc':
      return [finding('docker+runsc', engineRunscLack(host), () => said('runsc'))]
    case 'microvm':
      return machineFindings(host)
  }
}

/** On another processor one line says all. */
function machineFindings(host: HostFacts): Finding[] {
  const { qemu, kernel, mkfsErofs } = host.machines()
  const first = finding('QEMU', qemuLack(host), () => programText('QEMU', qemu))
  if (host.arch !== 'x64') return [first]
  const named = kernel.chosen ? ', named by GLOVEBOX_KERNEL' : ''
  return [
    first,
    finding(
      'kernel',
      kernelLack(host),
      () => `Linux ${kernel.release} (${kernel.image}, ${kernel.modules}${named}).`,
    ),
    finding('mkfs.erofs', erofsLack(host), () => programText('mkfs.erofs', mkfsErofs)),
    kvmFinding(host),
    finding('/dev/net/tun', tunLack(host), () => 'A virtual machine can have a network.'),
  ]
}

/** Nobody has to have it. */
function kvmFinding(host: HostFacts): Finding {
  const { state, failed } = host.machines().kvm
  const title = '/dev/kvm'
  const slower = 'QEMU emulates the processor (TCG), which takes longer.'
  if (state === 'openable' && failed === null)
    return good(title, 'It can be opened; whether virtual machines run on it only a start of one shows.')
  if (failed !== null) return finding(title, kvmFailureLack(failed), () => '')
  return state === 'forbidden'
    ? finding(
        title,
        { what: `It may not be opened by what runs a machine: ${slower}`, get: kvmGroup(host) },
        () => '',
      )
    : finding(title, { what: `It is not here: ${slower}`, get: KVM_MODULE }, () => '')
}

/** As root a machine is run by a uid of its own, which gets the device's group, and never root's. */
const kvmGroup = (host: HostFacts) =>
  host.uid === 0
    ? 'As root, `groupadd -f kvm && chgrp kvm /dev/kvm && chmod 0660 /dev/kvm`.'
    : `As root, \`usermod -aG kvm "$(id -un ${host.uid})"\`, and log in again.`
const KVM_MODULE =
  'As root, `modprobe -a kvm_intel kvm_amd`; in a virtual machine, its host has to allow nested ones.'

function finding(name: string, lack: Lack | null, what: () => string): Finding {
  return lack === null ? good(name, what()) : { name: `has ${name}`, status: 'note', ...lack }
}

const good = (name: string, what: string): Finding => ({ name: `has ${name}`, status: 'good', what, get: '' })

function programText(name: string, facts: ProgramFacts & { libseccomp?: string | null }): string {
  const { path, version, libseccomp = null, package: from } = facts
  const more = [path, ...packageText(from), ...(libseccomp === null ? [] : [`libseccomp ${libseccomp}`])]
  return `${name} ${version} (${more.join(', ')}).`
}

function packageText(from: PackageFacts | null): string[] {
  return from === null ? [] : [`package ${from.name} ${from.version}`]
}

function engineText({ engine: found }: HostFacts): string {
  if (found?.kind !== 'here') return ''
  const { engine, packages, socket } = found
  const parts = engine.components.map(({ name, version }) => `${name} ${version ?? 'of an unknown version'}`)
  const traits = [
    `API ${engine.apiVersion}`,
    ...packageText(packages.docker),
    engine.cgroupVersion === null ? 'no cgroups' : `cgroup v${engine.cgroupVersion}`,
    ...(engine.cgroupDriver === null ? [] : [`by ${engine.cgroupDriver}`]),
    ...(engine.usernsRemap ? ['userns-remap'] : []),
    ...(engine.securityOptions.length === 0 ? [] : [`security options ${engine.securityOptions.join(' ')}`]),
    `runtimes ${engine.runtimes.join(' ')}`,
  ]
  return `Docker Engine ${engine.version} at ${socket}, with ${parts.join(' and ')} (${traits.join(', ')}).`
}

/** Those that this version has: what is open, and what the configuration shuts out. */
function escapeFindings(boundary: BoundaryName, of: BoundaryProgram): Finding[] {
  const { name, program, escapes, get } = of
  const title = `escapes ${boundary}: ${name}`
  const note = (what: string): Finding => ({ name: title, status: 'note', what, get: `${get}.` })
  if (program.version === null)
    return [note(`Which version of ${name} it is can't be told, and so not whether it has known escapes.`)]
  const judged = judge(escapes, program, boundary)
  const has = judged.filter(({ standing }) => standing !== 'fixed')
  if (has.length === 0)
    return [{ name: title, status: 'good', what: `None is known of ${name} ${program.version}.`, get: '' }]
  // what no boundary does yet shuts nothing out
  if (boundaryNamed(boundary) === null)
    return [note(`Known in ${name} ${program.version}: ${has.map(({ row }) => row.id).join(', ')}.`)]
  const open = judged.filter(({ standing }) => standing === 'open')
  const shut = judged.filter(({ standing }) => standing === 'shutOut')
  return [
    ...(open.length === 0 ? [] : [note(openText(open))]),
    ...(shut.length === 0 ? [] : [{ name: title, status: 'good' as const, what: shutText(shut), get: '' }]),
  ]
}

function openText(open: readonly Judged[]): string {
  const each = open.map(({ row }) => `${row.id} (${row.allows}; needs ${row.needs})`)
  return `Known, and open: ${each.join('; ')}.`
}

function shutText(shut: readonly Judged[]): string {
  const reasons = [...new Set(shut.map(({ by }) => by))]
  const each = reasons.map((reason) => {
    const ids = shut.filter(({ by }) => by === reason).map(({ row }) => row.id)
    return `${ids.join(', ')} (${reason})`
  })
  return `Known, and shut out: ${each.join('; ')}.`
}
