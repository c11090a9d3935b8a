/** What dpkg knows of a program's package: distributions mend a release without calling it another. Pure. */
import type { HostLook } from './looking.js'
import { upstreamVersion } from './version.js'

export interface PackageFacts {
  readonly name: string
  /** as deb-version(7) has it, e.g. `1.1.5+ds1-1+deb12u1` */
  readonly version: string
  /** the distribution's release, e.g. `bookworm`, `noble`; `null`: not said */
  readonly release: string | null
}

type Look = Pick<HostLook, 'read'>

/**
 * The package that `path` came with. `null` where dpkg does not list the path as that package's, or where the program calls
 * itself another version: whoever put another program there did not tell dpkg, whose word is then about something else.
 * @param said what the program says its version is
 */
export function packageOf(
  look: Look,
  names: readonly string[],
  path: string,
  said: string | null,
): PackageFacts | null {
  if (said === null) return null
  const status = look.read('/var/lib/dpkg/status')
  if (status === null) return null
  for (const name of names) {
    const files = look.read(`/var/lib/dpkg/info/${name}.list`)
    if (files === null || !files.split('\n').includes(path)) continue
    const version = installedVersion(status, name)
    if (version !== null && upstreamVersion(version) === upstreamVersion(said))
      return { name, version, release: releaseOf(look) }
  }
  return null
}

/** dpkg-query(1): paragraphs of `Field: value`, an empty line between them. */
function installedVersion(status: string, name: string): string | null {
  const field = `Package: ${name}\n`
  // a megabyte, which is not copied to look at its first line
  const start = status.startsWith(field) ? 0 : status.indexOf(`\n${field}`)
  if (start < 0) return null
  const end = status.indexOf('\n\n', start + 1)
  const paragraph = status.slice(start, end < 0 ? undefined : end)
  if (!/^Status: \S+ \S+ installed$/m.test(paragraph)) return null
  return /^Version: ([A-Za-z0-9.+~:-]{1,100})$/m.exec(paragraph)?.[1] ?? null
}

function releaseOf(look: Look): string | null {
  const text = look.read('/etc/os-release') ?? look.read('/usr/lib/os-release') ?? ''
  return /^VERSION_CODENAME="?([a-z]{1,30})"?$/m.exec(text)?.[1] ?? null
}
