/** The programs that make a boundary, as a verification names them. */
import { boundaryPrograms } from '../boundary/index.js'
import type { HostFacts } from '../host/index.js'
import type { BoundaryName } from '../policy/index.js'
import { bubblewrapVersion } from './bubblewrap.js'

/** With their versions, e.g. `runc 1.1.5+ds1`; `null`: none of them says which it is. */
export function wallVersions(boundary: BoundaryName, host: HostFacts): string | null {
  // asked as whoever verifies: in a world of its own bubblewrap seems to belong to nobody
  if (boundary === 'process') {
    const version = host.bubblewrap === null ? null : bubblewrapVersion(host.bubblewrap)
    return version === null ? null : `bubblewrap ${version}`
  }
  if (boundary === 'microvm') return machineVersions(host)
  const programs = boundaryPrograms(boundary, host).filter(({ program }) => program.version !== null)
  const each = programs.map(({ name, program }) => `${name} ${program.version}`)
  return each.length === 0 ? null : each.join(', ')
}

/** The machine, the kernel in it, and what its jail is made by. */
function machineVersions(host: HostFacts): string | null {
  const { qemu, kernel } = host.machines()
  const jail = wallVersions('process', host)
  if (qemu.version === null || kernel.release === null || jail === null) return null
  return `QEMU ${qemu.version}, Linux ${kernel.release}, ${jail}`
}

/** Absolute; `null`: it is a server's business. */
export function wallPath(boundary: BoundaryName, host: HostFacts): string | null {
  switch (boundary) {
    case 'process':
      return host.bubblewrap
    case 'runc':
    case 'gvisor':
      return host.runtimes()[boundary === 'runc' ? 'runc' : 'runsc'].path
    case 'docker':
    case 'docker+runsc':
      return null
    case 'microvm':
      return host.machines().qemu.path
  }
}
