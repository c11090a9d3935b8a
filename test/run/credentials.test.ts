/** Credentials of a run, whole: from their sources, through the gateway, to a host over TLS, and to their end. No value is ever said. */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('credentials-worker.js', import.meta.url))

const USED: Readonly<Record<string, unknown>> = {
  'a value of the caller': ['exited', 'the value', 'T 1 0 sandbox'],
  'the variable holds a placeholder': ['exited', 'PLACEHOLDER\n1'],
  'two runs have two placeholders': true,
  'a file that is replaced': ['exited', 'the value200\nthe next value200', 'T N 0 sandbox'],
  'a file that others may read from now on': [
    'exited',
    'the value200\n403',
    'T N N revoked: the file FOLDER/opened can be read by others. chmod 600 it, or write `shared: true` beside `file`.',
  ],
  'a file that is unlinked': [
    'exited',
    'the value200\n403',
    'T N N revoked: the file FOLDER/unlinked cannot be read (ENOENT).',
  ],
  'a file that has two lines from now on': [
    'exited',
    'the value200\n403',
    'T N N revoked: the file FOLDER/two-lines gave more than one line. Let it give one line with the value alone.',
  ],
  'revoked while it runs': ['the value200\n403', 'revoked', true],
  'revoked before it has started': ['403', 'revoked'],
  'revoked by a name that is none': 'The policy has no credential "X". It has T.',
  'so many uses': ['exited', 'the value403', 'T 1 1 uses'],
  'refused before it began: what its caller gave is redacted all the same': [
    'policy.unchecked',
    '[secret T]',
    '[secret T]',
    true,
    false,
  ],
  'ended before its values were known: its report has no arguments': [
    'cancelled',
    ['echo', '[2 arguments left out: no value was known yet]'],
    false,
  ],
  'control: ended when they were known': ['exited', ['echo', 'a', 'b'], true],
  'cancelled while a command hangs': ['cancelled'],
}

const ASKED = ['/token', '/revoke minted-for-this-run']
const MINTED: Readonly<Record<string, unknown>> = {
  'a token that is exchanged, and revoked at the end': [
    ['exited', 'the minted token', 'T 1 0 sandbox revoked=true'],
    ASKED,
  ],
  'a token whose lease ends first is revoked then': ['cancelled', ASKED],
  'a server that does not revoke': [['exited', 'T 0 0 sandbox revoked=false'], ASKED],
}

const input = 'input.unreadable'
/** What is thrown: its code, and its sentence; the third is what a server of tokens was asked. */
const REFUSED: Readonly<Record<string, readonly [code: string, sentence: RegExp]>> = {
  'a token for a run that is refused': [input, /no such file/],
  'a token, where the command holds what it is exchanged from': ['credential.inside', /^Argument 1 /],
  'an argument': [
    'credential.inside',
    /^Argument 1 of the command holds the value of credentials\.T, .* single quotes/,
  ],
  'an argument, in Base64': ['credential.inside', /^Argument 1 /],
  'the environment': ['credential.inside', /^The variable COPY \(env\) holds/],
  'the work directory': ['credential.inside', /holds the value/],
  'the name of an input': ['credential.inside', /^The name of an input or output holds/],
  'the standard input': ['credential.inside', /^The standard input holds/],
  'the bytes of an input': ['credential.inside', /^The input \/job\/x holds/],
  'a file that is an input, across pieces': ['credential.inside', /^The input \/job\/x holds/],
  'a variable that is not set': ['credential.missing', /the variable NOT_SET_HERE is not set\. Set it/],
  'no value of the caller': [
    'credential.missing',
    /no value was given for credentials\.T\. Give it with the run/,
  ],
  'a value that nothing asks for': ['secrets.unknown', /secrets has "U", .* Give T\./],
  'an empty value': ['credential.empty', /gave an empty value/],
  'a value of two lines': ['credential.lines', /gave more than one line/],
  'a command that fails': ['credential.command', /failed with exit code 3\. Run it by hand/],
  'a command that hangs': ['credential.command', /did not end within 1000 ms/],
  'a command that says too much': ['credential.command', /printed more than 65536 bytes/],
  'a file that others can read': ['credential.file', /can be read by others\. chmod 600/],
  'a token for another audience': ['credential.exchange', /for another audience/],
  'a token that is not valid yet': ['credential.exchange', /not valid yet\. Compare the clocks/],
  'a token that has expired, to exchange': ['credential.expired', /has expired\. Renew it/],
  'STS that throttles for ever': ['credential.assumeRole', /and there was no more time/],
  'STS that is down': ['credential.assumeRole', /STS did not answer, and there was no more time/],
  'STS whose clock is another': ['credential.assumeRole', /60 minutes apart: set this one/],
}

asEachNetworkUser('a job uses what it never has, as long as it may', async (user, t) => {
  const readable = await finished(user.as(['test', '-r', WORKER]))
  if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
  const argv = [process.execPath, WORKER, ...(user.noMemoryLimit === null ? [] : ['--waive'])]
  const { stdout, stderr } = await finished(user.as(argv), { cwd: '/', timeout: 180_000 })
  assert.equal(stderr, '')
  const seen: Record<string, unknown> = JSON.parse(stdout)
  for (const [what, expected] of Object.entries({ ...USED, ...MINTED }))
    await t.test(what, () => assert.deepEqual(seen[what], expected))
  for (const [what, [code, sentence]] of Object.entries(REFUSED))
    await t.test(`refused, before the job starts: ${what}`, () => {
      const minted = what.startsWith('a token for a run') || what.startsWith('a token, where')
      const [error, asked] = (minted ? seen[what] : [seen[what], ASKED]) as [string[], string[]]
      assert.equal(error[0], code)
      assert.match(error[1] ?? '', sentence)
      assert.equal(error.length, 2, 'it says a value')
      assert.deepEqual(asked, ASKED, 'what was minted is revoked')
    })
  await t.test('what a bad source gave is not said either', () =>
    assert.equal(seen['a value of two lines, which the command holds too'], 'echo [secret T] [secret T]'),
  )
})
