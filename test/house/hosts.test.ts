/** `npm run test:hosts` boots machines; what it says without any of them is tried here. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'

interface Host {
  readonly name: string
  readonly shows: string
}

const { HOSTS }: { HOSTS: readonly Host[] } = await import(`${ROOT}/scripts/test-hosts/hosts.mjs`)
const { CHECKS }: { CHECKS: object } = await import(`${ROOT}/scripts/test-hosts/inside/hosts.mjs`)

const script = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/test-hosts.mjs', ...args], { cwd: ROOT, encoding: 'utf8' })

test('every host has checks, and all checks have a host', () => {
  assert.deepEqual(
    HOSTS.map(({ name }) => name),
    Object.keys(CHECKS),
  )
})

test('test:hosts --list names each host and what it shows, and runs nothing', () => {
  const { status, stdout } = script('--list')
  assert.equal(status, 0)
  for (const { name, shows } of HOSTS) assert.match(stdout, new RegExp(`^${name} +${shows}$`, 'm'))
})

test('test:hosts refuses a host that there is not, and says which there are', () => {
  const { status, stderr } = script('--host', 'ubuntu')
  assert.equal(status, 1)
  assert.match(stderr, /^test:hosts: no host is called ubuntu: there are debian, .*containers\.\n$/)
})

test('test:hosts refuses a flag that it does not know, without a stack', () => {
  const { status, stderr } = script('--hosts')
  assert.equal(status, 1)
  assert.match(stderr, /^test:hosts: Unknown option '--hosts'.* See --help\.\n$/)
})
