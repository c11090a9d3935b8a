/** `glovebox doctor` and `glovebox verify`, as a user of this machine would type them. */
import { readFileSync } from 'node:fs'
import { check, PROGRAM, started } from './checks.mjs'

/** Nobody else's machine: what others would notice may be tried too. */
const VERIFY = ['verify', '--json', '--quiet', '--unsafe-controls']

const POLICIES = {
  'the default policy': [],
  'a network': ['--allow-host', 'allowed.test'],
}

/** Of all hosts but one: a verification takes minutes. Root's sandboxes and a user's differ, and so do these. */
export function verifiedByBoth(root, user) {
  verified(root, ['a network'])
  verified(user, ['the default policy'])
}

/** What --quick asks for. */
const IS_QUICK = readFileSync('/proc/cmdline', 'latin1').includes('glovebox.quick')

/** Every claim of a whole verification holds, by its own count. */
export function verified({ name, as, flags = [] }, policies = Object.keys(POLICIES)) {
  for (const called of IS_QUICK ? [] : policies) {
    const began = Date.now()
    const { status, stdout, stderr } = started([...as, PROGRAM, ...VERIFY, ...flags, ...POLICIES[called]])
    const result = read(stdout)
    const { passed = false, counts = {}, claims = [], probes = [] } = result
    const wrong = [...claims, ...probes].filter(
      ({ status }) => status === 'broken' || /control/i.test(status),
    )
    check(
      `${name}: verify, ${called}: ${counts.holds ?? 0} claims hold, ${probes.length} probes (${Math.round((Date.now() - began) / 1000)} s)`,
      status === 0 && passed && counts.holds > 0,
      {
        status,
        counts,
        wrong,
        stderr: stderr.slice(-2000),
        stdout: stdout.slice(0, counts.holds ? 0 : 2000),
      },
    )
  }
}

/** @returns its findings, by name */
export function doctor({ name, as }, ...missing) {
  const { status, stdout, stderr } = started([...as, PROGRAM, 'doctor', '--json'])
  const findings = read(stdout, [])
  const said = findings.filter((finding) => finding.status === 'missing').map((finding) => finding.name)
  check(
    `${name}: doctor misses ${missing.join(', ') || 'nothing'}`,
    status === (missing.length === 0 ? 0 : 1) && findings.length > 0 && said.join() === missing.join(),
    { status, said, stderr },
  )
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]))
}

/** @returns the claim `id` of the plan there */
export function claimOf({ as, flags = [] }, id) {
  const { claims = [] } = read(started([...as, PROGRAM, 'explain', '--json', ...flags]).stdout)
  return claims.find((claim) => claim.id === id) ?? {}
}

function read(json, otherwise = {}) {
  try {
    return JSON.parse(json)
  } catch {
    return otherwise
  }
}
