import { execFileSync } from 'node:child_process'

/** What bubblewrap calls itself; `null`: it does not say. */
export function bubblewrapVersion(program: string): string | null {
  try {
    const said = execFileSync(program, ['--version'], { encoding: 'utf8', env: {} })
    return /(\d+\.\d+(?:\.\d+)?)/.exec(said)?.[1] ?? null
  } catch {
    return null
  }
}
