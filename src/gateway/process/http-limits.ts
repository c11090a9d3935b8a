/** Of a request's or an answer's head. */
export const MAX_HEADER_BYTES = 16 << 10

/** Answers that a host may send before the one that counts (1xx). */
export const MAX_INTERIM = 16
