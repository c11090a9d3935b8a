/** What the gateway says of a job's words holds no value: a job that got hold of one could put it into a path, a name or an error. */
import { type HeldCredentials, Needles, redacted, whose, wrappingsOf } from '../../../credentials/index.js'
import type { Redaction } from '../sandbox-network.js'

export function redactionOf({ watched }: HeldCredentials): Redaction {
  const { patterns } = watched.values.wanted
  const plain = patterns.filter(({ wrapping }) => wrapping === 'plain')
  // names come in lower case, and in labels
  const lower = new Needles([
    ...patterns,
    ...plain.flatMap(({ name, bytes }) => wrappingsOf(name, bytes.toString('latin1').toLowerCase())),
  ])
  return {
    text: (text) => redacted(watched.values, text),
    name: (name) => {
      const [hit] = lower.scan(Buffer.from(name.replaceAll('.', ''), 'latin1'))
      return hit === undefined ? name : `[secret ${whose(hit.name).name}]`
    },
  }
}
