/** A run that can't begin yet: its streams and its ways to be spoken to are there at once. */
import { PassThrough, type Readable } from 'node:stream'
import type { TerminalSize } from '../boundary/index.js'
import { withoutGiven } from './given-values.js'
import type { Run, RunOptions } from './options.js'
import { checkedSize } from './terminal.js'

/** `beginning`: what is waited for; it rejects with why there is none. `options`: what its caller gave. */
export function laterRun(
  beginning: Promise<() => Run>,
  { secrets = {}, buffer = true }: Pick<RunOptions, 'secrets' | 'buffer'>,
): Run {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let run: Run | null = null
  let size: TerminalSize | null = null
  const begun = beginning.then((begin) => {
    run = begin()
    pass(run.stdout, stdout, buffer)
    pass(run.stderr, stderr, buffer)
    if (size !== null) run.resize(size)
    // not itself: a promise of a run would wait for its end
    return { run }
  })
  const finished = begun.then(({ run }) => run)
  begun.catch(() => {
    stdout.end()
    stderr.end()
  })
  return Object.assign(finished, {
    stdout,
    stderr,
    resize(to: TerminalSize) {
      size = checkedSize(to)
      run?.resize(size)
    },
    revoke: async (name: string) => (await begun).run.revoke(name),
    redact: (text: string) => run?.redact(text) ?? withoutGiven(text, secrets),
    knowsValues: () => run?.knowsValues() ?? false,
  })
}

/** Who reads no more is heard of by whoever writes. A run that keeps its output goes on whether or not anyone reads it here, too. */
function pass(from: Readable, to: PassThrough, isKept: boolean): void {
  if (isKept) from.on('data', (chunk: Buffer) => to.write(chunk))
  else from.pipe(to)
  from.once('error', (error) => to.destroy(error))
  from.once('close', () => to.end())
  to.once('close', () => from.destroy())
}
