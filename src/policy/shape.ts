import type * as z from 'zod/mini'
import { nearest } from '../spelling/index.js'
import { splitSentences } from './leaves.js'
import type { Path, Written } from './places.js'
import type { Problems } from './problems.js'
import { printable, show } from './quote.js'
import { policySchema, schemaFor } from './schema.js'

type Issue = z.core.$ZodIssue

/** Checks keys, types and ranges, and turns each of zod's issues into a problem that says what to write. */
export function checkShape(written: Written, problems: Problems): void {
  if (isBare(written.value)) return
  // jitless: compiling a validator costs more than the one document it would check
  const result = schemaFor(written.value).safeParse(written.value, { jitless: true })
  if (!result.success) for (const issue of result.error.issues) report(issue, [], written, problems)
}

/** `{version: 1}` alone, the commonest policy of all, is right without a schema, which takes a while to load. */
function isBare(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const [[key, version] = [], ...others] = Object.entries(value)
  return key === 'version' && version === 1 && others.length === 0 && !Array.isArray(value)
}

function report(issue: Issue, prefix: Path, written: Written, problems: Problems): void {
  const path = [...prefix, ...(issue.path as (string | number)[])]
  const value = valueAt(written.value, path)
  if (path.length === 0 && issue.code === 'invalid_type') {
    const what = value === null ? 'the policy is empty.' : `the policy is ${show(value)}, not a map.`
    problems.add('policy.badValue', path, what, 'Write version: 1, and what the job may do.')
    return
  }
  if (issue.code === 'unrecognized_keys') {
    const keys = keysAt(path)
    for (const key of issue.keys) unknownKey([...path, key], keys, problems)
    return
  }
  if (
    issue.code === 'invalid_union' &&
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value)
  ) {
    // the branch of a union for maps is the one with something to say about a map's keys
    for (const inner of issue.errors.at(-1) ?? []) report(inner, path, written, problems)
    return
  }
  if (issue.code === 'invalid_key') {
    const [what, advice] = splitSentences(issue.issues[0]?.message ?? '')
    problems.addKey('policy.badValue', path, `${show(path.at(-1))} ${what}`, advice)
    return
  }
  const [what, advice] = splitSentences(issue.message)
  if (value === undefined) problems.add('policy.missingKey', path, 'is missing.', missingAdvice(path))
  else problems.add('policy.badValue', path, `${show(value)} ${what}`, advice)
}

const MISSING: ReadonlyMap<string, string> = new Map([
  ['version', 'Write version: 1.'],
  ['host', 'Write a name such as api.example.com.'],
  ['within', 'Write tenant: it is used again for one tenant alone.'],
  ['hosts', 'Write the hosts that receive it, e.g. [api.example.com].'],
  ['source', 'Write where the value is from: caller, {env: NAME}, {file: PATH} or {command: [PROGRAM]}.'],
  ['use', 'Write bearer, basic, {header: NAME}, {query: KEY}, placeholder or {aws-sigv4: {…}}.'],
])

function missingAdvice(path: Path): string {
  const key = String(path.at(-1))
  return (
    MISSING.get(key) ??
    (path[0] === 'credentials' ? `Write ${key}, too.` : 'Write a path on the host such as /srv/in.')
  )
}

function unknownKey(path: Path, keys: readonly string[], problems: Problems): void {
  const key = String(path.at(-1))
  const close = problems.full ? null : nearest(key, keys)
  const advice = close === null ? `The keys here are ${keys.join(', ')}.` : `Did you mean \`${close}\`?`
  problems.addKey('policy.unknownKey', path, `there is no key ${show(printable(key, 40))} here.`, advice)
}

/** The keys that the schema knows at a path, read from the schema itself. */
function keysAt(path: Path): string[] {
  let schema: z.core.$ZodType | undefined = policySchema()
  for (const step of path) schema = childOf(schema, step)
  const found = expand(schema).find((each) => each._zod.def.type === 'object')
  return found === undefined ? [] : Object.keys((found as z.core.$ZodObject)._zod.def.shape)
}

function childOf(schema: z.core.$ZodType | undefined, step: string | number): z.core.$ZodType | undefined {
  for (const each of expand(schema)) {
    const { def } = each._zod
    if (def.type === 'object') return (each as z.core.$ZodObject)._zod.def.shape[step]
    if (def.type === 'record') return (each as z.core.$ZodRecord)._zod.def.valueType
    if (def.type === 'array') return (each as z.core.$ZodArray)._zod.def.element
  }
  return undefined
}

/** Through `optional` and the branches of a union. */
function expand(schema: z.core.$ZodType | undefined): z.core.$ZodType[] {
  if (schema === undefined) return []
  const { type } = schema._zod.def
  if (type === 'optional') return expand((schema as z.core.$ZodOptional)._zod.def.innerType)
  if (type === 'union') return (schema as z.core.$ZodUnion)._zod.def.options.flatMap(expand)
  return [schema]
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<string | number, unknown>)[step]
  }
  return at
}
