import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'
import { folder, message, parse } from './harness.js'

const read = (...entries: unknown[]) => ({ version: 1, files: { read: entries } })
const write = (...entries: unknown[]) => ({ version: 1, files: { write: entries } })

test('a host path is stored as where it really is: no symbolic link, no dot, no double slash', (t) => {
  const dir = folder(t, { 'real/deep/f': 'x' })
  symlinkSync(join(dir, 'real'), join(dir, 'link'))
  const { files } = parse(read(`${dir}//link/./deep:/in`, `${dir}/link/deep/f:/f`))
  assert.deepEqual(files.read, [
    { host: `${dir}/real/deep`, inside: '/in' },
    { host: `${dir}/real/deep/f`, inside: '/f' },
  ])
})

test('without INSIDE the place inside is the path as written, link and all', (t) => {
  const dir = folder(t, { 'real/': '' })
  symlinkSync(join(dir, 'real'), join(dir, 'link'))
  assert.deepEqual(parse(read(`${dir}/link/`)).files.read, [{ host: `${dir}/real`, inside: `${dir}/link` }])
})

test('a relative host path starts from the base folder', (t) => {
  const dir = folder(t, { 'in/': '', 'sub/': '' })
  const grant = [{ host: `${dir}/in`, inside: `${dir}/in` }]
  assert.deepEqual(parse(read('in'), { baseDir: dir }).files.read, grant)
  assert.deepEqual(parse(read('../in'), { baseDir: `${dir}/sub` }).files.read, grant)
})

// by its letters `link/../secret` is DIR/secret; for the kernel it is beside the link's target
test('".." after a symbolic link is resolved as the kernel does', (t) => {
  const dir = folder(t, { 'a/b/': '', 'a/secret/': '', 'secret/': '' })
  symlinkSync(join(dir, 'a/b'), join(dir, 'link'))
  assert.equal(parse(read(`${dir}/link/../secret:/in`)).files.read[0]?.host, `${dir}/a/secret`)
})

test('places that are never granted are refused, to read and to write, by any spelling', (t) => {
  const dir = folder(t)
  symlinkSync('/', join(dir, 'root'))
  symlinkSync('/proc/self', join(dir, 'self'))
  for (const use of [read, write]) {
    for (const host of ['/', '//', '/./', '/usr/..', `${dir}/root`])
      assert.match(message(use(`${host}:/in`)), /is the whole host/, host)
    for (const host of ['/proc', '/proc/1', '/dev', '/dev/null', '/sys', '/sys/kernel', '/run', '/var/run'])
      assert.match(message(use(`${host}:/in`)), /which is never granted\./, host)
    assert.match(message(use(`${dir}/self/root/proc:/in`)), /never granted|is the whole host/)
    assert.match(message(use('/etc:/in')), /\/etc/)
  }
  assert.equal(
    message(read(`${dir}/self:/in`)).replace(/proc\/\d+/, 'proc/N'),
    `policy.yaml: files.read[0]: "${dir}/self" lies in /proc (/proc/N), which is never granted. Copy what the job needs elsewhere.`,
  )
})

test('Glovebox’s own files are never written, nor what they lie in, nor its state read', () => {
  for (const part of ['bin', 'dist', 'dist/native', 'policies', 'node_modules'])
    assert.match(
      message(write(`${ROOT}/${part}:/out`)),
      /lies in .* of Glovebox itself, which no job may replace/,
    )
  for (const above of [ROOT, dirname(ROOT)].filter((path) => path !== '/'))
    assert.match(
      message(write(`${above}:/out`)),
      /holds Glovebox's own programs in .*Choose a folder of its own/,
    )
  assert.equal(parse(read(`${ROOT}/policies:/in`)).files.read.length, 1, 'they are no secret')
  const resolveHostPath = (path: string) => ({ path, kind: 'directory' as const })
  assert.match(message(read('/var/lib/glovebox/journal:/in'), { resolveHostPath }), /never granted/)
})

test('sockets and fifos are no grants', async (t) => {
  const dir = folder(t)
  execFileSync('mkfifo', [join(dir, 'fifo')])
  const server = createServer()
  await new Promise<void>((done) => server.listen(join(dir, 'sock'), done))
  t.after(() => server.close())
  assert.match(message(read(`${dir}/sock:/in`)), /is a socket\. Grant files and folders only\.$/)
  assert.match(message(read(`${dir}/fifo:/in`)), /is a fifo\. Grant files and folders only\.$/)
})

test('output goes into an existing folder, and not among the programs and settings of the host', (t) => {
  const dir = folder(t, { f: 'x' })
  assert.match(
    message(write(`${dir}/f:/out`)),
    /is not a folder\. Grant the folder that the output goes to\.$/,
  )
  assert.match(
    message(write(`${dir}/none:/out`)),
    /does not exist on this host\. Create it, or correct the path\.$/,
  )
  for (const host of ['/usr', '/usr/lib', '/etc/ssl', '/bin'])
    assert.match(message(write(`${host}:/out`)), /where no job may leave files\./, host)
})

test('a place inside that belongs to the sandbox is refused, with advice', (t) => {
  const dir = folder(t, { 'in/': '' })
  const at = (inside: string) => message(read(`${dir}/in:${inside}`))
  for (const inside of [
    '/',
    '/proc',
    '/proc/1',
    '/dev/shm',
    '/sys',
    '/run/x',
    '/usr/share/fonts/x',
    '/etc/foo',
    '/lib64',
    '/tmp',
    '/var/tmp/',
    '/var/tmp/in',
  ])
    assert.match(at(inside), /policy\.yaml: files\.read\[0\]: "/, inside)
  assert.equal(
    at('/usr/share/fonts/x'),
    'policy.yaml: files.read[0]: "/usr/share/fonts/x" lies in /usr, which the sandbox\'s root holds read-only. ' +
      'root: host shows /usr already. Choose a place such as HOST:/in/x.',
  )
  assert.equal(
    at('/var/tmp/in'),
    'policy.yaml: files.read[0]: "/var/tmp/in" leads through /var/tmp, which is a link to /tmp. Write /tmp/in.',
  )
  for (const inside of ['/tmp/x', '/job', '/job/x', '/srv', '/home/user', '/usrx'])
    assert.equal(parse(read(`${dir}/in:${inside}`)).files.read[0]?.inside, inside)
})

test('a place inside is absolute, without "..", NUL and controls, and bounded', (t) => {
  const dir = folder(t)
  const at = (inside: string) => message(read({ path: dir, inside }))
  assert.match(at('in'), /"in" is not an absolute path inside the sandbox\. Write one such as \/in\.$/)
  assert.match(at('/in/../etc'), /contains "\.\."\./)
  for (const bad of ['/a\0b', '/a\nb', '/a\u001b[2J', '/a\u2028b', '/a\u0085b'])
    assert.match(at(bad), /contains a control character\./)
  assert.match(at('/\ud800'), /is not well-formed text\./)
  assert.match(at(`/${'x'.repeat(256)}`), /has a part longer than 255 bytes\./)
  assert.match(at('/x'.repeat(2048)), /is longer than 4095 bytes\./)
})

test('a host path with NUL, controls or too many bytes is refused before the host is asked', () => {
  const resolveHostPath = () => assert.fail('asked')
  for (const path of ['/a\0b', '/a\nb', `/${'é'.repeat(128)}`, '/x'.repeat(2048), '', '~', '~/x'])
    assert.match(message(read({ path, inside: '/in' }), { resolveHostPath }), /files\.read\[0\]\.path: /)
})

test('HOST:INSIDE splits at one colon; more colons need the long form', (t) => {
  const dir = folder(t, { 'a:b/': '' })
  const advice = 'is not HOST or HOST:INSIDE. For a path with a colon write {path: HOST, inside: INSIDE}.'
  for (const entry of [`${dir}/a:b:/in`, `${dir}:`, ':/in', ''])
    assert.equal(message(read(entry)), `policy.yaml: files.read[0]: "${entry}" ${advice}`)
  assert.equal(parse(read({ path: `${dir}/a:b`, inside: '/in' })).files.read[0]?.host, `${dir}/a:b`)
})

test('two grants can not meet inside', (t) => {
  const dir = folder(t, { 'a/': '', 'b/': '', 'c/d/': '' })
  const both = (r: string[], w: string[]) => message({ version: 1, files: { read: r, write: w } })
  assert.equal(
    both([`${dir}/a:/in`, `${dir}/b:/in/`], []),
    'policy.yaml: files.read[1]: "/in" inside is taken by files.read[0] already. Choose another place, or remove one.',
  )
  assert.match(
    both([`${dir}/a:/in`], [`${dir}/b:/in`]),
    /files\.write\[0\]: "\/in" inside is taken by files\.read\[0\]/,
  )
  assert.match(
    both([`${dir}/a:/in`], [`${dir}/b:/in/out`]),
    /"\/in\/out" inside lies in "\/in", which is files\.read\[0\]/,
  )
  assert.match(
    both([`${dir}/a:/out/in`], [`${dir}/b:/out`]),
    /"\/out" inside contains "\/out\/in", which is files\.read\[0\]/,
  )
  assert.match(both([], [`${dir}/c:/x`, `${dir}/c/d:/y`]), /is written together with/)
  parse({ version: 1, files: { read: [`${dir}/a:/in`, `${dir}/a:/in2`], write: [`${dir}/a:/out`] } })
})

test('a workdir may be a granted folder or lie in one, and is no granted file', (t) => {
  const dir = folder(t, { 'in/': '', f: 'x' })
  for (const workdir of ['/in', '/in/deep', '/tmp', '/job/x'])
    assert.equal(parse({ ...read(`${dir}/in:/in`), workdir }).workdir, workdir)
  assert.match(
    message({ ...read(`${dir}/f:/f`), workdir: '/f' }),
    /workdir: "\/f" is the file that files\.read\[0\] grants\./,
  )
  for (const workdir of ['/', '/proc', '/etc', '/dev/shm']) message({ version: 1, workdir })
})

test('an environment that execve would refuse is refused', () => {
  const long = 'x'.repeat(131_070)
  assert.match(
    message({ version: 1, env: { A: long } }),
    /makes an entry of 131072 bytes; the most is 131071\.$/,
  )
  parse({ version: 1, env: { A: long.slice(1), LD_PRELOAD: '/in/x.so' } })
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`V${i}`, '']))
  assert.match(message({ version: 1, env: many }), /has 1025 variables; the most is 1024\.$/)
  const heavy = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`V${i}`, long.slice(9)]))
  assert.match(message({ version: 1, env: heavy }), /bytes in all; the most is 1048576\.$/)
})
