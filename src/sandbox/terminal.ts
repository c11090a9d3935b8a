import type { Command, TerminalSize } from '../boundary/index.js'
import { UsageError } from '../errors/index.js'

export interface TerminalOptions extends TerminalSize {
  /** what programs look up to know how to draw: a name of terminfo(5); default `xterm`. A `TERM` in the policy's env counts more */
  readonly term?: string
}

const DEFAULT_NAME = 'xterm'
/** ioctl_tty(2): `struct winsize` holds unsigned shorts */
const MOST = 65_535

/** Throws {@link UsageError} for a size that no terminal has. */
export function terminalOf(options: TerminalOptions | undefined): Command['terminal'] {
  if (options === undefined) return null
  return { ...checkedSize(options), name: terminalName(options.term) }
}

export function checkedSize({ columns, rows }: TerminalSize): TerminalSize {
  const possible = (count: unknown) => Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MOST
  if (!possible(columns) || !possible(rows))
    throw new UsageError(
      'tty.size',
      `No terminal has ${String(columns)} columns and ${String(rows)} rows.`,
      `Give whole numbers from 1 to ${MOST}.`,
    )
  return { columns, rows }
}

/** A name from outside becomes part of a file's path in the job's own programs: a plain one, or the default. */
export function terminalName(name: string | undefined): string {
  return name !== undefined && /^[A-Za-z0-9][A-Za-z0-9+._-]{0,31}$/.test(name) ? name : DEFAULT_NAME
}
