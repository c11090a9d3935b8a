import type { HostFacts } from '../../host/index.js'
import type { BoundaryName } from '../../policy/index.js'
import type { Lack } from '../runtime-lacks.js'
import { impossiblePlace, otherPlatformAdvice, procAdvice, rootAdvice } from './advice.js'

/** open_tree and mount_setattr with idmaps, close_range's flags, signals and namespaces by pidfd. */
const OLDEST_KERNEL = [5, 12] as const

/**
 * What of the kernel stands in the way of any sandbox, whoever starts it; `null`: nothing.
 * @param boundary as people call it
 */
export function kernelLack(host: HostFacts, boundary: BoundaryName): Lack | null {
  if (host.platform !== 'linux')
    return {
      what: `The ${boundary} boundary needs Linux.`,
      get: otherPlatformAdvice(host.platform),
    }
  if (host.arch !== 'x64' && host.arch !== 'arm64')
    return { what: `There is no system call table for ${host.arch}.`, get: 'Use x86_64 or arm64.' }
  const [major, minor] = host.kernel
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return (
      impossiblePlace(host.surroundings()) ?? {
        what: `Linux ${major}.${minor} is too old.`,
        get: `Linux ${OLDEST_KERNEL.join('.')} or newer is needed.`,
      }
    )
  return null
}

/** … of one that cell starts, whichever program makes its wall. */
export function hostLack(host: HostFacts, boundary: BoundaryName): Lack | null {
  return kernelLack(host, boundary) ?? namespacesLack(host)
}

function namespacesLack(host: HostFacts): Lack | null {
  if (host.userNamespacesRefused !== '')
    return { what: 'User namespaces are switched off.', get: host.userNamespacesRefused }
  if (host.rootLacks !== '')
    return {
      what: `This root lacks ${host.rootLacks}: its sandboxes could not be kept apart from it.`,
      get: rootAdvice(host.surroundings()),
    }
  if (host.maskedProc.length > 0)
    return {
      what: `The kernel gives a sandbox no /proc of its own while parts of this one are covered (${shown(host.maskedProc)}).`,
      get: procAdvice(host),
    }
  return null
}

function shown(points: readonly string[]): string {
  const more = points.length > 3 ? `, and ${points.length - 3} more` : ''
  return `${points.slice(0, 3).join(', ')}${more}`
}
