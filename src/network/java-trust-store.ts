/** Writes a Java key store (JKS) of certificates alone, which every version of Java reads (sun.security.provider.JavaKeyStore). */
import { createHash } from 'node:crypto'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2
/** What everybody uses. It keeps nothing secret: Java reads a store of certificates without it too. */
const PASSWORD = 'changeit'
const WHITENER = 'Mighty Aphrodite'

/** @param certificates in DER */
export function javaTrustStore(certificates: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat([
    u32(MAGIC),
    u32(VERSION),
    u32(certificates.length),
    ...certificates.flatMap((der, index) => [
      u32(TRUSTED_CERTIFICATE),
      text(`authority-${index}`),
      Buffer.alloc(8), // made at: nobody asks
      text('X.509'),
      u32(der.length),
      der,
    ]),
  ])
  const password = Buffer.from(PASSWORD, 'utf16le').swap16()
  const digest = createHash('sha1').update(password).update(WHITENER).update(content).digest()
  return Buffer.concat([content, digest])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Of letters, digits and dashes: Java's modified UTF-8 is the same for those. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([length, Buffer.from(value)])
}
