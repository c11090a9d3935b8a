/** Of a request's or an answer's head. */
export const MAX_HEADER_BYTES = 16 << 10
