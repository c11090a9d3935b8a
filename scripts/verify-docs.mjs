#!/usr/bin/env node
// Writes the tables of docs/verify.md (which probes try which claim, and which threat) and of docs/boundaries.md (promises, known escapes).
//   npm run build && node scripts/verify-docs.mjs      (a test fails while a page is not what the code says)
// --check: writes nothing, and fails when it would change something
import { readFileSync, writeFileSync } from 'node:fs'
import { boundaryNamed } from '../dist/src/boundary/index.js'
import {
  BUBBLEWRAP_ESCAPES,
  CONTAINERD_ESCAPES,
  DOCKER_ESCAPES,
  QEMU_ESCAPES,
  RUNC_ESCAPES,
  RUNSC_ESCAPES,
} from '../dist/src/host/index.js'
import { REQUIREMENT_IDS } from '../dist/src/plan/index.js'
import { BOUNDARIES } from '../dist/src/policy/index.js'
import { PROBES, THREATS, UNPROBED, UNTRIED } from '../dist/src/proof/index.js'
import { HOSTS } from '../dist/test/plan/hosts.js'

const CLAIMS_AND_THREATS = {
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

const ESCAPES = {
  'escapes of bubblewrap': escapes(BUBBLEWRAP_ESCAPES),
  'escapes of runc': escapes(RUNC_ESCAPES),
  'escapes of runsc': escapes(RUNSC_ESCAPES),
  'escapes of containerd': escapes(CONTAINERD_ESCAPES),
  'escapes of docker': escapes(DOCKER_ESCAPES),
  'escapes of qemu': escapes(QEMU_ESCAPES),
}

/** Root on a Debian machine with cgroups, for a policy that asks for all of it. */
const HOST = HOSTS['root with cgroup v1']
const BUILT = BOUNDARIES.filter((name) => boundaryNamed(name) !== null)

const PROMISES = {
  promises: [
    `| claim | ${BUILT.map((name) => `\`${name}\``).join(' | ')} |`,
    `|---|${'---|'.repeat(BUILT.length)}`,
    ...REQUIREMENT_IDS.map((id) => {
      const [first, ...others] = BUILT.map((name) => answerText(name, id))
      return `| \`${id}\` | ${[first, ...others.map((each) => (each === first ? '=' : each))].map(cell).join(' | ')} |`
    }),
  ],
}

const PAGES = { 'verify.md': CLAIMS_AND_THREATS, 'boundaries.md': { ...PROMISES, ...ESCAPES } }

function answerText(name, id) {
  const requirement = { id, sentence: '', family: 'escape', applies: true }
  const answer = boundaryNamed(name).answer({ requirement, host: HOST, plan: null, cpus: 1 })
  if (answer.kind === 'enforced') return answer.by.map(({ says }) => says).join('; ')
  return `${answer.kind === 'impossible' ? '**refused**' : 'not there'}: ${answer.why}`
}

function escapes(rows) {
  if (rows.length === 0) return ['None is in the table.']
  return [
    '| escape | allows | needs | upstream | mended earlier in | shut out by |',
    '|---|---|---|---|---|---|',
    ...rows.map(({ id, allows, needs, affected, mended, shutOut, advisory }) => {
      const fixes = Object.entries(mended).map(([release, version]) => `${release} \`${version}\``)
      const shut = Object.entries(shutOut).map(([boundary, by]) => `\`${boundary}\`: ${by}`)
      const row = [
        `[${id}](${advisory})`,
        allows,
        needs,
        affected.map(range).join('<br>'),
        fixes.join('<br>'),
        shut.join('<br>') || 'nothing',
      ]
      return `| ${row.map(cell).join(' | ')} |`
    }),
  ]
}

function range({ from, fixed }) {
  if (fixed === null) return from === null ? 'all' : `from ${from}`
  return from === null ? `before ${fixed}` : `${from} to before ${fixed}`
}

function cell(text) {
  return text.replaceAll('|', '\\|')
}

function filled(name, page, [table, lines]) {
  const [begin, end] = [`<!-- ${table}: begin -->`, `<!-- ${table}: end -->`]
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`docs/${name} has no ${begin} … ${end}`)
  return `${page.slice(0, from + begin.length)}\n${lines.join('\n')}\n${page.slice(to)}`
}

for (const [name, tables] of Object.entries(PAGES)) {
  const file = new URL(`../docs/${name}`, import.meta.url)
  const page = readFileSync(file, 'utf8')
  const made = Object.entries(tables).reduce((text, table) => filled(name, text, table), page)
  if (!process.argv.includes('--check')) writeFileSync(file, made)
  else if (made !== page) {
    console.error(`docs/${name} is not what the code says: node scripts/verify-docs.mjs writes it.`)
    process.exitCode = 1
  }
}
