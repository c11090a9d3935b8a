import { show } from './quote.js'

/** A known key or value of the policy format that this version can't enforce. It is refused, never ignored. */
interface Future {
  /** path with `[]` for any index */
  readonly path: string
  readonly when: (value: unknown) => boolean
  readonly sentence: string
  readonly advice: string
}

const isMap = (value: unknown) => typeof value === 'object' && value !== null

const FUTURE: readonly Future[] = [
  {
    path: 'lifetime.reuse',
    when: isMap,
    sentence: 'this version of Glovebox cannot enforce rules of reuse yet; every job has a fresh sandbox.',
    advice: 'Write reuse: never, or remove the key.',
  },
]

/** The sentence for a known but unsupported key or value; `null` when it is neither. */
export function notYet(
  path: readonly (string | number)[],
  value: unknown,
): { what: string; advice: string } | null {
  const generic = path
    .map((step, i) => (typeof step === 'number' ? '[]' : i === 0 ? step : `.${step}`))
    .join('')
  const future = FUTURE.find((entry) => entry.path === generic && entry.when(value))
  if (future === undefined) return null
  const shown = typeof value === 'string' ? `${show(value)}: ` : ''
  return { what: shown + future.sentence, advice: future.advice }
}
