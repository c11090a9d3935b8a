import assert from 'node:assert/strict'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadPolicy, parsePolicy, policyFromFlags } from '../../src/policy/index.js'
import { folder, refusal } from './harness.js'

const owner = process.getuid?.() ?? -1

/** A ceiling that this user owns, and parse and load under it. */
function under(t: TestContext, text: string) {
  const dir = folder(t, { 'ceiling.yaml': text, 'in/deep/': '', 'other/': '' })
  const path = join(dir, 'ceiling.yaml')
  const ceiling = { path, owner }
  const parse = (policy: object) => parsePolicy({ version: 1, ...policy }, { source: 'p', ceiling })
  return { dir, path, ceiling, parse }
}

test('a number above the ceiling is refused with both values and the place of the bound', (t) => {
  const { path, parse } = under(
    t,
    'version: 1\nlimits:\n  memory: 512MiB\n  cpus: 2\nlifetime: {deadline: 1m}',
  )
  assert.equal(parse({ limits: { memory: '512MiB', cpus: 2 } }).limits.cpus, 2)
  const error = refusal(() => parse({ limits: { memory: '1GiB', cpus: 2.5 }, lifetime: { deadline: '61s' } }))
  assert.equal(error.code, 'policy.aboveCeiling')
  assert.equal(
    error.message,
    [
      `p: limits.memory: 1GiB is above the ceiling of 512MiB (${path}:3). Write 512MiB or less.`,
      `p: limits.cpus: 2.5 is above the ceiling of 2 (${path}:4). Write 2 or less.`,
      `p: lifetime.deadline: 61s is above the ceiling of 1m (${path}:5). Write 1m or less.`,
    ].join('\n'),
  )
})

test('a default above the ceiling is refused too, and so is silence where the ceiling bounds it', (t) => {
  const { path, parse } = under(t, 'version: 1\nlifetime: {deadline: 10s, noOutput: 5s}')
  assert.equal(
    refusal(() => parse({})).message,
    [
      `p: lifetime.deadline: the default, 30s, is above the ceiling of 10s (${path}:2). Write 10s or less.`,
      `p: lifetime.noOutput: the default, no such limit, is above the ceiling of 5s (${path}:2). Write 5s or less.`,
    ].join('\n'),
  )
  parse({ lifetime: { deadline: '10s', noOutput: '5s' } })
})

test('numbers and the boundary bind only when written; grants absent from the ceiling are denied', (t) => {
  const { dir, path, parse } = under(t, 'version: 1')
  parse({ boundary: 'docker', limits: { memory: '64GiB' }, lifetime: { deadline: '24h' } })
  const denied = refusal(() =>
    parse({
      files: { read: [`${dir}/in:/in`], write: [`${dir}/in:/out`] },
      syscalls: { allow: ['ptrace'] },
      waive: ['limits.cpus'],
    }),
  )
  assert.equal(
    denied.message,
    [
      `p: files.read[0]: "${dir}/in" is above the ceiling, which lets jobs read nothing (${path}:1). Remove the grant.`,
      `p: files.write[0]: "${dir}/in" is above the ceiling, which lets jobs write nothing (${path}:1). Remove the grant.`,
      `p: syscalls.allow: "ptrace" is above the ceiling, which has nothing here (${path}:1). Remove it.`,
      `p: waive: "limits.cpus" is above the ceiling, which has nothing here (${path}:1). Remove it.`,
    ].join('\n'),
  )
})

test('a live grant needs one in the ceiling', (t) => {
  const { dir, path, parse } = under(t, 'version: 1\nfiles: {write: [/]}')
  const live = { files: { write: [{ path: `${dir}/in`, inside: '/out', live: true }] } }
  parse({ files: { write: [{ path: `${dir}/in`, inside: '/out', live: false }] } })
  assert.equal(
    refusal(() => parse(live)).message,
    `p: files.write[0]: a live grant of "${dir}/in" is above the ceiling, which lets jobs only have it collected (${path}:2). Remove \`live\`.`,
  )
  under(t, 'version: 1\nfiles: {write: [{path: /, live: true}]}').parse(live)
})

test('a grant must be one of the ceiling or lie in it, for its own use', (t) => {
  const { dir, ceiling, parse } = under(t, 'version: 1\nfiles: {read: [/], write: [/nonexistent.invalid]}')
  parse({ files: { read: [`${dir}/in/deep:/in`] } })
  refusal(() => parse({ files: { write: [`${dir}/in:/out`] } }))
  const narrow = under(t, `version: 1\nfiles: {read: ["${dir}/in"]}`)
  narrow.parse({ files: { read: [`${dir}/in:/a`, `${dir}/in/deep:/b`] } })
  for (const host of ['other', 'in/../other', '.'])
    refusal(() => narrow.parse({ files: { read: [`${dir}/${host}:/a`] } }))
  assert.ok(ceiling)
})

test("a boundary in the ceiling must be the policy's; what it denies must be denied; lists must be within", (t) => {
  const { path, parse } = under(
    t,
    'version: 1\nboundary: gvisor\nsyscalls: {deny: [socket], allow: [ptrace]}\nwaive: [limits.cpus]',
  )
  parse({
    boundary: 'gvisor',
    syscalls: { deny: ['socket', 'bind'], allow: ['ptrace'] },
    waive: ['limits.cpus'],
  })
  assert.equal(
    refusal(() => parse({ waive: ['limits.memory'] })).message,
    [
      `p: boundary: the boundary must be gvisor, not process (ceiling ${path}:2). Write boundary: gvisor.`,
      `p: syscalls.deny: "socket" must be denied (ceiling ${path}:3). Add it.`,
      `p: waive: "limits.memory" is above the ceiling, which has limits.cpus here (${path}:4). Remove it.`,
    ].join('\n'),
  )
})

test('a ceiling of the compute profile lets no job have more; one of the default profile lets it have less', (t) => {
  const { path, parse } = under(t, 'version: 1\nsyscalls: {profile: compute}')
  parse({ syscalls: { profile: 'compute' } })
  const above = (given: string) =>
    `p: syscalls.profile: ${given} is above the ceiling of compute (${path}:2). Write compute.`
  assert.equal(refusal(() => parse({})).message, above('the default, default,'))
  assert.equal(refusal(() => parse({ syscalls: { profile: 'default' } })).message, above('default'))
  under(t, 'version: 1\nsyscalls: {profile: default}').parse({ syscalls: { profile: 'compute' } })
})

test('files, flags and profiles are held to the ceiling as well', (t) => {
  const { dir, ceiling } = under(t, 'version: 1\nlimits: {memory: 8MiB}')
  const file = join(dir, 'ceiling.yaml')
  assert.equal(loadPolicy(file, { ceiling }).limits.memoryBytes, 8 * 1024 ** 2)
  assert.equal(refusal(() => loadPolicy('imagemagick', { ceiling })).code, 'policy.aboveCeiling')
  const { message } = refusal(() => policyFromFlags({ memory: '9MiB' }, { cwd: dir, callerEnv: {}, ceiling }))
  assert.equal(
    message,
    `--memory: limits.memory: 9MiB is above the ceiling of 8MiB (${file}:2). Write 8MiB or less.`,
  )
})

// whoever can write the bound can lift it
test('a ceiling that others can write, or of another owner, stops everything', (t) => {
  const { path, ceiling, parse } = under(t, 'version: 1')
  for (const mode of [0o664, 0o646, 0o666]) {
    chmodSync(path, mode)
    assert.equal(refusal(() => parse({})).code, 'policy.ceilingUntrusted')
  }
  chmodSync(path, 0o644)
  parse({})
  const other = { path, owner: ceiling.owner + 1 }
  assert.equal(refusal(() => parsePolicy({ version: 1 }, { ceiling: other })).code, 'policy.ceilingUntrusted')
})

test('a ceiling that can not be read or understood stops everything', (t) => {
  for (const text of [
    '',
    'version: 2',
    'version: 1\nlimit: {}',
    'version: 1\nnetwork: {allow: ["*"]}',
    'a: [',
  ])
    assert.match(refusal(() => under(t, text).parse({})).message, /ceiling\.yaml:\d/)
  const { dir } = under(t, 'version: 1')
  assert.equal(
    refusal(() => parsePolicy({ version: 1 }, { ceiling: { path: dir, owner } })).code,
    'policy.unreadable',
  )
  parsePolicy({ version: 1 }, { ceiling: { path: join(dir, 'none.yaml'), owner } })
})

test('a ceiling can bound no environment, no place inside, and no relative path', (t) => {
  for (const text of [
    'env: {A: b}',
    'workdir: /job',
    'files: {read: ["/srv:/in"]}',
    'files: {write: [srv]}',
    'files: {read: [/srv/../etc]}',
  ])
    assert.equal(refusal(() => under(t, `version: 1\n${text}`).parse({})).code, 'policy.notABound', text)
})
