/** `verify` finds on each boundary what it finds on the first: nothing broken. What differs is what docs/boundaries.md says. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { sharedFolder } from '../support/checkout.js'
import { image, machineArchive, noMachine } from '../support/machine-image.js'
import { finished } from '../support/spawned.js'
import { SUITE_IS_ROOT, USERS } from '../support/users.js'
import { BUILT, withBoundaries } from './tools.js'

const lack = withBoundaries()
const [user = assert.fail('nobody')] = USERS

interface Found {
  readonly passed: boolean
  readonly counts: { readonly holds: number }
  readonly claims: readonly { readonly id: string; readonly status: string }[]
  readonly versions: { readonly wall: string }
}

const verified = (...args: string[]) =>
  finished(user.as(user.cli(['verify', '--quiet', ...args])), { cwd: '/', timeout: 400_000 })

/**
 * What is over within a minute on a machine in use; test/long/verify-boundaries has all of it. A sandbox of gVisor's starts ten times as slowly when the
 * machine is full.
 */
const OF_SENTRIES = [
  'identity',
  'files',
  'syscalls',
  'network.none',
  'network.gateway-only',
  'isolation.processes',
]
const PART: Readonly<Partial<Record<string, readonly string[]>>> = {
  gvisor: OF_SENTRIES,
  'docker+runsc': OF_SENTRIES,
  microvm: ['identity', 'isolation', 'files', 'syscalls', 'network.none', 'network.gateway-only', 'next'],
}
const LINK_PREVIEW = ['--policy', 'link-preview']
/** A machine has no folder of the host for a root. */
const IMAGE = `glovebox-verify-test-${process.pid}`
const machine = SUITE_IS_ROOT ? noMachine() : 'needs root'
const rootOf = (boundary: string) => (boundary === 'microvm' ? ['--root', `image:${IMAGE}`] : [])
/** Under the second policy what the first does not have: its network. */
const NETWORK: Readonly<Record<string, readonly string[]>> = {
  runc: ['network'],
  docker: ['network'],
  gvisor: ['network.gateway-only', 'network.no-metadata', 'network.recorded'],
  'docker+runsc': ['network.gateway-only', 'network.no-metadata', 'network.recorded'],
}
const partOf = (boundary: string, policy: readonly string[]) =>
  (policy === LINK_PREVIEW ? (NETWORK[boundary] ?? PART[boundary]) : PART[boundary]) ?? []

describe('verify on every boundary', { skip: SUITE_IS_ROOT ? false : 'needs root', concurrency: 1 }, () => {
  before(() => {
    if (machine === null) image('import', machineArchive(sharedFolder()), IMAGE)
  })
  after(() => {
    if (machine === null) image('rm', IMAGE)
  })
  // each plan's machine is booted once: one of them says what both would
  for (const boundary of BUILT.slice(1))
    for (const policy of boundary === 'microvm' ? [LINK_PREVIEW] : [[], LINK_PREVIEW])
      test(`${boundary}: ${policy.at(1) ?? 'the default policy'}`, async (t) => {
        const why = boundary === 'microvm' ? machine : lack(boundary)
        if (why !== null) return t.skip(why)
        const part = partOf(boundary, policy)
        const { status, stdout, stderr } = await verified(
          '--json',
          '--boundary',
          boundary,
          ...policy,
          ...rootOf(boundary),
          ...part.flatMap((each) => ['--only', each]),
        )
        const found = JSON.parse(stdout === '' ? '{}' : stdout) as Partial<Found>
        const bad = found.claims?.filter(({ status: each }) => /broken|control/i.test(each))
        assert.equal(status, 0, `${stderr}\n${JSON.stringify(bad, null, 1)}`)
        assert.equal(found.passed, true)
        assert.ok(
          (found.counts?.holds ?? 0) >= (part.length === 0 ? 20 : part.length),
          JSON.stringify(found.counts),
        )
        const wall = found.versions?.wall ?? ''
        if (boundary === 'microvm') assert.match(wall, /^QEMU \d/)
        else assert.doesNotMatch(wall, /bubblewrap/)
      })

  test('--boundary all goes through those that are here, and names the others', async () => {
    const { status, stdout, stderr } = await verified('--boundary', 'all', '--only', 'files.sys')
    assert.equal(status, 0, stderr + stdout)
    for (const boundary of BUILT) assert.match(stdout, new RegExp(`^${boundary.replace('+', '\\+')}:`, 'm'))
    assert.match(stdout, /runc 1\./)
    const clash = await verified('--boundary', 'all', '--receipt', '/tmp/never-written')
    assert.equal(clash.status, 2)
    assert.match(clash.stderr, /--receipt is about one boundary/)
  })
})

test('an ordinary user is told that to verify a container takes root', async (t) => {
  const ordinary = USERS.find(({ isRoot, skip }) => !isRoot && skip === null)
  if (ordinary === undefined) return t.skip('there is no ordinary user here')
  const { status, stderr } = await finished(ordinary.as(ordinary.cli(['verify', '--boundary', 'runc'])), {
    cwd: '/',
  })
  assert.equal(status, 1)
  assert.match(stderr, /takes root|gives this user .* no ids/)
})
