/**
 * Which of two versions is newer. Pure. Two orders: that of Debian's packages, exactly, and that of what upstream calls its
 * releases, whichever way a distribution spells them.
 */

/** deb-version(7): `[epoch:]upstream[-revision]`. Negative when `a` is older. */
export function compareDebian(a: string, b: string): number {
  const [one, other] = [debianParts(a), debianParts(b)]
  return (
    compareNumbers(one.epoch, other.epoch) ||
    comparePart(one.upstream, other.upstream) ||
    comparePart(one.revision, other.revision)
  )
}

/**
 * Of upstream's releases: `1.4.0-rc.1` is older than `1.4.0`. Negative when `a` is older; `null` when one of them is no version.
 */
export function compareUpstream(a: string, b: string): number | null {
  const [one, other] = [upstreamVersion(a), upstreamVersion(b)]
  return one === null || other === null ? null : comparePart(one, other)
}

/**
 * What upstream calls it, in an order of its own where `~` is older than nothing: `v1.1.5+ds1` is `1.1.5`, `1.4.0-rc.1` is
 * `1.4.0~rc.1`, and a snapshot by its date (`0.0~20221219.0`, `release-20221219.0`) is `20221219.0`. `null`: no version.
 * What is built after a release and says so (`1.1.0+dev`) counts as that release: rather too old than too new.
 */
export function upstreamVersion(text: string): string | null {
  const match = /^(?:\d+:)?(?:release-|v)?(\d+(?:\.\d+)*)(.*)$/.exec(text)
  if (match === null || text.length > 100 || !/^[\w.+~:-]+$/.test(text)) return null
  const [, numbers = '', rest = ''] = match
  const snapshot = /^~(\d{8}(?:\.\d+)*)/.exec(rest)?.[1]
  if (numbers === '0.0' && snapshot !== undefined) return snapshot
  // -1+deb12u1, -0ubuntu3: a package's revision. +ds1, ~ds1, ~dfsg1: the same release, packed again.
  if (rest === '' || /^-\d|^\+|^~(?:ds|dfsg|debian|deb|ubuntu)/.test(rest)) return numbers
  return `${numbers}~${rest.slice(1).split(/[+]|-(?=\d)/)[0] ?? ''}`
}

interface DebianParts {
  readonly epoch: string
  readonly upstream: string
  readonly revision: string
}

function debianParts(text: string): DebianParts {
  const colon = text.indexOf(':')
  const epoch = colon < 0 ? '0' : text.slice(0, colon)
  const rest = text.slice(colon + 1)
  const dash = rest.lastIndexOf('-')
  return {
    epoch,
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? '' : rest.slice(dash + 1),
  }
}

/** Runs of other characters and of digits by turns, from the left; the first difference decides. */
function comparePart(a: string, b: string): number {
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    const [texts, others] = [runOf(a, i, false), runOf(b, j, false)]
    const byText = compareTexts(texts, others)
    if (byText !== 0) return byText
    i += texts.length
    j += others.length
    const [digits, otherDigits] = [runOf(a, i, true), runOf(b, j, true)]
    const byNumber = compareNumbers(digits, otherDigits)
    if (byNumber !== 0) return byNumber
    i += digits.length
    j += otherDigits.length
  }
  return 0
}

function runOf(text: string, from: number, digits: boolean): string {
  let to = from
  while (to < text.length && isDigit(text.charCodeAt(to)) === digits) to++
  return text.slice(from, to)
}

function compareTexts(a: string, b: string): number {
  for (let i = 0; i < a.length || i < b.length; i++) {
    const difference = weight(a, i) - weight(b, i)
    if (difference !== 0) return difference
  }
  return 0
}

/** `~` before the end, the end before letters, letters before all else. */
function weight(text: string, at: number): number {
  if (at >= text.length) return 0
  const code = text.charCodeAt(at)
  if (text[at] === '~') return -1
  return /[A-Za-z]/.test(text[at] ?? '') ? code : code + 256
}

/** By length first: a number in a version may be longer than a double holds. */
function compareNumbers(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')]
  return one.length - other.length || (one < other ? -1 : one > other ? 1 : 0)
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}
