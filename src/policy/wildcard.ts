import { getPublicSuffix } from 'tldts'

/** Names that are canonical already, and the suffixes of shared hosting (github.io) as well as those of registries (co.uk). */
const OPTIONS = {
  allowPrivateDomains: true,
  extractHostname: false,
  validateHostname: false,
  detectIp: false,
}

/**
 * Whether anyone may have a name below this one (https://publicsuffix.org). A last label that the list doesn't know is a
 * suffix as well.
 */
export function isPublicSuffix(name: string): boolean {
  return getPublicSuffix(name, OPTIONS) === name
}

/**
 * Whether `*.base` covers a name: one or more labels in front, never `base` itself, and nothing at or below a public suffix of
 * its own. `*.amazonaws.com` is Amazon's; `anyone.s3.amazonaws.com` is not.
 */
export function wildcardCovers(base: string, name: string): boolean {
  if (!name.endsWith(`.${base}`)) return false
  const suffix = getPublicSuffix(name, OPTIONS)
  return suffix !== null && suffix.length < base.length
}
