/** A job uses a credential without having it: the gateway puts the value into what may carry it, and refuses the rest. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CredentialHost, holdsValue, OTHER_VALUE, VALUE, type Version } from './credential-tools.js'
import { TestAuthority } from './inspect-tools.js'
import { NO_NAMESPACE } from './namespace.js'
import { find } from './setting.js'

const host = new CredentialHost(new TestAuthority())

for (const version of ['HTTP/1.1', 'HTTP/2'] as const satisfies readonly Version[])
  describe(`credentials over ${version}`, { skip: NO_NAMESPACE }, () => {
    before(() => host.host ?? host.start())

    test('bearer: the value arrives, in place of whatever the job wrote, and is nowhere in what is told', async () => {
      const issue = host.issue()
      const { value, attempts } = await host.asking(
        version,
        [issue],
        [
          { path: '/a' },
          { path: '/b', headers: { authorization: `Bearer ${issue.placeholder}` } },
          { path: '/c', headers: { authorization: 'Bearer somebody-elses' } },
        ],
      )
      assert.deepEqual(
        value.answers.map(({ status, body }) => [status, body]),
        [
          [200, 'ok'],
          [200, 'ok'],
          [200, 'ok'],
        ],
      )
      assert.deepEqual(
        host.said.map(({ headers }) => headers.authorization),
        [`Bearer ${VALUE}`, `Bearer ${VALUE}`, `Bearer ${VALUE}`],
      )
      assert.ok(host.said.every(({ headers }) => headers['accept-encoding'] === 'identity'))
      assert.equal(holdsValue(attempts), false)
      const [lease] = value.attachment.leases
      assert.deepEqual([lease?.name, lease?.uses, lease?.refused, lease?.ended], ['TOKEN', 3, 0, 'sandbox'])
    })

    test('basic, header and query: the value stands where the policy says', async () => {
      const issues = [
        host.issue({ name: 'PAIR', use: { kind: 'basic', user: 'me' } }),
        host.issue(
          { name: 'KEY', use: { kind: 'header', name: 'x-api-key' } },
          { kind: 'value', value: OTHER_VALUE },
        ),
        host.issue(
          { name: 'QUERY', use: { kind: 'query', key: 'key' } },
          { kind: 'value', value: OTHER_VALUE },
        ),
      ]
      const { value } = await host.asking(version, issues, [{ path: '/a?b=c' }])
      assert.equal(value.answers[0]?.status, 200)
      const [said] = host.said
      assert.equal(said?.headers.authorization, `Basic ${Buffer.from(`me:${VALUE}`).toString('base64')}`)
      assert.equal(said?.headers['x-api-key'], OTHER_VALUE)
      assert.equal(new URL(said?.url ?? '', 'https://a').searchParams.get('key'), OTHER_VALUE)
    })

    test('placeholder: swapped in headers, query and body, where the policy says', async () => {
      const issue = host.issue(
        { use: { kind: 'placeholder', in: ['headers', 'query', 'body'] } },
        { kind: 'value', value: OTHER_VALUE },
      )
      const { placeholder } = issue
      const pair = Buffer.from(`git:${placeholder}`).toString('base64')
      const { value } = await host.asking(
        version,
        [issue],
        [
          {
            path: `/a?t=${placeholder}`,
            headers: { 'x-any': `a ${placeholder}`, authorization: `Basic ${pair}` },
          },
          {
            method: 'POST',
            path: '/json',
            headers: { 'content-type': 'application/json' },
            body: `{"t":"${placeholder}"}`,
          },
          {
            method: 'POST',
            path: '/form',
            headers: {
              'content-type': 'application/x-www-form-urlencoded',
              'content-length': `${placeholder.length + 2}`,
            },
            body: `t=${placeholder}`,
          },
        ],
      )
      assert.deepEqual(
        value.answers.map(({ status }) => status),
        [200, 200, 200],
        JSON.stringify(value.answers),
      )
      const [first, json, form] = ['/a', '/json', '/form'].map((path) =>
        host.said.find(({ url }) => url.startsWith(path)),
      )
      assert.equal(new URL(first?.url ?? '', 'https://a').searchParams.get('t'), OTHER_VALUE)
      assert.equal(first?.headers['x-any'], `a ${OTHER_VALUE}`)
      assert.equal(
        first?.headers.authorization,
        `Basic ${Buffer.from(`git:${OTHER_VALUE}`).toString('base64')}`,
      )
      assert.deepEqual(JSON.parse(json?.body ?? ''), { t: OTHER_VALUE })
      assert.equal(new URLSearchParams(form?.body).get('t'), OTHER_VALUE)
      if (version === 'HTTP/1.1') assert.equal(form?.headers['content-length'], `${form?.body.length}`)
    })

    test('a placeholder on its way to another host, path, method or place is refused, and its attempt is recorded', async () => {
      const issue = host.issue({ methods: ['GET'], paths: ['/mine/**'] })
      const { placeholder } = issue
      const headers = { authorization: `Bearer ${placeholder}` }
      const elsewhere = await host.asking(
        version,
        [issue],
        [{ headers }, { path: `/${placeholder}` }],
        'other.test',
      )
      assert.deepEqual(
        elsewhere.value.answers.map(({ status }) => status),
        [403, 403],
      )
      const here = await host.asking(
        version,
        [issue],
        [
          { path: '/theirs', headers },
          { method: 'POST', path: '/mine/x', headers },
          { path: '/mine/x', headers: { 'x-other': Buffer.from(placeholder).toString('base64') } },
          { method: 'POST', path: '/theirs', body: `a ${encodeURIComponent(placeholder)} b` },
          { path: '/mine/%2e%2e/theirs', headers },
        ],
      )
      assert.ok(
        here.value.answers.every(({ status }) => status !== 200),
        JSON.stringify(here.value.answers),
      )
      assert.equal(host.said.length, 0)
      const denied = here.attempts.filter(({ verdict }) => verdict === 'denyCredentialElsewhere')
      assert.equal(
        denied.reduce((sum, { count }) => sum + count, 0),
        5,
      )
      assert.match(denied[0]?.hint ?? '', /credentials\.TOKEN is not for this/)
      assert.equal(here.value.attachment.leases[0]?.refused, 5)
      // the control: without it the same requests pass, and carry nothing
      const control = await host.asking(version, [issue], [{ path: '/theirs' }, { path: '/mine/x' }])
      assert.deepEqual(
        control.value.answers.map(({ status }) => status),
        [200, 200],
      )
      assert.deepEqual(
        Object.fromEntries(host.said.map(({ url, headers }) => [url, headers.authorization] as const)),
        { '/theirs': undefined, '/mine/x': `Bearer ${VALUE}` },
      )
    })

    test('a real value in a request is refused wherever it goes, and stands in no record', async () => {
      const issue = host.issue()
      const requests = [
        { path: `/${VALUE}` },
        { path: '/x', headers: { 'x-a': Buffer.from(VALUE).toString('base64') } },
        { method: 'POST', path: '/x', body: `${'x'.repeat(70_000)}${VALUE}` },
      ]
      for (const name of ['good.test', 'other.test']) {
        const { value, attempts } = await host.asking(version, [issue], requests, name)
        assert.ok(
          value.answers.every(({ status }) => status !== 200),
          JSON.stringify(value.answers),
        )
        assert.equal(host.said.length, 0)
        const denied = attempts.filter(({ verdict }) => verdict === 'denySecret')
        assert.equal(
          denied.reduce((sum, { count }) => sum + count, 0),
          3,
        )
        assert.equal(holdsValue(attempts), false, JSON.stringify(attempts))
        assert.ok(
          attempts.some(({ path }) => path === '/[secret TOKEN]'),
          JSON.stringify(attempts),
        )
      }
    })

    for (const how of ['plain', 'percent', 'base64', 'json', 'split', 'gzip', 'deflate', 'br', 'head']) {
      test(`an answer that repeats the value does not bring it in: ${how}`, async () => {
        const { value, attempts } = await host.asking(version, [host.issue()], [{ path: `/repeat/${how}` }])
        const [answer] = value.answers
        assert.ok(answer?.status === 502 || answer?.error !== '', JSON.stringify(answer))
        assert.ok(!JSON.stringify(answer).includes(VALUE.slice(8, 20)), JSON.stringify(answer))
        assert.match(find(attempts, 'denyReflection')?.hint ?? '', /credentials\.TOKEN/)
      })

      test(`an answer that repeats the value goes on without it, where the policy says so: ${how}`, async () => {
        const { value, attempts } = await host.asking(
          version,
          [host.issue({ onReflection: 'redact' })],
          [{ path: `/repeat/${how}` }],
        )
        const [answer] = value.answers
        assert.equal(answer?.status, 200)
        assert.equal(answer?.error, '')
        if (how === 'head') assert.match(`${answer?.headers['x-echo']}`, /^\*+$/)
        else assert.match(answer?.body ?? '', /^before [\w=*%\\]*\*{20}[\w=*]* behind$/)
        assert.ok(find(attempts, 'denyReflection'), JSON.stringify(attempts))
        assert.ok(find(attempts, 'allow'))
      })
    }

    test('a lease ends by its uses: the last is granted, the next refused', async () => {
      const { value, attempts } = await host.asking(version, [host.issue({ uses: 2 })], [{}, {}, {}])
      assert.deepEqual(value.answers.map(({ status }) => status).sort(), [200, 200, 403])
      assert.match(find(attempts, 'denyCredentialEnded')?.hint ?? '', /`uses`/)
      const [lease] = value.attachment.leases
      assert.deepEqual([lease?.uses, lease?.refused, lease?.ended], [2, 1, 'uses'])
    })

    test('large bodies go through both ways, whole', async () => {
      const say = 'abcdefgh'.repeat(1 << 18)
      const { value } = await host.asking(
        version,
        [host.issue()],
        [{ method: 'POST', path: '/up', body: say }],
      )
      assert.equal(value.answers[0]?.status, 200, value.answers[0]?.error)
      assert.equal(host.said[0]?.body.length, say.length)
    })
  })

after(() => host.setting.close())
