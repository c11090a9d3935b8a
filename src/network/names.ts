/** What a name says by itself, before anyone is asked for its address. Names are canonical here: lower-case, no trailing dot. */
import { held } from '../plan/index.js'

/**
 * Names of metadata services. Their addresses are refused too; the names are because a resolver may give them others, such as a
 * proxy's on the same machine.
 */
const METADATA_NAMES = [
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
]

/** Top-level names that no public DNS has, or that lead to oneself (RFC 6761, 6762, 7686, 8375, 9476; ICANN's `internal`). */
const NOT_PUBLIC = [
  'alt',
  'arpa',
  'corp',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'onion',
  'private',
]

export function isMetadataName(name: string): boolean {
  return held('gateway-metadata') && METADATA_NAMES.includes(name)
}

/** `localhost` and all below it (RFC 6761, 6.3). */
export function isLoopbackName(name: string): boolean {
  return isBelow(name, 'localhost') || name === 'localhost'
}

/** Whether `public` covers the name: it has a dot, and its last part is one that public DNS may have. */
export function isPublicName(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1)
  return name.includes('.') && !NOT_PUBLIC.includes(last)
}

/** One or more labels before `.parent`. */
export function isBelow(name: string, parent: string): boolean {
  return name.length > parent.length + 1 && name.endsWith(`.${parent}`)
}
