import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { networkWarnings } from '../../src/network/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import { named, plan, rule } from './tools.js'

const sentences = (...rules: NetworkRule[]) => networkWarnings(plan(...rules)).map(({ sentence }) => sentence)

describe('what a plan gives away', () => {
  for (const [what, given, expected] of [
    [
      "one customer's name on a shared domain",
      named('bucket.s3.amazonaws.com'),
      /one customer's name below s3\.amazonaws\.com/,
    ],
    ['a page of a user', named('user.github.io'), /below github\.io/],
    ['a host at which anybody can write', named('api.github.com'), /Through api\.github\.com data can leave/],
    [
      'a wildcard that holds such a host',
      rule({ kind: 'below', name: 'github.com' }),
      /Through api\.github\.com|Through gist\.github\.com/,
    ],
    ['a host of repositories', named('github.com'), /Through github\.com data can leave .* repositories/],
    ['another', named('gitlab.com'), /Through gitlab\.com data can leave/],
    [
      'any public host',
      rule({ kind: 'public' }),
      /asking for made-up names alone tells their owner’s name servers/,
    ],
    ['a wildcard', rule({ kind: 'below', name: 'cdn.test' }), /every name below it/],
    ["this host's loopback", named('db.test', { private: ['127.0.0.1/32'] }), /own loopback/],
    ["this host's loopback, IPv6", named('db.test', { private: ['::1/128'] }), /own loopback/],
    [
      'methods on TLS',
      named('api.test', { methods: ['GET'] }),
      /`methods` bind on clear HTTP only: inside TLS on port 443/,
    ],
  ] as const)
    test(`${what} is said`, () => {
      assert.ok(
        sentences(given).some((sentence) => expected.test(sentence)),
        JSON.stringify(sentences(given)),
      )
    })

  test('a plain host, and methods on clear HTTP alone, need no word', () => {
    assert.deepEqual(
      sentences(
        named('api.test'),
        named('db.test', { private: ['10.2.0.0/16'] }),
        named('api.test', { ports: [{ port: 80, protocol: 'http' }], methods: ['GET'], paths: ['/a'] }),
      ),
      [],
    )
  })

  test('each is told with its rule', () => {
    assert.deepEqual(
      networkWarnings(
        plan(named('api.test'), rule({ kind: 'below', name: 'cdn.test' }, { name: 'network.allow[1]' })),
      ).map((each) => each.rule),
      ['network.allow[1]'],
    )
  })
})
