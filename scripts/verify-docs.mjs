#!/usr/bin/env node
// Writes the tables of docs/verify.md: which probes try which claim, and which threat.
//   npm run build && node scripts/verify-docs.mjs      (a test fails while the page is not what the code says)
// --check: writes nothing, and fails when it would change something
import { readFileSync, writeFileSync } from 'node:fs'
import { REQUIREMENT_IDS } from '../dist/src/plan/index.js'
import { PROBES, THREATS, UNPROBED, UNTRIED } from '../dist/src/proof/index.js'

const PAGE = new URL('../docs/verify.md', import.meta.url)

const TABLES = {
  claims: [
    '| claim | probes, or why none |',
    '|---|---|',
    ...REQUIREMENT_IDS.map((id) => {
      const probes = PROBES.filter(({ claim }) => claim === id).map(
        (probe) => `\`${probe.id}\`: ${cell(probe.tries)}`,
      )
      return `| \`${id}\` | ${probes.join('<br>') || cell(UNPROBED[id] ?? 'none yet')} |`
    }),
  ],
  threats: [
    '| threat | probes, or why none |',
    '|---|---|',
    ...[...new Set([...Object.keys(THREATS), ...Object.keys(UNTRIED)])].map((id) => {
      const probes = PROBES.filter(({ threat }) => threat === id).map((probe) => `\`${probe.id}\``)
      return `| ${id} | ${probes.join(', ') || cell(UNTRIED[id] ?? 'none yet')} |`
    }),
  ],
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}

function filled(page, [name, lines]) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/verify.md has no ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n${lines.join('\n')}\n${page.slice(to)}`
}

const page = readFileSync(PAGE, 'utf8')
const made = Object.entries(TABLES).reduce(filled, page)
if (!process.argv.includes('--check')) writeFileSync(PAGE, made)
else if (made !== page) {
  console.error('docs/verify.md is not what the code says: node scripts/verify-docs.mjs writes it.')
  process.exitCode = 1
}
