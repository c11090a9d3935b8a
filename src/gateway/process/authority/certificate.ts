/** X.509 certificates (RFC 5280), signed with ECDSA and SHA-256. */
import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { bits, type Der, integer, objectId, octets, sequence, set, tagged, time, truth, utf8 } from './der.js'

export interface Wanted {
  readonly subject: string
  readonly issuer: string
  readonly validity: Validity
  readonly publicKey: KeyObject
  readonly extensions: readonly Der[]
}

export interface Validity {
  readonly from: Date
  readonly to: Date
}

/** What a certificate is for: an IPv4 or IPv6 address as its bytes. */
export type Subject = { readonly name: string } | { readonly address: Uint8Array }

/** In DER. `issuerKey`: the private key of whoever signs it. */
export function certificate(wanted: Wanted, issuerKey: KeyObject): Der {
  const signed = sequence(
    tagged(0, true, integer(Buffer.from([2]))), // version 3
    integer(serial()),
    ECDSA_SHA256,
    distinguishedName(wanted.issuer),
    sequence(time(wanted.validity.from), time(wanted.validity.to)),
    distinguishedName(wanted.subject),
    wanted.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, true, sequence(...wanted.extensions)),
  )
  return sequence(signed, ECDSA_SHA256, bits(sign('sha256', signed, issuerKey)))
}

const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'))

export function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** 127 bits, and never zero: no two certificates of an authority have the same. */
function serial(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes
}

const distinguishedName = (commonName: string) =>
  sequence(set(sequence(objectId('2.5.4.3'), utf8(commonName))))

const extension = (id: string, critical: boolean, value: Der): Der =>
  sequence(objectId(id), ...(critical ? [truth()] : []), octets(value))

/** RFC 5280, 4.2.1.2: from the key's bits. */
function keyIdentifier(key: KeyObject): Buffer {
  // the last 65 bytes of a P-256 key's SPKI are its point
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha1').update(point).digest()
}

export const subjectKey = (key: KeyObject): Der => extension('2.5.29.14', false, octets(keyIdentifier(key)))

export const authorityKey = (key: KeyObject): Der =>
  extension('2.5.29.35', false, sequence(tagged(0, false, keyIdentifier(key))))

/** An authority that signs hosts, and no other authority. */
export const isAuthority = (): Der =>
  extension('2.5.29.19', true, sequence(truth(), integer(Buffer.from([0]))))

export const isNoAuthority = (): Der => extension('2.5.29.19', true, sequence())

export const mayCertify = (): Der => extension('2.5.29.15', true, bits(Buffer.from([0x04]), 2))

export const maySign = (): Der => extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7))

export const forServers = (): Der => extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1')))

export const isFor = (subject: Subject): Der => extension('2.5.29.17', false, sequence(general(subject)))

/** 4.2.1.6 */
const general = (subject: Subject): Der =>
  'name' in subject
    ? tagged(2, false, Buffer.from(subject.name, 'latin1'))
    : tagged(7, false, subject.address)

/**
 * Name constraints (4.2.1.10): the authority counts for nothing beyond these. A kind of which there is none is excluded as a whole: what
 * is not mentioned would be free.
 */
export function onlyFor(subjects: readonly Subject[]): Der {
  const trees = subjects.map((subject) =>
    sequence(general('name' in subject ? subject : exactly(subject.address))),
  )
  const excluded = [
    ...(subjects.some((subject) => 'name' in subject) ? [] : [general({ name: '' })]),
    ...(subjects.some((subject) => 'address' in subject) ? [] : EVERY_ADDRESS),
  ].map((each) => sequence(each))
  const lists = [
    ...(trees.length === 0 ? [] : [tagged(0, true, ...trees)]),
    ...(excluded.length === 0 ? [] : [tagged(1, true, ...excluded)]),
  ]
  return extension('2.5.29.30', true, sequence(...lists))
}

/** An address, and the mask that is as long. */
const exactly = (address: Uint8Array): Subject => ({
  address: Buffer.concat([address, Buffer.alloc(address.length, 0xff)]),
})

const EVERY_ADDRESS = [8, 32].map((length) => general({ address: Buffer.alloc(length) }))
