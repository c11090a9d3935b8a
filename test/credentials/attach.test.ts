/** A value goes where its credential is for and nowhere else; what stands for it is refused anywhere else. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  BodySwap,
  type HeldCredentials,
  type Material,
  makePlaceholder,
  placeholdersIn,
  placeholderVariables,
  RequestBodyGuard,
} from '../../src/credentials/index.js'
import {
  AWS,
  ask,
  attached,
  awsKeys,
  grant,
  HOST,
  header,
  holding,
  placeholderOf,
  VALUE,
  value,
  verdict,
} from './setting.js'

const revealed = (material: Material | undefined) => {
  if (material === undefined) return []
  const secrets =
    material.kind === 'value' ? [material.value] : [material.keys.secret, material.keys.sessionToken]
  return secrets.map((each) => each?.reveal() ?? null)
}
const base64 = (text: string) => Buffer.from(text).toString('base64')

describe('what a request carries', () => {
  test('bearer: Authorization says the value, whatever the job had there', () => {
    const held = holding([{}])
    for (const line of [
      `Bearer ${placeholderOf(held)}`,
      'Bearer somebody-else',
      `token ${placeholderOf(held)}`,
    ]) {
      const answer = attached(held, {
        headers: [
          ['Host', HOST],
          ['authorization', line],
          ['Authorization', 'x'],
        ],
      })
      assert.deepEqual(header(answer, 'authorization'), [`Bearer ${VALUE}`])
      assert.deepEqual(answer.names, ['TOKEN'])
    }
  })

  test('basic: with the user of the policy, or the pair that the value is', () => {
    const line = (use: object) =>
      header(attached(holding([{ use: { kind: 'basic', user: null, ...use } }])), 'authorization')
    assert.deepEqual(line({ user: 'x-access-token' }), [`Basic ${base64(`x-access-token:${VALUE}`)}`])
    assert.deepEqual(line({}), [`Basic ${base64(VALUE)}`])
  })

  test('header and query: once, in place of any other', () => {
    const named = attached(holding([{ use: { kind: 'header', name: 'x-api-key' } }]), {
      headers: [
        ['X-Api-Key', 'a'],
        ['x-api-key', 'b'],
      ],
    })
    assert.deepEqual(header(named, 'x-api-key'), [VALUE])
    const query = attached(holding([{ use: { kind: 'query', key: 'key' } }]), {
      target: '/a?key=1&b=%20&%6bey=2&c',
    })
    assert.equal(query.target, `/a?b=%20&c&key=${VALUE}`)
  })

  test('placeholder: swapped in headers and in Basic; in query and body only by rule', () => {
    const held = holding([{ use: { kind: 'placeholder', in: ['headers'] } }])
    const mark = placeholderOf(held)
    const answer = attached(held, {
      headers: [
        ['X-Any', `a ${mark} b`],
        ['Authorization', `Basic ${base64(`git:${mark}`)}`],
      ],
    })
    assert.deepEqual(header(answer, 'x-any'), [`a ${VALUE} b`])
    assert.deepEqual(header(answer, 'authorization'), [`Basic ${base64(`git:${VALUE}`)}`])
    assert.deepEqual(attached(held).names, [], 'a request without a placeholder carries nothing')
    assert.equal(verdict(held, { target: `/a?key=${mark}` }), 'denyCredentialElsewhere')

    const wide = holding([{ use: { kind: 'placeholder', in: ['query', 'body'] } }])
    const swapped = attached(wide, {
      target: `/a?key=${placeholderOf(wide)}`,
      headers: [['Content-Type', 'application/json']],
    })
    assert.equal(swapped.target, `/a?key=${VALUE}`)
    assert.equal(swapped.swaps.length, 1)
  })

  test('a body is swapped across pieces, spelled as its type is', () => {
    const [from, to] = [makePlaceholder(), 'a"b']
    const text = `{"k":"${from}","l":"${from}${from.slice(0, 20)}"}`
    for (const size of [1, 7, 41, 500]) {
      const swap = new BodySwap(from, JSON.stringify(to).slice(1, -1))
      const out: Uint8Array[] = []
      for (let at = 0; at < text.length; at += size)
        out.push(swap.push(Buffer.from(text.slice(at, at + size))))
      out.push(swap.push(Buffer.alloc(0), true))
      assert.equal(Buffer.concat(out).toString(), text.replaceAll(from, 'a\\"b'))
      assert.equal(swap.count, 2)
    }
  })

  test('answers of a host that receives a value are asked for unpacked; of others, as the job asked', () => {
    const headers = [
      ['Accept-Encoding', 'gzip, br'],
      ['Sec-WebSocket-Extensions', 'permessage-deflate'],
    ] as const
    const answer = attached(holding([{}]), { headers })
    assert.deepEqual(header(answer, 'accept-encoding'), ['identity'])
    assert.deepEqual(header(answer, 'sec-websocket-extensions'), [])
    assert.equal(answer.guarded, true)
    const other = attached(holding([{}]), { headers, host: 'other.test' })
    assert.deepEqual([other.headers, other.guarded, other.names], [headers, false, []])
  })
})

test('a method or a path in a header, in whichever spelling, takes the value off; another header does not', () => {
  const held = holding([{ methods: ['GET'], paths: ['/a'] }])
  const carries = (name: string) => attached(held, { headers: [[name, 'DELETE']] }).names
  for (const name of [
    'X-HTTP-Method-Override',
    'X_HTTP_METHOD_OVERRIDE',
    'x-method_override',
    'X_Rewrite_Url',
  ])
    assert.deepEqual(carries(name), [], name)
  assert.deepEqual(carries('X_HTTP_Anything'), ['TOKEN'])
})

describe('a placeholder on its way elsewhere is refused', () => {
  const held = holding([{ methods: ['GET'], paths: ['/a'] }])
  const mark = placeholderOf(held)
  const bearer = { headers: [['Authorization', `Bearer ${mark}`]] } as const
  const cases: readonly (readonly [string, object])[] = [
    ['another host', { ...bearer, host: 'evil.test' }],
    ['another port', { ...bearer, port: 8443 }],
    ['a host that ends alike', { ...bearer, host: 'evil-api.test' }],
    ['another method', { ...bearer, method: 'POST' }],
    ['another path', { ...bearer, pathFits: () => false }],
    ['a method said in a header', { headers: [...bearer.headers, ['X-HTTP-Method-Override', 'DELETE']] }],
    [
      'a method said in a header with underscores',
      { headers: [...bearer.headers, ['X_HTTP_METHOD_OVERRIDE', 'DELETE']] },
    ],
    ['a path said in a header', { headers: [...bearer.headers, ['X-Original-URL', '/b']] }],
    ['a path said in a header with underscores', { headers: [...bearer.headers, ['x_original-Url', '/b']] }],
    ['the query', { target: `/a?x=${mark}` }],
    ['the path', { target: `/${mark}` }],
    ['a cookie', { headers: [['Cookie', `s=${mark}`]] }],
    ['the name of a header', { headers: [[mark, 'x']] }],
    ['Basic, where Bearer is meant for another header', { headers: [['X-Auth', base64(`a:${mark}`)]] }],
    ['percent', { target: `/a?x=${[...mark].map((c) => `%${c.charCodeAt(0).toString(16)}`).join('')}` }],
    ['percent in percent', { target: `/a?x=%25${mark.charCodeAt(0).toString(16)}${mark.slice(1)}` }],
    ['hex', { headers: [['X-A', Buffer.from(mark).toString('hex')]] }],
  ]
  for (const [name, more] of cases)
    test(name, () => {
      assert.equal(verdict(held, more), 'denyCredentialElsewhere')
      const plain = JSON.parse(JSON.stringify(more).replaceAll(mark, 'x'.repeat(41)))
      if (name !== 'percent' && name !== 'percent in percent' && name !== 'hex' && !name.startsWith('Basic'))
        assert.equal(verdict(held, { ...more, ...plain }), null, 'without the placeholder it goes on')
    })

  test('of the two that stand for keys of AWS, the secret one is in no request, wrapped or not', () => {
    const use = { kind: 'aws-sigv4', region: 'r', service: 's3', presigned: false } as const
    const aws = holding([{ name: 'AWS', use }, awsKeys()])
    const variables = placeholderVariables(grant({ name: 'AWS', use }), placeholderOf(aws, 'AWS'))
    assert.equal(variables.AWS_ACCESS_KEY_ID, placeholderOf(aws, 'AWS'))
    const key = variables.AWS_SECRET_ACCESS_KEY ?? ''
    assert.deepEqual(placeholdersIn(key), [key])
    const hex = Buffer.from(key).toString('hex')
    for (const host of [HOST, 'evil.test']) {
      for (const text of [key, hex, base64(`a:${key}`), `Bearer ${key}`]) {
        const answer = ask(aws, { host, headers: [['Authorization', text]] })
        assert.equal(answer.kind === 'denied' && answer.name, 'AWS', text)
        assert.equal(verdict(aws, { host, headers: [['Authorization', text]] }), 'denyCredentialElsewhere')
        const body = new RequestBodyGuard(aws, []).push(Buffer.from(`k=${text}`), true)
        assert.equal('verdict' in body && body.verdict, 'denyCredentialElsewhere', text)
      }
      assert.equal(verdict(aws, { host, headers: [['X-A', `x${hex.slice(0, -2)}`]] }), null)
    }
  })

  test('a placeholder of another sandbox stands for nothing', () => {
    const headers = [['Authorization', `Bearer ${makePlaceholder()}`]] as const
    assert.equal(verdict(holding([{}]), { headers }), 'denyCredentialElsewhere')
    const wrong = `${makePlaceholder().slice(0, -1)}~`
    assert.equal(
      verdict(holding([{}]), { headers: [['X-A', wrong]] }),
      null,
      'what only looks like one is nothing',
    )
  })

  test('the hint says what it is for, and no placeholder and no value', () => {
    const answer = ask(held, { ...bearer, host: 'evil.test' })
    assert.ok(answer.kind === 'denied')
    assert.match(answer.hint ?? '', /credentials\.TOKEN is not for this/)
    assert.ok(!JSON.stringify(answer).includes(mark))
  })
})

test('a real value in a request is refused, to the right host, too, and after the lease has ended', () => {
  const held = holding([{}])
  const leak = { headers: [['X-A', VALUE]] } as const
  assert.equal(verdict(held, leak), 'denySecret')
  assert.equal(verdict(held, { ...leak, host: 'evil.test' }), 'denySecret')
  assert.equal(verdict(held, { target: `/?q=${base64(`leak:${VALUE}`)}` }), 'denySecret')
  held.revoke('TOKEN', 1)
  assert.equal(verdict(held, { ...leak, host: 'evil.test' }), 'denySecret')
})

test('the password of a pair is a value by itself, in heads and bodies, to whichever host', () => {
  const password = 'pw-4eC39HqLyjWDarjt'
  const held = holding([{ use: { kind: 'basic', user: null } }, value('TOKEN', `alice:${password}`)])
  for (const host of [HOST, 'evil.test']) {
    for (const text of [password, base64(password), `alice:${password}`])
      assert.equal(verdict(held, { host, headers: [['X-A', text]] }), 'denySecret', text)
    assert.equal(verdict(held, { host, target: `/?p=${password}` }), 'denySecret')
    assert.equal(verdict(held, { host, headers: [['X-A', 'alice']] }), null, 'the user is no secret')
  }
  const body = new RequestBodyGuard(held, []).push(Buffer.from(`p=${password}`), true)
  assert.equal('verdict' in body && body.verdict, 'denySecret')
})

test('bodies are looked through on their way to every host', () => {
  const held = holding([{ use: { kind: 'placeholder', in: ['body'] } }])
  const mark = placeholderOf(held)
  const send = (text: string, swapped: string[]) => {
    const guard = new RequestBodyGuard(held, swapped)
    const answers = [...text].map((each) => guard.push(Buffer.from(each)))
    answers.push(guard.push(Buffer.alloc(0), true))
    const denial = answers.find((each) => 'kind' in each)
    const passed = Buffer.concat(
      answers.map((each) => ('bytes' in each ? Uint8Array.from(each.bytes) : new Uint8Array())),
    ).toString()
    return { verdict: denial !== undefined && 'verdict' in denial ? denial.verdict : null, passed }
  }
  assert.deepEqual(send(`k=${mark}`, []), { verdict: 'denyCredentialElsewhere', passed: 'k=' })
  assert.deepEqual(send(`k=${mark}`, ['TOKEN']), { verdict: null, passed: `k=${mark}` })
  assert.deepEqual(send(`k=${VALUE}`, ['TOKEN']), { verdict: 'denySecret', passed: 'k=' })
})

describe('leases', () => {
  test('uses are counted; the one behind the last is refused', () => {
    const held = holding([{ uses: 2 }])
    assert.deepEqual([verdict(held), verdict(held), verdict(held)], [null, null, 'denyCredentialEnded'])
    assert.deepEqual(held.states(0), [{ name: 'TOKEN', uses: 2, refused: 1, ended: 'uses', endedAt: 0 }])
  })

  test('time ends it, to the millisecond', () => {
    const held = holding([{ ttlMs: 1000 }])
    assert.deepEqual([verdict(held, {}, 999), verdict(held, {}, 1000)], [null, 'denyCredentialEnded'])
    assert.equal(held.nextEnd(), null)
  })

  test('revoking and the end of the sandbox are heard at once, and once', () => {
    const held = holding([{}], [{ name: 'B', use: { kind: 'header', name: 'x-b' } }])
    const heard: string[] = []
    held.onEnd = (name, by) => heard.push(`${name} ${by}`)
    assert.equal(held.revoke('B', 5), true)
    assert.equal(held.revoke('C', 5), false)
    held.endAll('sandbox', 6)
    held.endAll('gateway', 7)
    assert.deepEqual(heard, ['B revoked', 'TOKEN sandbox'])
    assert.equal(verdict(held), 'denyCredentialEnded')
  })

  test('whatever ends it, its value is dropped from where requests get it', () => {
    const ends: Readonly<Record<string, (held: HeldCredentials) => unknown>> = {
      revoke: (held) => held.revoke('TOKEN', 5),
      ttl: (held) => verdict(held, {}, 1000),
      'ttl, noticed by a look': (held) => held.states(1000),
      uses: (held) => [1, 2, 3].map(() => verdict(held)),
      'the end of the sandbox': (held) => held.endAll('sandbox', 5),
      'the end of the gateway': (held) => held.endAll('gateway', 5),
    }
    for (const [name, end] of Object.entries(ends))
      for (const [material, values] of [
        [value(), [VALUE]],
        [awsKeys(), [AWS.secret, AWS.token]],
      ] as const) {
        const held = holding([{ ttlMs: 1000, uses: 2 }, material])
        const first = held.find('TOKEN')?.material
        assert.deepEqual(revealed(first), values, 'control: it lives')
        end(held)
        assert.deepEqual(
          revealed(first),
          values.map(() => null),
          name,
        )
      }
  })

  test('a value that another one follows is dropped, and one that comes after the end is', () => {
    const held = holding([{}])
    const [first, second, late] = [
      held.find('TOKEN')?.material,
      value('TOKEN', `${VALUE}-2`),
      value('TOKEN', `${VALUE}-3`),
    ]
    held.renew('TOKEN', second, null)
    assert.deepEqual([revealed(first), revealed(second)], [[null], [`${VALUE}-2`]])
    held.endAll('sandbox', 5)
    held.renew('TOKEN', late, null)
    assert.deepEqual([revealed(second), revealed(late)], [[null], [null]])
  })

  test('a request that one of two credentials refuses spends nothing of the other', () => {
    const held = holding([{ uses: 5 }], [{ name: 'B', use: { kind: 'header', name: 'x-b' } }])
    held.revoke('B', 0)
    assert.equal(verdict(held), 'denyCredentialEnded')
    assert.equal(held.states(0)[0]?.uses, 0)
  })
})

test('a placeholder is recognised wherever it stands, and no two are alike', () => {
  const made = Array.from({ length: 200 }, () => makePlaceholder())
  assert.equal(new Set(made).size, 200)
  for (const each of made) assert.match(each, /^glovebox_[0-9a-z]{32}$/)
  assert.deepEqual(placeholdersIn(`x${made[0]}y ${made[1]}`), [made[0], made[1]])
})
