import type { HostFacts } from '../../host/index.js'

/** open_tree and mount_setattr with idmaps, close_range's flags, signals by pidfd. */
const OLDEST_KERNEL = [5, 12] as const

export function unavailable(host: HostFacts): { readonly what: string; readonly get: string } | null {
  if (host.platform !== 'linux')
    return {
      what: 'The process boundary needs Linux.',
      get: 'Run Glovebox in a Linux machine, VM or container.',
    }
  if (host.arch !== 'x64' && host.arch !== 'arm64')
    return { what: `There is no system call table for ${host.arch}.`, get: 'Use x86_64 or arm64.' }
  const [major, minor] = host.kernel
  if (major < OLDEST_KERNEL[0] || (major === OLDEST_KERNEL[0] && minor < OLDEST_KERNEL[1]))
    return {
      what: `Linux ${major}.${minor} is too old.`,
      get: `Linux ${OLDEST_KERNEL.join('.')} or newer is needed.`,
    }
  if (host.bubblewrap === null)
    return {
      what: 'bubblewrap is not installed.',
      get: '`apt-get install bubblewrap` installs it (0.8 or newer is needed).',
    }
  if (host.userNamespacesRefused !== '')
    return { what: 'User namespaces are switched off.', get: host.userNamespacesRefused }
  return null
}
