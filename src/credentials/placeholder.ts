/**
 * What stands in the job's variable in place of a value: `glovebox_`, 26 random characters and 6 that are their check. All are
 * unreserved in URLs and mean nothing in JSON, HTML, shells and headers; an SDK of AWS takes it for a key's id.
 */
import { createHash, randomBytes } from 'node:crypto'

export const PLACEHOLDER_PREFIX = 'glovebox_'
export const PLACEHOLDER_LENGTH = 41

/** Lower-case, without what is misread (Crockford's Base32). */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const ANY = /glovebox_([0-9a-hjkmnp-tv-z]{26})([0-9a-hjkmnp-tv-z]{6})/g

/** 130 random bits: one sandbox can't guess what stands for a credential in another. */
export function makePlaceholder(random: (bytes: number) => Uint8Array = randomBytes): string {
  const body = [...random(26)].map((byte) => ALPHABET[byte % 32]).join('')
  return PLACEHOLDER_PREFIX + body + check(body)
}

/** What stands for the secret key beside one that stands for a key's id: whoever has this one needs not be told of it. */
export function secretKeyPlaceholder(placeholder: string): string {
  const hash = createHash('sha256').update(`glovebox secret key ${placeholder}`).digest()
  return makePlaceholder((bytes) => hash.subarray(0, bytes))
}

function check(body: string): string {
  return [...createHash('sha256').update(`glovebox placeholder ${body}`).digest().subarray(0, 6)]
    .map((byte) => ALPHABET[byte % 32])
    .join('')
}

/** Every placeholder in a text, of whichever sandbox. */
export function placeholdersIn(text: string): string[] {
  return [...text.matchAll(ANY)].flatMap(([whole, body = '', sum]) => (check(body) === sum ? [whole] : []))
}
