import { COMPONENT_BYTES, PATH_BYTES } from './bounds.js'

/** What is wrong with a path's text, one sentence; `null` when nothing is. Host and inside paths alike. */
export function pathFault(path: string): string | null {
  if (path === '') return 'is empty.'
  // a NUL ends the path for the kernel, not for the comparison that allowed it; other controls forge log lines
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(path)) return 'contains a control character.'
  if (/\p{Cs}/u.test(path)) return 'is not well-formed text.'
  if (Buffer.byteLength(path) > PATH_BYTES) return `is longer than ${PATH_BYTES} bytes.`
  if (path.split('/').some((part) => Buffer.byteLength(part) > COMPONENT_BYTES))
    return `has a part longer than ${COMPONENT_BYTES} bytes.`
  return null
}

/** Removes `//`, `.` and a trailing `/`. The path is absolute and has no `..`. */
export function tidy(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`
}

/** Whether `path` is `folder` or lies in it; both canonical. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || folder === '/' || path.startsWith(`${folder}/`)
}
