/** The table of known escapes: each row can be looked up, compared and told from its fix, and an open one is never called shut. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bubblewrapEscapes } from '../../src/boundary/answers/bubblewrap-escapes.js'
import { boundaryNamed, boundaryPrograms, knownEscapesAnswer } from '../../src/boundary/index.js'
import {
  BUBBLEWRAP_ESCAPES,
  CONTAINERD_ESCAPES,
  compareUpstream,
  DOCKER_ESCAPES,
  type HostFacts,
  isAffected,
  judge,
  type KnownEscape,
  OLDEST_BUBBLEWRAP,
  openFrom,
  QEMU_ESCAPES,
  RUNC_ESCAPES,
  RUNSC_ESCAPES,
  upstreamVersion,
} from '../../src/host/index.js'
import type { BoundaryName } from '../../src/policy/index.js'
import { HOSTS, MACHINES, RUNTIMES } from '../plan/hosts.js'

const ROWS = [
  ...BUBBLEWRAP_ESCAPES,
  ...RUNC_ESCAPES,
  ...RUNSC_ESCAPES,
  ...CONTAINERD_ESCAPES,
  ...DOCKER_ESCAPES,
  ...QEMU_ESCAPES,
]
const HOST: HostFacts = HOSTS['root with cgroup v1']
const runc = (version: string | null, packageVersion?: string, release = 'bookworm') => ({
  version,
  package: packageVersion === undefined ? null : { name: 'runc', version: packageVersion, release },
})
const standings = (
  rows: readonly KnownEscape[],
  program: ReturnType<typeof runc>,
  boundary: 'runc' | 'docker',
) => new Map(judge(rows, program, boundary).map(({ row, standing }) => [row.id, standing]))

describe('every row', () => {
  test('has an id of its own and an advisory that names it or is its own', () => {
    assert.equal(new Set(ROWS.map(({ id }) => id)).size, ROWS.length)
    for (const { id, advisory } of ROWS) {
      assert.match(id, /^CVE-\d{4}-\d{4,}$/)
      assert.match(
        advisory,
        /^https:\/\/(github\.com\/.*\/GHSA-[a-z0-9-]{14}|www\.cve\.org\/CVERecord\?id=CVE-.*)$/,
      )
      if (advisory.includes('cve.org')) assert.ok(advisory.endsWith(id), id)
    }
  })

  test('says what it allows, what it takes and what shuts it out in phrases that a table can hold', () => {
    for (const { id, allows, needs, shutOut } of ROWS)
      for (const phrase of [allows, needs, ...Object.values(shutOut)])
        assert.match(phrase, /^[^|\n]{5,}[^.|\n]$/, `${id}: ${phrase}`)
  })

  test('has ranges of versions that can be read, in order, and fixes that a package can be', () => {
    for (const { id, affected, mended } of ROWS) {
      for (const { from, fixed } of affected)
        if (from !== null && fixed !== null) assert.ok((compareUpstream(from, fixed) ?? 0) < 0, id)
      for (const [release, version] of Object.entries(mended)) {
        assert.match(release, /^[a-z]+$/)
        const upstream = upstreamVersion(version) ?? assert.fail(version)
        assert.ok(isAffected({ ...ROWS[0]!, affected }, upstream), `${id}: ${version} needs no mending`)
      }
    }
  })

  test('that bubblewrap has is shut out: no start needs to ask which version it is', () => {
    assert.deepEqual(openFrom(BUBBLEWRAP_ESCAPES, OLDEST_BUBBLEWRAP, 'process'), [])
    const asked = { ...HOST, runtimes: () => assert.fail('a program was started for it') }
    assert.equal(bubblewrapEscapes(asked).kind, 'enforced')
  })
})

describe('a version', () => {
  test('is judged by upstream’s releases, branch by branch', () => {
    const of = (version: string) => standings(RUNC_ESCAPES, runc(version), 'docker')
    assert.equal(of('1.1.11').get('CVE-2024-21626'), 'shutOut')
    assert.equal(of('1.1.12').get('CVE-2024-21626'), 'fixed')
    assert.equal(of('1.0.0-rc92').get('CVE-2024-21626'), 'fixed', 'before it came in')
    for (const [version, standing] of [
      ['1.2.7', 'shutOut'],
      ['1.2.8', 'fixed'],
      ['1.3.2', 'shutOut'],
      ['1.3.3', 'fixed'],
      ['1.4.0-rc.2', 'shutOut'],
      ['1.4.0-rc.3', 'fixed'],
      ['1.4.0', 'fixed'],
    ] as const)
      assert.equal(of(version).get('CVE-2025-31133'), standing, version)
    // by an image whose folders are Glovebox's; where nothing of the kind is known, it is open
    assert.equal(of('1.3.5').get('CVE-2026-41579'), 'shutOut')
    assert.equal(of('1.4.2').get('CVE-2026-41579'), 'shutOut')
    const rows = RUNC_ESCAPES.map((row) => ({ ...row, shutOut: {} }))
    assert.equal(standings(rows, runc('1.4.2'), 'docker').get('CVE-2026-41579'), 'open')
    assert.equal(of('1.5.0').get('CVE-2026-41579'), 'fixed')
  })

  test('that a distribution mended is mended, in that release and from that revision on', () => {
    const of = (...args: Parameters<typeof runc>) =>
      standings(RUNC_ESCAPES, runc(...args), 'docker').get('CVE-2024-21626')
    assert.equal(of('1.1.5+ds1', '1.1.5+ds1-1+deb12u1'), 'fixed')
    assert.equal(of('1.1.5+ds1', '1.1.5+ds1-1'), 'shutOut')
    assert.equal(of('1.1.5+ds1', '1.1.5+ds1-1+deb12u1', 'trixie'), 'shutOut', 'another release')
    assert.equal(of('1.1.5+ds1', '1.1.5+ds1-1+deb12u1', 'constructor'), 'shutOut')
    assert.equal(of('1.1.10', '1.1.10-1~bpo12+1'), 'shutOut', 'a backport is newer, and not mended')
  })

  test('that can’t be read is judged by nobody, and refused', () => {
    for (const version of [null, 'devel', ''])
      assert.throws(() => judge(RUNC_ESCAPES, runc(version), 'runc'), RangeError)
    const answer = knownEscapesAnswer(
      'runc',
      [{ name: 'runc', program: runc(null), escapes: RUNC_ESCAPES, get: '`apt-get install runc`' }],
      { says: 'x', mechanisms: ['x'] },
    )
    assert.equal(answer.kind, 'impossible')
    assert.match(answer.kind === 'impossible' ? answer.why : '', /Which version runc is can't be told/)
  })
})

describe('the answer', () => {
  const means = { says: 'x', mechanisms: ['x'] } as const
  const OPEN: KnownEscape = { ...RUNC_ESCAPES[0]!, id: 'CVE-1999-1', shutOut: {} }

  test('to an open escape is no: which, what it allows, what mends it, and how to do without', () => {
    const program = { name: 'runc', program: runc('1.1.5'), escapes: [OPEN], get: 'Install a newer one' }
    const answer = knownEscapesAnswer('runc', [program], means)
    assert.ok(answer.kind === 'impossible')
    assert.match(answer.why, /^runc 1\.1\.5 has .* CVE-1999-1 \(.*; mended in 1\.3\.6\)\.$/)
    assert.match(answer.get, /`waive: \[isolation\.known-escapes\]`/)
    const mended = { ...program, program: runc('1.3.6') }
    assert.equal(knownEscapesAnswer('runc', [mended], means).kind, 'enforced')
  })

  test('of the process boundary looks at the version as soon as a row is open to it', () => {
    const row = {
      ...OPEN,
      program: 'bubblewrap' as const,
      affected: [{ from: null, fixed: '0.9.0' }] as const,
    }
    const at = (version: string | null) =>
      bubblewrapEscapes(
        { ...HOST, runtimes: () => ({ ...RUNTIMES, bubblewrap: { ...RUNTIMES.bubblewrap, version } }) },
        [row],
      ).kind
    assert.deepEqual([at('0.8.0'), at('0.9.0'), at(null)], ['impossible', 'enforced', 'impossible'])
  })

  test('of the microvm boundary is no while its QEMU or its jail has one that is open', () => {
    const requirement = {
      id: 'isolation.known-escapes',
      sentence: '',
      family: 'escape',
      applies: true,
    } as const
    const boundary = boundaryNamed('microvm') ?? assert.fail('no microvm')
    const of = (version: string | null) =>
      boundary.answer({
        requirement,
        plan: null,
        cpus: 1,
        host: {
          ...HOST,
          machines: () => ({ ...MACHINES, qemu: { ...MACHINES.qemu, version, package: null } }),
        },
      })
    const says = (version: string | null) => {
      const answer = of(version)
      return answer.kind === 'impossible' ? answer.why : answer.kind
    }
    assert.equal(says('7.2.22'), 'enforced')
    assert.equal(says('8.2.3'), 'enforced')
    // of those that have one, the devices that a machine has are the ones that count
    assert.match(
      says('7.2.10'),
      /^QEMU 7\.2\.10 has a known way out that nothing here shuts: CVE-2024-3446 \([^)]*mended in 7\.2\.11\)\.$/,
    )
    assert.match(says('6.1.0'), /CVE-2024-3446 .*, CVE-2021-3748 /)
    assert.doesNotMatch(says('5.0.0'), /CVE-2020-14364/)
    assert.match(says(null), /^Which version QEMU is can't be told/)
  })

  test('names the programs of each boundary, and none that is not here', () => {
    const names = (boundary: BoundaryName) => boundaryPrograms(boundary, HOST).map(({ name }) => name)
    assert.deepEqual(names('runc'), ['runc'])
    assert.deepEqual(names('gvisor'), ['runsc'])
    assert.deepEqual(names('docker'), [], 'no engine was looked for')
    assert.deepEqual(names('microvm'), ['QEMU'])
  })
})
