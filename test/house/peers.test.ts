import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../support/checkout.js'

const DOCUMENT = readFileSync(join(ROOT, 'docs/peers.md'), 'utf8')
const helped = spawnSync('bwrap', ['--help'], { encoding: 'utf8' })

test('docs/peers.md has a line for every option that bubblewrap lists', {
  skip: helped.status === 0 ? false : 'bubblewrap is not installed',
}, () => {
  const named = [...DOCUMENT.matchAll(/`(--[\w*-]+)`/g)].map(([, name = '']) => name)
  const isNamed = (option: string) =>
    named.some((name) => new RegExp(`^${name.replaceAll('*', '.*')}$`).test(option))
  const options = [...helped.stdout.matchAll(/^ {4}(--[\w-]+)/gm)].map(([, option = '']) => option)
  assert.ok(options.length > 50, helped.stdout)
  const missing = options.filter((option) => !isNamed(option) && !['--help', '--version'].includes(option))
  assert.deepEqual(missing, [])
})

test('docs/peers.md shows every example policy, and each is tried in test/peers', () => {
  const tried = readFileSync(join(ROOT, 'test/peers/nsjail.test.ts'), 'utf8')
  for (const file of readdirSync(join(ROOT, 'examples/policies')).filter((name) => name.endsWith('.yaml'))) {
    assert.ok(DOCUMENT.includes(`(../examples/policies/${file})`), file)
    assert.match(tried, new RegExp(`'${file.replace('.yaml', '')}'|\\b${file.replace('.yaml', '')}:`))
  }
})
