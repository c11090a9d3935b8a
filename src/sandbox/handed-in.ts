import type { Job } from './job.js'
import type { RunOptions } from './options.js'

/** What no credential's value may be in, besides the command and the contents of inputs. */
export function handedIn({ inputs = {}, outputs = [], stdin }: RunOptions): Job['handedIn'] {
  const names = [...Object.keys(inputs), ...(Array.isArray(outputs) ? outputs : Object.keys(outputs))]
  return { names, stdin: stdin instanceof Uint8Array ? stdin : null }
}
