import { type Path, type Place, Places, type Written } from './places.js'
import { Problems } from './problems.js'

/** Deepest nesting; a policy needs five. */
const DEPTH = 16
/** Most values in one object; a cycle or a bomb ends here. */
const VALUES = 20_000

/**
 * Copies a caller's object into plain data: own enumerable data properties only, so that a getter, a proxy or a
 * polluted prototype can't show one value to the check and another to the sandbox.
 * @throws PolicyError when it is not plain data
 */
export function readObject(value: unknown, place: Place): Written {
  const places = new Places(place)
  const problems = new Problems(places)
  let values = 0
  const copy = (from: unknown, path: Path): unknown => {
    if (++values > VALUES) {
      if (values === VALUES + 1)
        problems.add('policy.tooLarge', [], `the policy has more than ${VALUES} values.`)
      return null
    }
    places.set(path, { ...place, order: values })
    if (from === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof from)) return from
    if (path.length >= DEPTH) {
      problems.add('policy.tooDeep', path, `is nested more than ${DEPTH} deep.`)
      return null
    }
    if (Array.isArray(from)) return copyList(from, path)
    const prototype = typeof from === 'object' ? Object.getPrototypeOf(from) : undefined
    if (prototype !== null && (prototype === undefined || Object.getPrototypeOf(prototype) !== null)) {
      problems.add(
        'policy.notPlain',
        path,
        'is not plain data.',
        'Pass plain objects, lists, text and numbers.',
      )
      return null
    }
    return copyMap(from as object, path)
  }
  const copyList = (from: unknown[], path: Path): unknown[] => {
    const to: unknown[] = []
    for (let i = 0; i < from.length && values <= VALUES; i++) to.push(copy(from[i], [...path, i]))
    return to
  }
  const copyMap = (from: object, path: Path): object => {
    const to: Record<string, unknown> = Object.create(null)
    for (const key of Object.keys(from)) {
      const at = [...path, key]
      const property = Object.getOwnPropertyDescriptor(from, key)
      if (key === '__proto__') problems.addKey('policy.unknownKey', at, 'there is no such key.', 'Remove it.')
      else if (property === undefined || !('value' in property))
        problems.add('policy.notPlain', at, 'is a getter, not plain data.', 'Pass its value.')
      // `undefined` is how JavaScript says that a key is absent
      else if (property.value !== undefined) to[key] = copy(property.value, at)
    }
    return to
  }
  const written = { value: guarded(() => copy(value, [])), places }
  problems.throwIfAny()
  return written

  function guarded(read: () => unknown): unknown {
    try {
      return read()
    } catch {
      // a proxy's traps are the caller's code, and may throw anything
      problems.add(
        'policy.notPlain',
        [],
        'is not plain data.',
        'Pass plain objects, lists, text and numbers.',
      )
      return null
    }
  }
}
