import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Whether `--policy NAME` means a built-in profile: a bare word, without `/` or `.`. */
export function isProfileName(name: string): boolean {
  return name !== '' && !/[/.]/.test(name)
}

let installed: string | undefined

/** The folder that Glovebox is installed in. */
export function installation(): string {
  installed ??= dirname(defaultProfilesDir())
  return installed
}

/**
 * The package's `policies/`. Looked for upwards from this module, because it runs both as loose files
 * (`dist/src/policy/`) and inside a bundle (`dist/cli/`).
 */
export function defaultProfilesDir(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let levels = 0; levels < 4; levels++) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'policies')))
      return join(folder, 'policies')
    folder = dirname(folder)
  }
  return join(folder, 'policies')
}

/** Names of the built-in profiles, sorted; none when the folder is gone. */
export function profileNames(dir = defaultProfilesDir()): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .filter((file) => /^[a-z0-9-]+\.yaml$/.test(file))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort()
}
