/** Durations and sizes as users write them. Pure; `null` means "this does not parse". */

const DURATION = /^(\d{1,15})(ms|s|m|h)$/
const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

const SIZE = /^(\d{1,15})(B|KiB|MiB|GiB)$/
const BYTES_PER = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

/** `500ms`, `10s`, `5m`, `1h` → milliseconds; `null` when it is not a duration or too large to be exact. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text)
  return match ? exact(Number(match[1]) * MS_PER[match[2] as keyof typeof MS_PER]) : null
}

/** `64KiB`, `16MiB`, `2GiB`, `512B` → bytes; `null` when it is not a size or too large to be exact. */
export function parseSize(text: string): number | null {
  const match = SIZE.exec(text)
  return match ? exact(Number(match[1]) * BYTES_PER[match[2] as keyof typeof BYTES_PER]) : null
}

/** milliseconds → the shortest spelling that {@link parseDuration} reads back to the same number. */
export function formatDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    if (ms > 0 && ms % MS_PER[unit] === 0) return `${ms / MS_PER[unit]}${unit}`
  }
  return `${ms}ms`
}

/** bytes → the shortest spelling that {@link parseSize} reads back to the same number. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes > 0 && bytes % BYTES_PER[unit] === 0) return `${bytes / BYTES_PER[unit]}${unit}`
  }
  return `${bytes}B`
}

function exact(value: number): number | null {
  return Number.isSafeInteger(value) ? value : null
}
