/** What the far side of the profiles' tests serves, made once a test file: certificates of a CA of the test's own, and files. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sharedFolder } from '../support/checkout.js'
import type { Seen, Zone } from '../support/internet/index.js'
import { secretIn } from './tools.js'

export const WORLD = fileURLToPath(new URL('world.js', import.meta.url))
export const PUBLIC = '93.184.216.34'
/** of `other.test`, which no policy names */
export const OTHER = '93.184.216.99'

export interface Sites {
  readonly folder: string
  readonly ca: string
  /** a file of the host's, and so of nobody inside */
  readonly secret: string
  /** for `runOnline` and `online` */
  readonly internet: { readonly zone: Zone; readonly sites: string; readonly env: NodeJS.ProcessEnv }
  /** a file of the far side: `HOST/PATH` */
  put(path: string, content: string | Uint8Array): string
}

export function sitesOf(names: readonly string[]): Sites {
  const folder = sharedFolder()
  certificates(folder, [...names, 'other.test'])
  const zone = { ...Object.fromEntries(names.map((name) => [name, [[PUBLIC]]])), 'other.test': [[OTHER]] }
  return {
    folder,
    ca: join(folder, 'ca.pem'),
    secret: secretIn(folder),
    internet: { zone, sites: WORLD, env: { SITES: folder } },
    put: (path, content) => {
      const file = join(folder, 'www', path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, content)
      return file
    },
  }
}

/** The addresses that anybody on the far side was reached at. */
export function reachedOf(seen: readonly Seen[]): string[] {
  const addresses = seen.filter(({ kind }) => kind === 'tcp').map(({ address }) => address ?? '')
  return [...new Set(addresses)].sort()
}

function certificates(cwd: string, names: readonly string[]): void {
  const openssl = (words: string) => execFileSync('openssl', words.split(' '), { cwd, stdio: 'pipe' })
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
  openssl(`req -x509 ${key} -keyout ca.key -out ca.pem -days 2 -subj /CN=Tests`)
  writeFileSync(join(cwd, 'names'), `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}\n`)
  openssl(`req ${key} -keyout leaf.key -out leaf.csr -subj /CN=${names[0]}`)
  openssl(
    'x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem',
  )
  chmodSync(join(cwd, 'ca.pem'), 0o644)
}
