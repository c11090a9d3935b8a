/** Certificates of decoys: an authority that this verification's gateway believes hosts by, and ones that are worth nothing. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { certificates } from '../../../gateway/index.js'
import type { ShownCertificate } from '../../probes/index.js'

const HOUR_MS = 3_600_000
/** What `otherName` is for. */
const OTHER = 'other.glovebox-probe.invalid'

export interface DecoyAuthority {
  /** PEM */
  readonly certificate: string
  readonly name: string
  /** of a host that shows such a certificate for that name */
  contextFor(name: string, shown: ShownCertificate): SecureContext
}

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const newPair = (): Pair => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

export async function makeDecoyAuthority(): Promise<DecoyAuthority> {
  const x509 = await certificates()
  const now = Date.now()
  const good = { from: new Date(now - HOUR_MS), to: new Date(now + 24 * HOUR_MS) }
  const old = { from: new Date(now - 48 * HOUR_MS), to: new Date(now - 24 * HOUR_MS) }
  const name = `Glovebox verify ${randomBytes(8).toString('hex')}`
  const [own, unknown, host] = [newPair(), newPair(), newPair()]
  const { isAuthority, mayCertify, subjectKey } = x509
  const { publicKey, privateKey } = own
  const wanted = { subject: name, issuer: name, validity: good, publicKey }
  const extensions = [isAuthority(), mayCertify(), subjectKey(publicKey)]
  const certificate = x509.pem(x509.certificate({ ...wanted, extensions }, privateKey))
  const made = new Map<string, SecureContext>()
  const make = (subject: string, shown: ShownCertificate) => {
    // the same name, another key: only the signature tells
    const signer = shown === 'unknownAuthority' ? unknown : own
    const signed = {
      subject: shown === 'commonName' ? subject.slice(0, 64) : 'a decoy',
      issuer: name,
      validity: shown === 'old' ? old : good,
      publicKey: host.publicKey,
      extensions: [
        x509.isNoAuthority(),
        x509.maySign(),
        x509.forServers(),
        ...(shown === 'commonName' ? [] : [x509.isFor({ name: shown === 'otherName' ? OTHER : subject })]),
        x509.subjectKey(host.publicKey),
      ],
    }
    return createSecureContext({
      key: host.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: x509.pem(x509.certificate(signed, signer.privateKey)),
    })
  }
  return {
    certificate,
    name,
    contextFor(subject, shown) {
      const key = `${shown} ${subject}`
      const context = made.get(key) ?? make(subject, shown)
      made.set(key, context)
      return context
    },
  }
}
