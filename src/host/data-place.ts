import { join } from 'node:path'

/** Where this user keeps what Glovebox makes once: absolute. `null`: neither XDG_DATA_HOME nor HOME says where. */
export function dataPlace(
  name: 'images' | 'machines',
  uid: number,
  env: Readonly<Record<string, string | undefined>>,
): string | null {
  if (uid === 0) return `/var/lib/glovebox/${name}`
  const { XDG_DATA_HOME: data, HOME: home } = env
  const base = data?.startsWith('/') ? data : home?.startsWith('/') ? join(home, '.local/share') : null
  return base === null ? null : join(base, 'glovebox', name)
}
