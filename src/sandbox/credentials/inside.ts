/** No value goes in with the job itself: in its command, its variables, its inputs. Looked for before anything is launched. */
import { CredentialError, visible } from '../../errors/index.js'
import type { Plan } from '../../plan/index.js'
import type { KnownValues } from './known-values.js'

/** What a caller hands to a job. */
export interface HandedIn {
  readonly argv: readonly string[]
  readonly plan: Pick<Plan, 'env' | 'files'>
  /** names of inputs and of outputs, as the caller wrote them */
  readonly names: readonly string[]
  /** that are bytes already; `null`: they are a stream or a file, which is read while the job runs */
  readonly stdin: Uint8Array | null
}

/** @throws CredentialError that says where a value is, and whose */
export function refuseValuesInside(known: KnownValues, { argv, plan, names, stdin }: HandedIn): void {
  const texts: (readonly [what: string, text: string])[] = [
    ...argv.map((text, at) => [at === 0 ? 'The command' : `Argument ${at} of the command`, text] as const),
    ...Object.entries(plan.env).map(([name, text]) => [`The variable ${name} (env)`, text] as const),
    ['The work directory', plan.files.workdir],
    ...[...plan.files.read, ...plan.files.write, ...plan.files.live].map(
      ({ inside }) => ['The place inside of a grant', inside] as const,
    ),
    ...names.map((text) => ['The name of an input or output', text] as const),
  ]
  for (const [what, text] of texts) refuse(what, known.nameIn(text))
  if (stdin !== null)
    refuse(
      'The standard input',
      known.nameInBytes(Buffer.from(stdin.buffer, stdin.byteOffset, stdin.byteLength)),
    )
}

/** The same for what is read as it goes in: before its end, the command does not start. */
export async function* withoutValues(
  what: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  known: KnownValues,
): AsyncGenerator<Uint8Array> {
  let before = Buffer.alloc(0)
  for await (const piece of content) {
    const text = Buffer.concat([before, piece])
    refuse(what, known.nameInBytes(text))
    before = text.subarray(Math.max(0, text.length - known.overlap))
    yield piece
  }
}

function refuse(what: string, name: string | null): void {
  if (name === null) return
  throw new CredentialError(
    'credential.inside',
    `${visible(what)} holds the value of credentials.${name}, which is not to be in the sandbox.`,
    `Write the variable, and let the job's own shell put its placeholder there: sh -c 'curl -H "Authorization: Bearer $${name}" …', in single quotes.`,
  )
}
