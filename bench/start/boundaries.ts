/**
 * `--boundary all` (or one): what each boundary costs beside the program that it stands on, started bare. docker is compared on the engine that
 * DOCKER_HOST leads to; where that says nothing, root gets one of its own for as long as it is measured.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boundaryNamed } from '../../src/boundary/index.js'
import { BoundaryUnavailableError } from '../../src/errors/index.js'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { BOUNDARIES, type BoundaryName } from '../../src/policy/index.js'
import { OwnEngine } from '../own-engine.js'
import { bareWays, COMMAND } from './bare.js'
import type { Way } from './ways.js'

export interface BoundaryBench {
  readonly boundary: BoundaryName
  /** the first is what `ours` is held to; empty: what it stands on is not here to be started bare */
  readonly bare: readonly Way[]
  readonly ours: Way
}

export interface Boundaries {
  readonly benches: readonly BoundaryBench[]
  readonly absent: readonly string[]
  close(): Promise<void>
}

export async function prepareBoundaries(asked: string): Promise<Boundaries> {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const engine = asked === 'all' || asked.startsWith('docker') ? await ownEngine(asked !== 'docker') : null
  const glovebox = await Glovebox.start()
  const benches: BoundaryBench[] = []
  const absent: string[] = []
  for (const boundary of BOUNDARIES) {
    if ((asked !== 'all' && asked !== boundary) || boundaryNamed(boundary) === null) continue
    const policy = parsePolicy({ version: 1, boundary })
    const once = () => glovebox.run(policy, [COMMAND])
    try {
      await once()
    } catch (error) {
      if (!(error instanceof BoundaryUnavailableError)) throw error
      absent.push(`${boundary} (${error.message})`)
      continue
    }
    benches.push({
      boundary,
      bare: bareWays(boundary, folder),
      ours: { name: `Glovebox run(), ${boundary}`, once },
    })
  }
  return {
    benches,
    absent,
    async close() {
      await glovebox.close()
      await engine?.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `sentries`: Debian's runsc is measured on it, too. */
async function ownEngine(sentries: boolean): Promise<OwnEngine | null> {
  if (process.env.DOCKER_HOST !== undefined || OwnEngine.lack() !== null) return null
  const engine = new OwnEngine(mkdtempSync(join(tmpdir(), 'glovebox-bench-engine-')), { sentries })
  if (!(await engine.up())) {
    console.error(`dockerd does not start here: ${engine.lastWords()}`)
    await engine.end()
    return null
  }
  process.env.DOCKER_HOST = `unix://${engine.socket}`
  return engine
}
