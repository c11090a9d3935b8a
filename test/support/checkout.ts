/** Where these compiled tests belong, and folders that are gone when their test is over. */
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

/** The checkout that these compiled tests belong to. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

/** A folder for one test; 0700 unless told otherwise. */
export function testFolder(t: TestContext, mode = 0o700): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'glovebox-test-')))
  chmodSync(folder, mode)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder for all tests of this process, readable by every user. */
export function sharedFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'glovebox-shared-')))
  chmodSync(folder, 0o755)
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'package-lock.json'))) return from
  const parent = dirname(from)
  if (parent === from) throw new Error('not in a checkout')
  return findRoot(parent)
}
