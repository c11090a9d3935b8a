/**
 * The attack: bring a credential to where it is not for, as the placeholder that the job has, or bring its value back into the sandbox. A
 * regression would show as a value that a host sees where it must not, or that the job hears. The control is the same job without
 * Glovebox, whose variables hold the values: there each of them comes through.
 */
import assert from 'node:assert/strict'
import { stage } from '../egress/tools.js'

const played = stage('../credentials-live/attacks-worker')

interface Through {
  readonly host: string
  readonly line: string
  /** `NAME in place: how` */
  readonly values: readonly string[]
}
interface Attempted {
  readonly statuses: readonly number[]
  readonly end: string
  /** values that the job heard, `NAME in place: how` */
  readonly heard: readonly string[]
  readonly through: readonly Through[]
}
interface Side {
  readonly attempts: Readonly<Record<string, Attempted>>
  /** how often the host that writes its answers itself got the value */
  readonly raw: number
  readonly stderr: string
}
interface Inside extends Side {
  readonly exitCode: number
  /** values in it */
  readonly report: readonly string[]
  readonly refused: readonly string[]
  readonly credentials: readonly { readonly name: string; readonly uses: number; readonly refused: number }[]
}

const both = (name: string, look: (inside: Inside, outside: Side) => void) =>
  played<{ inside: Inside; outside: Side }>(name, 'both', ({ inside, outside }) => {
    assert.equal(inside.exitCode, 0, inside.stderr)
    look(inside, outside)
  })

/** Where each value is for: nothing else of it may come to any host. */
const RIGHT: Readonly<Record<string, RegExp>> = {
  'bearer.test GET /ok/x': /^TOKEN in head/,
  'bearer.test GET /second/x': /^SECOND in head/,
  'swap.test GET /': /^SWAP in head/,
  'swap.test TRACE /': /^SWAP in head/,
  'swap.test GET /repeat': /^SWAP in head/,
  'swap.test GET /redirect': /^SWAP in head/,
  'form.test POST /': /^FORM in body/,
  'key.test GET /': /^KEY in head/,
  'query.test GET /': /^QUERY in url/,
}
const isRight = ({ host, line, values }: Through) =>
  values.every((value) => RIGHT[`${host} ${line}`]?.test(value) === true)

const named = ({ attempts }: Side, name: string): Attempted =>
  attempts[name] ?? assert.fail(`${name} was not tried`)
const withValue = ({ through }: Attempted) => through.filter(({ values }) => values.length > 0)

both('no value comes to where it is not for, and none comes back into the sandbox', (inside, outside) => {
  assert.ok(
    Object.values(outside.attempts).some(({ through }) => !through.every(isRight)),
    'control',
  )
  assert.deepEqual(Object.keys(inside.attempts), Object.keys(outside.attempts))
  for (const [name, { through, heard }] of Object.entries(inside.attempts)) {
    assert.deepEqual(
      through.filter((each) => !isRight(each)),
      [],
      name,
    )
    assert.deepEqual(heard, [], name)
  }
  assert.deepEqual(inside.report, [])
})

/** Each is answered with this, and comes to no host. */
const NOWHERE: Readonly<Record<number, readonly string[]>> = {
  403: [
    'another host',
    'another host, by HTTP/2',
    'another path',
    'another method',
    'another header',
    'clear HTTP',
    'clear HTTP, its own host',
    'another credential’s path',
    'a cookie',
    'a cookie of another host',
    'the query',
    'the query, in escapes',
    'the path',
    'the name of a header',
    'Basic, another host',
    'Base64 in a header',
    'hex in a header',
    'a body',
    'a body, Base64',
    'a body, in Base64 lines',
    'a body, UTF-16',
    'a body, JSON escapes',
    'a body of a host that has it in headers',
    'a body, chunks of one byte',
    'a body, by HTTP/2 in pieces',
    'a trailer, by HTTP/2',
    'with the method overridden',
    'with the path overridden',
    'a path that leads elsewhere',
    'a path that leads elsewhere, escaped',
    'a path that leads elsewhere, by an escaped slash',
    'Host of another',
    'Host of its own, at another',
    'two lines of Host',
    'absolute form',
    ':authority of another',
    ':authority of its own, at another',
    'a placeholder of another sandbox',
    'a placeholder of another sandbox, elsewhere',
    'a value that leaked',
    'a value that leaked, Base64, to its own host',
    'a value that leaked, by clear HTTP',
  ],
}
both(
  'a placeholder, or a value, that goes elsewhere is refused, however it is wrapped',
  (inside, outside) => {
    for (const [status, names] of Object.entries(NOWHERE))
      for (const name of names) {
        assert.ok(withValue(named(outside, name)).length > 0, `control: ${name}`)
        const { statuses, through } = named(inside, name)
        assert.deepEqual({ statuses, through }, { statuses: [Number(status)], through: [] }, name)
      }
    for (const verdict of [
      'denyCredentialElsewhere',
      'denySecret',
      'denyHost',
      'denyServerName',
      'denyRequest',
    ])
      assert.ok(inside.refused.includes(verdict), `${verdict} is on record: ${inside.refused}`)
    const refused = Object.fromEntries(inside.credentials.map(({ name, refused }) => [name, refused]))
    assert.ok(
      (refused.SWAP ?? 0) >= 20 && (refused.TOKEN ?? 0) >= 5 && (refused.KEY ?? 0) >= 1,
      JSON.stringify(refused),
    )
  },
)

both('a connection that is good for one host carries nothing to another', (inside, outside) => {
  for (const name of ['a second authority on a good connection', 'a second host on a kept connection']) {
    assert.equal(withValue(named(outside, name)).length, 2, `control: ${name}`)
    assert.deepEqual(named(inside, name).statuses, [200, 403])
    assert.deepEqual(
      named(inside, name).through.map(({ host }) => host),
      ['swap.test'],
    )
  }
  const redirected = named(inside, 'after a redirect')
  assert.deepEqual(redirected.statuses, [301, 403])
  assert.equal(withValue(named(outside, 'after a redirect')).length, 2, 'control')
  assert.deepEqual(named(inside, 'SNI of its own, at another').through, [])
  assert.deepEqual(named(inside, 'CONNECT').through, [])
})

both('what can’t be read in a request brings nothing but what the job already has', (inside, outside) => {
  for (const name of [
    'two headers',
    'two crumbs of a cookie',
    'a gzipped body',
    'a host that is not looked into',
  ]) {
    assert.equal(withValue(named(outside, name)).length, 1, `control: ${name}`)
    const { through } = named(inside, name)
    assert.equal(through.length, 1, name)
    assert.deepEqual(through[0]?.values, [], name)
  }
  assert.equal(withValue(named(outside, 'a trailer')).length, 1, 'control')
  assert.deepEqual(
    named(inside, 'a trailer').through.flatMap(({ values }) => values),
    [],
  )
})

both('the value is where its credential says, once, whatever the job has there', (inside) => {
  const one: Readonly<Record<string, readonly [line: string, value: RegExp]>> = {
    'two credentials on one host: one': ['bearer.test GET /ok/x', /^TOKEN/],
    'two credentials on one host: the other': ['bearer.test GET /second/x', /^SECOND/],
    'two credentials on one host: the other, in a placeholder': ['bearer.test GET /second/x', /^SECOND/],
    'two Authorizations': ['bearer.test GET /ok/x', /^TOKEN/],
    'Connection: the header of the value': ['key.test GET /', /^KEY/],
    'the header, twice': ['key.test GET /', /^KEY/],
    'the key of the query, in escapes': ['query.test GET /', /^QUERY/],
    'an Expect before a swapped body': ['form.test POST /', /^FORM/],
    'a swapped body over chunk borders': ['form.test POST /', /^FORM/],
  }
  for (const [name, [line, value]] of Object.entries(one)) {
    const { through } = named(inside, name)
    assert.deepEqual(
      through.map(({ host, line }) => `${host} ${line}`),
      [line],
      name,
    )
    assert.ok(through[0]?.values.length && through[0].values.every((each) => value.test(each)), name)
  }
})

both('no request hides in the body of another, when that gets longer or shorter', (inside) => {
  assert.deepEqual(named(inside, 'smuggled').through, [])
  for (const name of ['a request behind a swapped body', 'a length that the swap makes wrong']) {
    const { through } = named(inside, name)
    assert.deepEqual(
      through.map(({ host, line }) => `${host} ${line}`),
      ['form.test POST /'],
      name,
    )
    assert.equal(withValue(named(inside, name)).length, 1, name)
  }
  for (const name of [
    'two lengths',
    'a length and chunks',
    'a folded header',
    'a line end in a header’s value',
  ])
    assert.deepEqual([named(inside, name).statuses, named(inside, name).through], [[400], []], name)
})

both('a host that repeats the value does not bring it in, however it does', (inside, outside) => {
  const names = Object.keys(outside.attempts).filter((name) => name.startsWith('repeated'))
  assert.ok(names.length > 50)
  for (const name of names) {
    // HTTP/2 has no words beside a status
    if (name !== 'repeated by HTTP/2: status')
      assert.notDeepEqual(named(outside, name).heard, [], `control: ${name}`)
    assert.deepEqual(named(inside, name).heard, [], name)
    if (!name.includes(' raw: '))
      assert.equal(withValue(named(inside, name)).length, 1, `${name}: the host had it to repeat`)
  }
  assert.equal(inside.raw, outside.raw)
  assert.ok(inside.raw >= 10)
  for (const verdict of ['denyReflection', 'denyEncoded']) assert.ok(inside.refused.includes(verdict))
})

played<{ none: string[]; some: string[] }>(
  'a sandbox without the credential gets nothing of it, beside one that has it and on the same gateway',
  'neighbours',
  ({ none, some }) => {
    assert.deepEqual(some, ['TOKEN in head: plain'], 'control: the one that has it')
    assert.deepEqual(none, [])
  },
)
