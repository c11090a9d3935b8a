/** Receipts: a whole verification with a digest over it, which shows accidents and edits; it is no signature. Pure. */
import { UsageError, visible } from '../../errors/index.js'
import { canonicalSha256 } from '../../policy/index.js'
import { type Basis, type Change, changesOf } from './basis.js'
import type { Verification } from './verification.js'

/** of a receipt's file, bytes */
export const RECEIPT_BYTES = 4 * 1024 * 1024

export type Receipt = Verification & {
  /** SHA-256 (hex) of the canonical JSON of everything else */
  readonly sha256: string
}

export function receiptOf(found: Verification): Receipt {
  return { ...found, sha256: canonicalSha256(found) }
}

/** A receipt that was read back. It may be anybody's: only what the digest covers is told, and nothing of it is trusted. */
export interface ReadReceipt {
  readonly startedAt: string
  readonly passed: boolean
  readonly content: Readonly<Record<string, unknown>>
}

const AGAIN = 'Verify again, with --receipt.'

/** @throws UsageError when it is damaged, of another version, or no receipt at all; `name`: the file, as it was given */
export function readReceipt(text: string, name: string): ReadReceipt {
  const wrong = (code: string, what: string) =>
    new UsageError(`receipt.${code}`, `${visible(name)} ${what}`, AGAIN)
  const value = parsed(text)
  if (value === undefined) throw wrong('damaged', 'is damaged, or no receipt: it is no JSON.')
  if (typeof value !== 'object' || value === null || !('format' in value))
    throw wrong('none', 'is no receipt of `glovebox verify`.')
  const { sha256, ...content } = value as Record<string, unknown>
  const digest = digestOf(content)
  if (digest === null) throw wrong('damaged', 'is damaged, or no receipt: no receipt is like that.')
  if (content.format !== 'glovebox-verification') throw wrong('none', 'is no receipt of `glovebox verify`.')
  if (content.version !== 1)
    throw wrong('version', `is a receipt of version ${said(content.version)}; this Glovebox reads version 1.`)
  if (typeof sha256 !== 'string')
    throw wrong('none', 'is what --json prints, not a receipt: it has no digest.')
  if (digest !== sha256)
    throw wrong('damaged', 'was changed after it was written, or is damaged: its digest is another.')
  if (content.only !== null) throw wrong('partial', 'is of a part of the probes only.')
  return { startedAt: said(content.startedAt), passed: content.passed === true, content }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `null`: a number beyond all bounds, or nested deeper than can be followed. */
function digestOf(content: object): string | null {
  try {
    return canonicalSha256(content)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

const LONGEST = 120

/** A value from a file, as a person may see it. */
function said(value: unknown): string {
  const text = visible(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'none'))
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

export interface Checked {
  readonly startedAt: string
  /** whether everything held then */
  readonly passed: boolean
  readonly changes: readonly (Change & { readonly means: string })[]
}

/** What of a receipt's basis is another now. */
export function checked(receipt: ReadReceipt, now: Basis): Checked {
  const { startedAt, passed, content } = receipt
  const changes = changesOf(content, now).map(({ what, before, now: is }) => ({
    what: said(what),
    before: said(before),
    now: said(is),
    means: meaning(what),
  }))
  return { startedAt, passed, changes }
}

/** By the longest beginning that fits. */
const MEANINGS = [
  ['host.kernel', 'the walls are the kernel’s'],
  ['host.build', 'the walls are the kernel’s'],
  ['host.arch', 'it was another machine'],
  ['host.user', 'an ordinary user’s sandboxes have other walls than root’s'],
  ['host.securityModules', 'a wall may have come or gone'],
  ['host.jobsModule', 'a wall may have come or gone'],
  ['host.cgroups', 'limits are kept in another way'],
  ['host.sysctls', 'the kernel allows more or less than it did'],
  ['versions.node', 'the supervisor and the gateway run in it'],
  ['versions', 'what makes a sandbox is another'],
  ['parts.probe', 'the attacks are others'],
  ['parts', 'what makes a sandbox is another'],
  ['policySha256', 'it was another policy, or other flags'],
  ['planSha256', 'what is enforced is another'],
] as const

function meaning(what: string): string {
  return MEANINGS.find(([beginning]) => what.startsWith(beginning))?.[1] ?? 'it was something else'
}

/** As `glovebox verify --check` says it. */
export function checkedText({ startedAt, passed, changes }: Checked): string[] {
  const lines = changes.map(
    ({ what, before, now, means }) => `CHANGED  ${what}: ${before} → ${now} (${means})`,
  )
  if (!passed) lines.unshift('BROKEN   not everything held when the receipt was written')
  if (lines.length === 0) return [`The receipt of ${startedAt} fits this host, this Glovebox and this plan.`]
  const advice =
    changes.length === 0
      ? 'fits what is here now, and says that not all of it holds: `glovebox verify --verbose` says why.'
      : 'says nothing of what is here now: verify again.'
  return [...lines, '', `The receipt of ${startedAt} ${advice}`]
}
