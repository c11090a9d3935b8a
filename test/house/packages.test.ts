/** What comes in with npm: nothing that runs when it is installed, and nothing whose version can drift. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

interface Locked {
  readonly hasInstallScript?: boolean
  readonly integrity?: string
  readonly resolved?: string
}

const REGISTRY = 'https://registry.npmjs.org/'

const root = new URL('../../../', import.meta.url)
const read = (file: string) => JSON.parse(readFileSync(new URL(file, root), 'utf8'))
const locked = Object.entries<Locked>(read('package-lock.json').packages).filter(([path]) => path !== '')

test('no package has an install script', () => {
  const scripted = locked.filter(([, entry]) => entry.hasInstallScript === true).map(([path]) => path)
  assert.deepEqual(scripted, [])
  assert.ok(locked.length > 0)
})

test('every package comes from a registry, with its hash', () => {
  // an address of its own would be a git repository, a tarball, or one developer's mirror
  const loose = locked.filter(
    ([, { integrity, resolved }]) =>
      !integrity?.startsWith('sha512-') || !(resolved ?? REGISTRY).startsWith(REGISTRY),
  )
  assert.deepEqual(
    loose.map(([path]) => path),
    [],
  )
})

test('package.json names exact versions', () => {
  const { dependencies, devDependencies } = read('package.json')
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(String(version), /^\d+\.\d+\.\d+$/, name)
  }
})
