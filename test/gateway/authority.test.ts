/** What the gateway signs is what other programs take for a certificate, and counts for nothing beyond what it was made for. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect, createServer, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { Authority } from '../../src/gateway/process/authority/authority.js'
import { element, integer, objectId } from '../../src/gateway/process/authority/der.js'
import type { Target } from '../../src/network/index.js'
import type { NetworkRule } from '../../src/plan/index.js'
import { named, plan, rule } from '../network/tools.js'
import { sharedFolder } from '../support/checkout.js'

const HOSTS: readonly NetworkRule['host'][] = [
  { kind: 'name', name: 'api.test' },
  { kind: 'below', name: 'cdn.test' },
  { kind: 'address', address: '203.0.113.7' },
  { kind: 'address', address: '2001:db8::7' },
]
const bounded = plan(...HOSTS.map((host) => rule(host, { inspect: true })))
const unbounded = plan(rule({ kind: 'public' }, { inspect: true }))
const target = (text: string): Target =>
  /^[\d.]+$|:/.test(text) ? { kind: 'address', address: text } : { kind: 'name', name: text }

/** The certificate that the authority shows for a host, as a client gets it over TLS. */
async function shown(authority: Authority, host: Target): Promise<string> {
  const server = createServer({ SNICallback: (_name, done) => done(null, authority.contextFor(host)) })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    servername: 'any.test',
    rejectUnauthorized: false,
  })
  await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail))
  const text = new X509Certificate(socket.getPeerCertificate().raw).toString()
  socket.destroy()
  server.close()
  return text
}

/** What openssl says of a host's certificate, its name included. */
async function verified(authority: Authority, host: Target): Promise<string> {
  const folder = sharedFolder()
  const [ca, leaf] = [join(folder, 'ca.pem'), join(folder, 'leaf.pem')]
  writeFileSync(ca, authority.certificate)
  writeFileSync(leaf, await shown(authority, host))
  const name = host.kind === 'name' ? ['-verify_hostname', host.name] : ['-verify_ip', host.address]
  const args = ['verify', '-x509_strict', '-purpose', 'sslserver', ...name, '-CAfile', ca, leaf]
  const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  return stdout.endsWith(': OK\n') ? 'OK' : stdout + stderr
}

describe('the authority of a sandbox', () => {
  for (const host of ['api.test', 'a.b.cdn.test', '203.0.113.7', '2001:db8::7'])
    test(`signs ${host}, and openssl verifies it strictly`, async () => {
      assert.equal(await verified(new Authority(bounded, Date.now()), target(host)), 'OK')
    })

  for (const host of ['evil.test', 'evil-api.test', '203.0.113.8', '2001:db8::8'])
    test(`what it would sign for ${host}, which no rule inspects, is refused by its own constraints`, async () => {
      assert.match(
        await verified(new Authority(bounded, Date.now()), target(host)),
        /permitted subtree violation/,
      )
    })

  test('without a rule for an address, one for an address counts for nothing, and one for names neither', async () => {
    const names = new Authority(plan(named('api.test', { inspect: true })), Date.now())
    assert.match(await verified(names, target('203.0.113.7')), /excluded subtree violation/)
    const addresses = new Authority(
      plan(rule({ kind: 'address', address: '203.0.113.7' }, { inspect: true })),
      Date.now(),
    )
    assert.match(await verified(addresses, target('api.test')), /excluded subtree violation/)
  })

  test('control: one for any public host has no constraints', async () => {
    assert.equal(await verified(new Authority(unbounded, Date.now()), target('evil.test')), 'OK')
  })

  test('another sandbox’s is another: name, key and serial', async () => {
    const [one, other] = [1, 2].map(() => new X509Certificate(new Authority(bounded, Date.now()).certificate))
    assert.notEqual(one!.subject, other!.subject)
    assert.notEqual(one!.serialNumber, other!.serialNumber)
    assert.notDeepEqual(
      one!.publicKey.export({ type: 'spki', format: 'der' }),
      other!.publicKey.export({ type: 'spki', format: 'der' }),
    )
    assert.match(
      await verified(
        {
          ...new Authority(bounded, 0),
          certificate: new Authority(bounded, 0).certificate,
          contextFor: (host: Target) => new Authority(bounded, Date.now()).contextFor(host),
        } as unknown as Authority,
        target('api.test'),
      ),
      /unable to get local issuer certificate|error 20/,
    )
  })

  test('is P-256, no older than an hour, and over in two days', () => {
    const certificate = new X509Certificate(new Authority(bounded, Date.UTC(2026, 0, 10)).certificate)
    assert.equal(certificate.ca, true)
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(new Date(certificate.validFrom).toISOString(), '2026-01-09T23:00:00.000Z')
    assert.equal(new Date(certificate.validTo).toISOString(), '2026-01-12T00:00:00.000Z')
  })

  test('a time beyond 2049 is spelled as such', () => {
    const certificate = new X509Certificate(new Authority(bounded, Date.UTC(2055, 5, 1)).certificate)
    assert.equal(new Date(certificate.validTo).toISOString(), '2055-06-03T00:00:00.000Z')
  })
})

describe('DER', () => {
  const parsed = (der: Uint8Array) =>
    execFileSync('openssl', ['asn1parse', '-inform', 'DER'], { input: der, encoding: 'utf8' })

  test('numbers and lengths are read as they were meant', () => {
    for (const bytes of ['00', '7f', '80', '0080', 'ff'.repeat(20), '01'.repeat(300)])
      assert.match(
        parsed(integer(Buffer.from(bytes, 'hex'))),
        new RegExp(`INTEGER +:${bytes.replace(/^(00)+(?=..)/, '')}`, 'i'),
      )
    for (const length of [0, 127, 128, 255, 256, 65_536])
      assert.match(
        parsed(element(0x04, Buffer.alloc(length))),
        new RegExp(`l= *${length} prim: OCTET STRING`),
      )
  })

  test('so are object identifiers, at random', () => {
    const identifier = fc
      .tuple(
        fc.integer({ min: 0, max: 1 }),
        fc.integer({ min: 0, max: 39 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
      )
      .map(([first, second, rest]) => [1 + first, second, ...rest].join('.'))
    fc.assert(
      fc.property(identifier, (id) => {
        const shown = execFileSync('openssl', ['asn1parse', '-inform', 'DER', '-oid', '/dev/null'], {
          input: objectId(id),
          encoding: 'utf8',
        })
        // what openssl has a name for it shows by that
        assert.match(shown, new RegExp(`OBJECT +:(${id.replaceAll('.', '\\.')}$|[A-Za-z])`, 'm'))
      }),
      { numRuns: 15 },
    )
  })
})
