/** Error numbers that a filter answers with: include/uapi/asm-generic/errno{-base,}.h, the same on x86_64 and arm64. */
export const ERRNO = {
  EPERM: 1,
  ENOMEM: 12,
  EINVAL: 22,
  ENOTTY: 25,
  ENOSYS: 38,
  ENOTSOCK: 88,
  EPROTONOSUPPORT: 93,
  EAFNOSUPPORT: 97,
} as const

export type ErrnoName = keyof typeof ERRNO
