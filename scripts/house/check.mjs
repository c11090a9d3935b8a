/** What is wrong with the house below a folder; see .dependency-cruiser.cjs. */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cruise } from 'dependency-cruiser'

const require = createRequire(import.meta.url)
const { forbidden, options } = require('../../.dependency-cruiser.cjs')
const { FLOORS } = require('./floors.cjs')

/** @returns {Promise<{ problems: string[], modules: number, imports: number }>} problems begin with their rule's name */
export async function check(base) {
  const sources = sourcesIn(base)
  if (sources.length === 0) return { problems: ['nothing-seen: src/ has no source'], modules: 0, imports: 0 }

  const places = ['src', 'bench', 'examples'].filter((folder) => existsSync(join(base, folder)))
  const { output } = await cruise(places, {
    ...options,
    baseDir: base,
    validate: true,
    ruleSet: { forbidden },
  })
  const seen = new Set(output.modules.map((module) => module.source))
  // A checker that went blind must not pass: TypeScript 7 makes this one see no module, and say that all is well.
  const unseen = sources.filter((source) => !seen.has(source))
  return {
    problems: [
      ...unseen.map((source) => `nothing-seen: the checker did not look at ${source}`),
      ...withoutFloor(base),
      ...output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`),
    ],
    modules: seen.size,
    imports: output.modules.reduce((sum, module) => sum + module.dependencies.length, 0),
  }
}

function sourcesIn(base) {
  const folder = join(base, 'src')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join('src', name))
}

function withoutFloor(base) {
  const known = FLOORS.flat()
  return readdirSync(join(base, 'src'), { withFileTypes: true })
    .filter((entry) => (entry.isDirectory() ? !known.includes(entry.name) : entry.name !== 'index.ts'))
    .map((entry) => `without-floor: src/${entry.name} is in no floor of scripts/house/floors.cjs`)
}
