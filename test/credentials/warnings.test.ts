/** What nobody looks through is said of a plan with credentials. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { unreadWarnings } from '../../src/credentials/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import type { CredentialPolicy } from '../../src/policy/index.js'
import { named, plan, rule } from '../network/tools.js'
import { grant } from './setting.js'

const TOKEN: CredentialPolicy = { ...grant(), source: { kind: 'caller' } }
const said = (rules: readonly NetworkRule[], credentials = [TOKEN]) =>
  unreadWarnings({ credentials, network: plan(...rules) })
const on = (protocol: 'tls' | 'http' | 'tcp' | 'web', port: number, inspect = false) =>
  named('other.test', { ports: [{ port, protocol }], inspect })

describe('what passes unread beside a credential', () => {
  test('TLS that is not looked into is said, with its rule and what to write', () => {
    for (const protocol of ['tls', 'web'] as const)
      assert.match(
        said([on(protocol, 8443)]).join(),
        /^network\.allow\[0\]: TLS to other\.test on port 8443 passes unread, .*write `inspect: true` there/,
      )
    const everywhere = rule({ kind: 'public' }, { ports: [{ port: 443, protocol: 'tls' }] })
    assert.match(said([everywhere]).join(), /TLS to public hosts on port 443/)
    assert.match(said([rule({ kind: 'below', name: 'test' })]).join(), /TLS to \*\.test on port 443/)
  })

  test('so is a connection of which nothing is known', () => {
    assert.match(
      said([on('tcp', 5432)]).join(),
      /`protocol: tcp` to other\.test on port 5432 passes unread, .*`protocol: tls` and `inspect: true`/,
    )
  })

  test('nothing is said of what is read, nor without credentials, nor without a network', () => {
    assert.deepEqual(said([on('tls', 443, true), on('web', 8443, true), on('http', 80)]), [])
    assert.deepEqual(said([on('tls', 443), on('tcp', 5432)], []), [])
    assert.deepEqual(unreadWarnings({ credentials: [TOKEN], network: null }), [])
  })
})
