/** The authorities that this host believes others by: its bundle of certificates, read again when it has changed. */
import { readFileSync, statSync } from 'node:fs'

/** Where distributions keep it: Debian and Alpine, Fedora and RHEL, older RHEL, openSUSE, and what LibreSSL and others look for. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
/** A bundle has a quarter of a MiB. */
const MAX_BUNDLE_BYTES = 2 << 20

export interface RootOptions {
  /** PEM: authorities that hosts are believed by besides those of this host's own bundle; for rules that inspect TLS */
  readonly authorities?: readonly string[]
}

let known: { readonly mark: string; readonly pem: string } | null = null

/** PEM; the same text as long as the file is the same. Where this host has none, those that Node brings. */
export function hostRoots(): string {
  const found = BUNDLES.map((path) => ({
    path,
    stat: statSync(path, { throwIfNoEntry: false, bigint: true }),
  })).find(({ stat }) => stat?.isFile() && stat.size > 0n && stat.size <= MAX_BUNDLE_BYTES)
  const { path, stat } = found ?? { path: '', stat: undefined }
  const mark = `${path} ${stat?.ino} ${stat?.mtimeNs} ${stat?.size}`
  if (known?.mark !== mark)
    known = { mark, pem: found === undefined ? nodesOwn() : certificatesIn(read(path)) }
  return known.pem
}

/** Gives the same list as long as nothing has changed. */
export function rootSource({ authorities = [] }: RootOptions): () => readonly string[] {
  let last: readonly string[] = []
  return () => {
    const host = hostRoots()
    if (last[0] !== host) last = [host, ...authorities]
    return last
  }
}

/** Without comments, which some bundles have more of than certificates. */
function certificatesIn(text: string): string {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  return found === null ? nodesOwn() : `${found.join('\n')}\n`
}

function nodesOwn(): string {
  const { rootCertificates } = process.getBuiltinModule('node:tls')
  return `${rootCertificates.join('\n')}\n`
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
