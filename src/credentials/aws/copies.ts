/** What else a request to S3 reads: a copy names its source in a header, which is a second path, and maybe of another bucket. */
import type { CredentialGrant } from '../held.js'
import type { Pairs } from '../request.js'

/** `pathFits` of the request asks the network's matcher; here the path is another one. */
export type PathFits = (path: string, patterns: readonly string[]) => boolean

const SOURCE = /^x-amz-(?:.+-)?source$/

/**
 * Whether each source that a request names is one that the credential could have been used to read: of its hosts' bucket, by a method
 * and a path that it has.
 * @param query decoded
 */
export function copiesWithin(
  { hosts, methods, paths }: CredentialGrant,
  headers: Pairs,
  query: Pairs,
  fits: PathFits,
): boolean {
  const named = [...headers, ...query].filter(([name]) => SOURCE.test(name.toLowerCase()))
  return named.every(([name, value]) => {
    if (methods !== null && !methods.includes('GET')) return false
    // of other kinds of sources it is not known how they spell theirs
    const source = name.toLowerCase() === 'x-amz-copy-source' ? pathOf(value) : null
    if (source === null) return false
    const [, bucket = '', key = ''] = /^\/([^/]+)(\/.+)$/.exec(source) ?? []
    if (bucket === '') return false
    return hosts.some((host) => {
      const own = isEveryBuckets(host.name) ? source : host.name.startsWith(`${bucket}.`) ? key : null
      return own !== null && (paths === null || fits(own, paths))
    })
  })
}

/** `BUCKET/KEY`, escaped, with a slash before it or not, and a version behind it. An ARN is of an access point, and no bucket's. */
function pathOf(value: string): string | null {
  const [path = ''] = value.trim().split('?', 1)
  return path === '' || path.startsWith('arn:') ? null : path.startsWith('/') ? path : `/${path}`
}

/** Where the path begins with the bucket (path style): no bucket's name is that short. */
function isEveryBuckets(host: string): boolean {
  return /^s3\./.test(host) || /^s3-[a-z0-9-]+\.amazonaws\.com$/.test(host)
}
