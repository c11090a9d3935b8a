import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { PolicyError } from '../../src/errors/index.js'
import type { Policy, PolicyOptions } from '../../src/policy/index.js'
import { parsePolicy } from '../../src/policy/index.js'

/** No test depends on whether the machine that runs it has a ceiling. */
export const NO_CEILING = { path: '/nonexistent.invalid/ceiling.yaml' }

/** A folder with these files (`''` as content and a trailing `/`: a folder), gone when the test ends. */
export function folder(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'glovebox-policy-')))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const path = join(dir, name)
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true })
    if (!name.endsWith('/')) writeFileSync(path, content, { mode: 0o644 })
  }
  return dir
}

export function parse(source: string | object, options: PolicyOptions = {}): Policy {
  return parsePolicy(source, { source: 'policy.yaml', ceiling: NO_CEILING, ...options })
}

/** The error that the action must throw. */
export function refusal(action: () => unknown): PolicyError {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof PolicyError, `threw ${String(error)}`)
    return error
  }
  assert.fail('was accepted')
}

/** What a user reads when this policy is refused. */
export function message(source: string | object, options: PolicyOptions = {}): string {
  return refusal(() => parse(source, options)).message
}
