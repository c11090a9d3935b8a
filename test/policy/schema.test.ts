import assert from 'node:assert/strict'
import { test } from 'node:test'
import { policySchemaJson } from '../../src/policy/index.js'
import { parse } from './harness.js'

interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly pattern?: string
  readonly enum?: readonly unknown[]
  readonly additionalProperties?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
}

const schema = policySchemaJson() as unknown as Node & { $schema: string; required: string[] }

/** Every key with its schema, `limits.memory`. */
function keys(node: Node, prefix = ''): [string, Node][] {
  const below = Object.entries(node.properties ?? {}).flatMap(([key, child]): [string, Node][] => [
    [prefix + key, child],
    ...keys(child, `${prefix}${key}.`),
  ])
  const parts = [...(node.anyOf ?? []), ...(node.items ? [node.items] : [])]
  return [...below, ...parts.flatMap((part) => keys(part, `${prefix}[].`))]
}

test('the published schema is JSON Schema 2020-12, with a description on every key', () => {
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.deepEqual(schema.required, ['version'])
  for (const [path, node] of keys(schema)) assert.ok((node.description ?? '').length > 10, path)
  assert.doesNotThrow(() => JSON.stringify(schema))
})

test('an editor completes nothing that is refused', () => {
  assert.deepEqual(
    keys(schema)
      .map(([path]) => path)
      .filter((path) => /network|credentials/.test(path)),
    [],
  )
  const text = JSON.stringify(schema)
  for (const word of ['tenant', 'image:']) assert.ok(!text.includes(word), word)
})

test('no map takes unknown keys', () => {
  const maps = [schema, ...keys(schema).map(([, node]) => node)].filter((node) => node.properties)
  assert.ok(maps.length >= 5)
  for (const map of maps) assert.equal(map.additionalProperties, false)
})

test('every default and example in the schema is what the loader accepts; every default is what absence means', () => {
  const plain = parse({ version: 1 })
  for (const [path, node] of keys(schema)) {
    if (path.includes('[]') || path === 'version' || path.startsWith('files')) continue
    const document = (value: unknown): object => {
      const [section = '', key] = path.split('.')
      return { version: 1, [section]: key === undefined ? value : { [key]: value } }
    }
    if (node.default !== undefined) assert.deepEqual(parse(document(node.default)), plain, path)
    for (const value of [...(node.examples ?? []), ...(node.enum ?? [])]) parse(document(value))
  }
})

test('durations and sizes carry the pattern of what parses', () => {
  const patterns = keys(schema).filter(([path]) => /deadline|noOutput|memory|output|scratch/.test(path))
  assert.equal(patterns.length, 5)
  for (const [path, node] of patterns) {
    assert.ok(node.pattern, path)
    assert.match(String(node.examples?.[0]), new RegExp(node.pattern), path)
  }
})
