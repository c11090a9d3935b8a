/**
 * A certificate authority of one sandbox. Its keys are made here, are nowhere else, and are gone with the sandbox; what leaves is the
 * certificate that the job is to trust.
 */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import ipaddr from 'ipaddr.js'
import type { Target } from '../../../network/index.js'
import type { NetworkPlan } from '../../../plan/index.js'
import {
  authorityKey,
  certificate,
  forServers,
  isAuthority,
  isFor,
  isNoAuthority,
  mayCertify,
  maySign,
  onlyFor,
  pem,
  type Subject,
  subjectKey,
  type Validity,
} from './certificate.js'
import { NO_RENEGOTIATION } from './tls-options.js'

/** A sandbox lives a day at most; an hour before, for clocks that a job has set back for itself. */
const BEFORE_MS = 3_600_000
const AFTER_MS = 2 * 86_400_000
/** Each takes some 30 KiB; a name beyond them costs a signature again. */
const MAX_KEPT = 128
/** RFC 5280, appendix A: ub-common-name */
const MAX_COMMON_NAME = 64
/** More subtrees than that are a strain on programs that read them one by one. */
const MAX_CONSTRAINTS = 64

export class Authority {
  /** what the job trusts, PEM */
  readonly certificate: string
  readonly #name: string
  readonly #key: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  /** one for all hosts: making one for each would gain nothing, as they die together */
  readonly #hostKey: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly #validity: Validity
  readonly #contexts = new Map<string, SecureContext>()

  /** @param nowMs since 1970 */
  constructor(plan: Pick<NetworkPlan, 'rules'>, nowMs: number) {
    this.#key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#hostKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    this.#validity = { from: new Date(nowMs - BEFORE_MS), to: new Date(nowMs + AFTER_MS) }
    // told apart by name too, should a job pass a certificate on to another
    this.#name = `Glovebox sandbox ${randomBytes(8).toString('hex')}`
    const { publicKey, privateKey } = this.#key
    const bounds = subjectsOf(plan)
    const wanted = {
      subject: this.#name,
      issuer: this.#name,
      validity: this.#validity,
      publicKey,
      extensions: [
        isAuthority(),
        mayCertify(),
        subjectKey(publicKey),
        ...(bounds === null ? [] : [onlyFor(bounds)]),
      ],
    }
    this.certificate = pem(certificate(wanted, privateKey))
  }

  /** As a TLS server, in the host's place. */
  contextFor(target: Target): SecureContext {
    const key = target.kind === 'name' ? target.name : target.address
    const context = this.#contexts.get(key) ?? this.#make(target, key)
    this.#contexts.delete(key)
    this.#contexts.set(key, context)
    const [oldest] = this.#contexts.keys()
    if (this.#contexts.size > MAX_KEPT && oldest !== undefined) this.#contexts.delete(oldest)
    return context
  }

  #make(target: Target, text: string): SecureContext {
    const { publicKey, privateKey } = this.#hostKey
    const wanted = {
      // OpenSSL holds a common name that could be a host's to the constraints for names, where there is no other name
      subject: target.kind === 'address' || text.length > MAX_COMMON_NAME ? 'an inspected host' : text,
      issuer: this.#name,
      validity: this.#validity,
      publicKey,
      extensions: [
        isNoAuthority(),
        maySign(),
        forServers(),
        isFor(target.kind === 'name' ? { name: target.name } : { address: bytesOf(target.address) }),
        subjectKey(publicKey),
        authorityKey(this.#key.publicKey),
      ],
    }
    return createSecureContext({
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: pem(certificate(wanted, this.#key.privateKey)),
      minVersion: 'TLSv1.2',
      secureOptions: NO_RENEGOTIATION,
    })
  }
}

/** What the rules can lead to; `null`: any host. */
function subjectsOf({ rules }: Pick<NetworkPlan, 'rules'>): Subject[] | null {
  const hosts = rules.filter(({ inspect }) => inspect).map(({ host }) => host)
  if (hosts.length > MAX_CONSTRAINTS || hosts.some(({ kind }) => kind === 'public')) return null
  return hosts.flatMap((host) => {
    if (host.kind === 'public') return []
    return [host.kind === 'address' ? { address: bytesOf(host.address) } : { name: host.name }]
  })
}

const bytesOf = (address: string) => Buffer.from(ipaddr.parse(address).toByteArray())
