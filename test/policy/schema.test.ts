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

test('no map takes unknown keys', () => {
  const maps = [schema, ...keys(schema).map(([, node]) => node)].filter((node) => node.properties)
  assert.ok(maps.length >= 5)
  for (const map of maps) assert.equal(map.additionalProperties, false)
})

test('every default and example in the schema is what the loader accepts; every default is what absence means', () => {
  for (const [path, node] of keys(schema)) {
    if (path.includes('[]') || path === 'version' || path.startsWith('files')) continue
    const document = (value: unknown): object => ({ version: 1, ...at(path, value) })
    // a section of its own that is absent is not there at all; its keys have their defaults in an empty one
    const home = SECTIONS.find((section) => path.startsWith(`${section}.`))
    const plain = parse(home === undefined ? { version: 1 } : { version: 1, ...at(home, {}) })
    if (node.default !== undefined) assert.deepEqual(parse(document(node.default)), plain, path)
    for (const value of [...(node.examples ?? []), ...(node.enum ?? [])]) parse(document(value))
  }
})

const SECTIONS = ['network.public', 'network']

function at(path: string, value: unknown): object {
  return path.split('.').reduceRight((inner: unknown, step) => ({ [step]: inner }), value) as object
}

test('every default and example of a rule is what the loader accepts; every default is what absence means', () => {
  const host = 'api.example.com'
  const read = (entry: object) => parse({ version: 1, network: { allow: [entry] } }).network?.allow[0]
  const prefix = 'network.allow.[].[].'
  const own = keys(schema).filter(([path]) => path.startsWith(prefix))
  assert.ok(own.length > 10)
  for (const [path, { default: initial, examples = [], enum: words = [] }] of own) {
    const key = path.slice(prefix.length)
    const http = key === 'methods' || key === 'paths' ? { ports: [80] } : {}
    if (initial !== undefined) assert.deepEqual(read({ host, [key]: initial }), read({ host }), path)
    for (const value of [...examples, ...words]) read({ host, ...http, [key]: value })
  }
})

test('durations and sizes carry the pattern of what parses', () => {
  const patterns = keys(schema).filter(([path]) =>
    /deadline|noOutput|reuse\.age|memory|output|limits\.scratch|load$|timeouts\./.test(path),
  )
  assert.equal(patterns.length, 5 + 6 + 3)
  for (const [path, node] of patterns) {
    assert.ok(node.pattern, path)
    assert.match(String(node.examples?.[0] ?? node.default), new RegExp(node.pattern), path)
  }
})
