import { createSecureContext, type SecureContext } from 'node:tls'
import { NO_RENEGOTIATION } from '../authority/tls-options.js'

/** In which hosts are verified: by these authorities alone, and by TLS 1.2 at least. */
export function hostContext(roots: readonly string[]): SecureContext {
  // an empty list would mean Node's own
  if (roots.length === 0) throw new Error('there is no authority by which a host could be believed')
  return createSecureContext({
    ca: [...roots],
    minVersion: 'TLSv1.2',
    secureOptions: NO_RENEGOTIATION,
  })
}
