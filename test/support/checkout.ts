/** Where these compiled tests belong, and folders that are gone when their test is over. */
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

/** The checkout that these compiled tests belong to. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))

/** What an installation has besides ours, as the lock file says it. */
export function neededPackages(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  return Object.entries<{ dev?: true }>(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path]) => path.slice('node_modules/'.length))
}

/** A folder for one test; 0700 unless told otherwise. */
export function testFolder(t: TestContext, mode = 0o700): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'glovebox-test-')))
  chmodSync(folder, mode)
  t.after(() => removed(folder))
  return folder
}

/** Mounts, for a test that root runs; gone before `folder`, which is a {@link testFolder}, is. */
export function mountFor(folder: string, type: string, point: string): void {
  mkdirSync(point, { recursive: true })
  execFileSync('mount', ['-t', type, 'glovebox-test', point])
  mounted.set(folder, [...(mounted.get(folder) ?? []), point])
}

const mounted = new Map<string, string[]>()

/** Unmounts first: nothing is ever removed from a file system that only passes through. */
function removed(folder: string): void {
  for (const point of mounted.get(folder) ?? []) execFileSync('umount', ['-l', point])
  rmSync(folder, { recursive: true, force: true })
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
