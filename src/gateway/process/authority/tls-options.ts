import { constants } from 'node:crypto'

/** A second handshake inside a connection is one that nobody checked; TLS 1.3 has none. */
export const NO_RENEGOTIATION = constants.SSL_OP_NO_RENEGOTIATION
