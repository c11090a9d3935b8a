/** How the authority of a sandbox comes to be trusted inside: files of its /etc, and the variables by which programs find them. Pure. */
import type { NetworkPlan } from '../plan/index.js'
import { javaTrustStore } from './java-trust-store.js'

/** Names in /etc. */
export const TRUST = {
  /** the authority alone */
  authority: 'glovebox-ca.crt',
  /** the authorities of the host, and this one */
  bundle: 'glovebox-ca-bundle.crt',
  /** the same for Java */
  java: 'glovebox-ca.jks',
} as const

export function inspects(network: Pick<NetworkPlan, 'rules'> | null): boolean {
  return network?.rules.some(({ inspect }) => inspect) ?? false
}

/** For programs that don't look where the system keeps its bundle, or bring one of their own. */
export function trustEnv(network: Pick<NetworkPlan, 'rules'> | null): Readonly<Record<string, string>> {
  if (!inspects(network)) return {}
  const bundle = `/etc/${TRUST.bundle}`
  return {
    SSL_CERT_FILE: bundle, // OpenSSL, and so Python, Ruby, Go, …
    CURL_CA_BUNDLE: bundle,
    REQUESTS_CA_BUNDLE: bundle, // Python's requests, which brings certifi; and pip
    GIT_SSL_CAINFO: bundle,
    AWS_CA_BUNDLE: bundle,
    CARGO_HTTP_CAINFO: bundle,
    GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle,
    DENO_CERT: `/etc/${TRUST.authority}`,
    NODE_EXTRA_CA_CERTS: `/etc/${TRUST.authority}`, // besides those that Node brings
    JAVA_TOOL_OPTIONS: `-Djavax.net.ssl.trustStore=/etc/${TRUST.java} -Djavax.net.ssl.trustStoreType=JKS`,
  }
}

/**
 * @param authority PEM
 * @param roots PEM: what the host trusts, which connections that are not looked into are still verified by
 */
export function trustFiles(authority: string, roots: string): Record<string, Uint8Array> {
  const bundle = `${roots.replace(/\n*$/, '\n')}${authority}`
  return {
    [TRUST.authority]: Buffer.from(authority),
    [TRUST.bundle]: Buffer.from(bundle),
    [TRUST.java]: javaTrustStore(certificatesIn(bundle)),
  }
}

function certificatesIn(pem: string): Uint8Array[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(
    ([, base64 = '']) => Buffer.from(base64, 'base64'),
  )
}
