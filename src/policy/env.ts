import { ENV_ENTRIES, ENV_ENTRY_BYTES, ENV_TOTAL_BYTES } from './bounds.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'

/** What execve(2) would refuse or cut: a NUL, an entry or a whole that is too long. */
export function checkEnv(env: unknown, problems: Problems): void {
  if (typeof env !== 'object' || env === null) return
  const entries = Object.entries(env)
  if (entries.length > ENV_ENTRIES) {
    const what = `has ${entries.length} variables; the most is ${ENV_ENTRIES}.`
    problems.add('policy.badValue', ['env'], what)
  }
  let total = 0
  for (const [name, value] of entries) {
    // a legal name that would set a prototype in any code that copies the environment key by key
    if (name === '__proto__')
      problems.addKey('policy.unknownKey', ['env', name], '"__proto__" is not allowed.')
    if (typeof value !== 'string' || problems.within(['env', name])) continue
    const bytes = Buffer.byteLength(name) + 1 + Buffer.byteLength(value)
    total += bytes
    const fault = valueFault(value, bytes)
    if (fault !== null) problems.add('policy.badValue', ['env', name], `${show(value)} ${fault}`)
  }
  if (total > ENV_TOTAL_BYTES)
    problems.add('policy.badValue', ['env'], `has ${total} bytes in all; the most is ${ENV_TOTAL_BYTES}.`)
}

function valueFault(value: string, bytes: number): string | null {
  // a NUL ends the value for the job, not for whoever reviewed the policy
  if (value.includes('\0')) return 'contains NUL.'
  if (/\p{Cs}/u.test(value)) return 'is not well-formed text.'
  return bytes > ENV_ENTRY_BYTES ? `makes an entry of ${bytes} bytes; the most is ${ENV_ENTRY_BYTES}.` : null
}
