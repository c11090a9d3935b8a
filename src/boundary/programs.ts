/** Of which programs each boundary is made, as they are on this host, with their known escapes. Pure. */
import {
  BUBBLEWRAP_ESCAPES,
  CONTAINERD_ESCAPES,
  DOCKER_ESCAPES,
  type HostFacts,
  type KnownEscape,
  QEMU_ESCAPES,
  RUNC_ESCAPES,
  RUNSC_ESCAPES,
} from '../host/index.js'
import type { BoundaryName } from '../policy/index.js'
import type { BoundaryProgram } from './known-escapes.js'
import { installAdvice } from './runtime-lacks.js'

/** None where there is none to ask: what is missing says the boundary's `unavailable`. */
export function boundaryPrograms(boundary: BoundaryName, host: HostFacts): BoundaryProgram[] {
  const installed = (name: 'bubblewrap' | 'runc' | 'runsc', escapes: readonly KnownEscape[]) => {
    const program = host.runtimes()[name]
    return program.path === null ? [] : [{ name, program, escapes, get: newer(name, host) }]
  }
  switch (boundary) {
    case 'process':
      return installed('bubblewrap', BUBBLEWRAP_ESCAPES)
    case 'runc':
      return installed('runc', RUNC_ESCAPES)
    case 'gvisor':
      return installed('runsc', RUNSC_ESCAPES)
    case 'docker':
      return enginePrograms(host)
    // containers of the engine run by runc besides: where there is a network, one of them keeps its namespace
    case 'docker+runsc':
      return [
        ...enginePrograms(host),
        ...(host.engine?.kind === 'here' ? installed('runsc', RUNSC_ESCAPES) : []),
      ]
    case 'microvm':
      return machinePrograms(host)
  }
}

function machinePrograms(host: HostFacts): BoundaryProgram[] {
  const program = host.machines().qemu
  if (program.path === null) return []
  return [{ name: 'QEMU', program, escapes: QEMU_ESCAPES, get: newer('qemu-system-x86', host) }]
}

function enginePrograms(host: HostFacts): BoundaryProgram[] {
  if (host.engine?.kind !== 'here') return []
  const { engine, packages } = host.engine
  const component = (name: 'containerd' | 'runc') => ({
    version: engine.components.find((each) => each.name === name)?.version ?? null,
    package: packages[name],
  })
  return [
    {
      name: 'Docker Engine',
      program: { version: engine.version, package: packages.docker },
      escapes: DOCKER_ESCAPES,
      get: newer('docker.io', host),
    },
    {
      name: 'containerd',
      program: component('containerd'),
      escapes: CONTAINERD_ESCAPES,
      get: newer('containerd', host),
    },
    { name: 'runc', program: component('runc'), escapes: RUNC_ESCAPES, get: newer('runc', host) },
  ]
}

/** Upstream's own packages (get.docker.com, gvisor.dev) are mended by their own archives: the same command. */
function newer(packageName: string, host: HostFacts): string {
  return `Install a newer one (${installAdvice(packageName, host)} gets what your distribution has)`
}
