/** A verification as JUnit XML, as CI systems read it. Pure. */
import { visible } from '../../errors/index.js'
import type { ClaimResult, ProbeOutcome, Verification } from './verification.js'

/**
 * One suite for each family of claims, one case for each probe; a claim that no probe tried is a case too, skipped. A broken
 * probe is a failure; one whose control failed is an error.
 */
export function junitXml(found: Verification): string {
  const cases = found.claims.flatMap((claim) => casesOf(claim, found.probes))
  const families = [...new Set(cases.map(({ family }) => family))]
  const suites = families.map((family) =>
    suite(
      family,
      cases.filter((each) => each.family === family),
      found,
    ),
  )
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="glovebox verify" ${totals(cases)} time="${seconds(found.ms)}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n')
}

type Kind = 'passed' | 'failure' | 'error' | 'skipped'

interface Case {
  readonly family: string
  readonly claim: string
  readonly name: string
  readonly ms: number
  readonly kind: Kind
  readonly why: readonly string[]
}

const KIND: Readonly<Record<ProbeOutcome['status'], Kind>> = {
  holds: 'passed',
  broken: 'failure',
  controlFailed: 'error',
  notApplicable: 'skipped',
}

function casesOf({ id: claim, probes, status, why }: ClaimResult, all: readonly ProbeOutcome[]): Case[] {
  const family = claim.slice(0, claim.indexOf('.'))
  const tried = all
    .filter(({ id }) => probes.includes(id))
    .map(({ id, tries, status: each, ms, why: reasons }): Case => {
      return { family, claim, name: `${id}: ${tries}`, ms, kind: KIND[each], why: reasons }
    })
  if (tried.length > 0) return tried
  const reason = status === 'waived' ? `waived ${why}` : why
  return [{ family, claim, name: claim, ms: 0, kind: 'skipped', why: [reason] }]
}

function suite(family: string, cases: readonly Case[], { startedAt }: Verification): string {
  const time = seconds(cases.reduce((sum, { ms }) => sum + ms, 0))
  return [
    `  <testsuite name=${quoted(family)} ${totals(cases)} timestamp=${quoted(startedAt)} time="${time}">`,
    ...cases.map(caseXml),
    '  </testsuite>',
  ].join('\n')
}

function totals(cases: readonly Case[]): string {
  const count = (kind: Kind) => cases.filter((each) => each.kind === kind).length
  return `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`
}

function caseXml({ claim, name, ms, kind, why }: Case): string {
  const head = `    <testcase classname=${quoted(claim)} name=${quoted(name)} time="${seconds(ms)}"`
  if (kind === 'passed') return `${head}/>`
  const message = quoted(why[0] ?? '')
  const inner =
    kind === 'skipped'
      ? `<skipped message=${message}/>`
      : `<${kind} message=${message}>${why.map(escaped).join('\n')}</${kind}>`
  return `${head}>${inner}</testcase>`
}

const seconds = (ms: number) => (ms / 1000).toFixed(3)

const quoted = (text: string) => `"${escaped(text)}"`

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/**
 * Text that came out of a sandbox may hold anything: controls are spelled out, and so is what XML 1.0 has no way to say
 * (section 2.2: U+FFFE, U+FFFF; lone surrogates are among the controls here).
 */
function escaped(text: string): string {
  return visible(text)
    .replace(/[\ufffe\uffff]/g, (unit) => `\\u{${unit.charCodeAt(0).toString(16)}}`)
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
