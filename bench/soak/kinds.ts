/** The jobs of a soak: each kind ends in its own way, and says what was wrong when it did not. */
import { type Glovebox, type Policy, parsePolicy, type RunOptions, type RunResult } from '../../src/index.js'
import type { Place } from './place.js'

export interface Kind {
  readonly name: string
  /** how many of a hundred jobs or so */
  readonly share: number
  /** what the job takes by its policy's own clock, ms; `null`: as long as it takes to fill its memory */
  readonly ownMs: number | null
  /** @returns what was not as it has to be; `null`: nothing */
  once(glovebox: Glovebox, job: Given): Promise<string | null>
}

export interface Given {
  readonly tenant: string
  /** at random, ms */
  readonly delayMs: number
}

const SHORT_MS = 300
const BYTES = 64 * 1024
const GROW = 'x=0123456789; while :; do x=$x$x; done'
/** Of an answer's body, and of what a name that nothing allows is told. */
const FETCH =
  'for h in host.test other.test; do exec 3<>/dev/tcp/$h/$0 && printf "GET / HTTP/1.0\\r\\nHost: $h\\r\\n\\r\\n" >&3 && cat <&3; done; exit 0'

type Expected = Partial<Pick<RunResult, 'reason' | 'exitCode' | 'signal'>>

export function kindsOf(place: Place): { readonly plain: Policy; readonly kinds: readonly Kind[] } {
  const policy = (more: { limits?: object; lifetime?: object; network?: object } = {}) =>
    parsePolicy({
      version: 1,
      boundary: place.boundary,
      root: place.root,
      ...more,
      limits: { memory: '64MiB', ...more.limits },
      lifetime: { deadline: '2m', ...more.lifetime },
      ...(place.waive.length > 0 ? { waive: place.waive } : {}),
    })
  const plain = policy()
  const bytes = new Uint8Array(BYTES).fill(97)
  const upper = Buffer.alloc(BYTES, 'A')

  const kind = (
    name: string,
    share: number,
    argv: readonly string[],
    expected: Expected,
    more: {
      under?: Policy
      ownMs?: number | null
      options?: (given: Given) => RunOptions
      check?: (result: RunResult) => boolean
    } = {},
  ): Kind => ({
    name,
    share,
    ownMs: more.ownMs === undefined ? 0 : more.ownMs,
    once: async (glovebox, given) => {
      const options = { tenant: given.tenant, ...more.options?.(given) }
      const result = await glovebox.run(more.under ?? plain, argv, options)
      const isRight = Object.entries(expected).every(
        ([key, value]) => result[key as keyof Expected] === value,
      )
      if (isRight && more.check?.(result) !== false) return null
      const { reason, exitCode, signal, message } = result
      return `${name}: ${reason}, exit code ${exitCode}, signal ${signal}: ${message ?? Buffer.from(result.stderr)}`
    },
  })

  const network = {
    allow: [{ host: 'host.test', ports: [place.port], protocol: 'http', private: ['127.0.0.1/32'] }],
  }
  // where nothing holds a job's memory, none may fill it
  const hungry = place.waive.includes('limits.memory')
    ? []
    : [kind('memory', 2, ['sh', '-c', GROW], { reason: 'memory' }, { ownMs: null })]
  const kinds = [
    ...hungry,
    kind('exit 0', 24, ['true'], { reason: 'exited', exitCode: 0 }),
    kind('exit 7', 14, ['sh', '-c', 'exit 7'], { reason: 'exited', exitCode: 7 }),
    kind('signal', 8, ['sh', '-c', 'kill -TERM $$'], { reason: 'signal', signal: 'SIGTERM' }),
    kind('not found', 6, ['/no/such/program'], { reason: 'failed', exitCode: 127 }),
    kind('children left', 6, ['sh', '-c', 'sleep 1000 & sleep 1000 & exit 0'], { reason: 'exited' }),
    kind(
      'inputs and outputs',
      8,
      ['sh', '-c', 'tr a-z A-Z <in >out'],
      { reason: 'exited', exitCode: 0 },
      {
        options: () => ({ inputs: { in: bytes }, outputs: ['out'] }),
        check: ({ outputs }) => upper.equals(outputs.out ?? new Uint8Array()),
      },
    ),
    kind(
      'stdin',
      8,
      ['tr', 'a-z', 'A-Z'],
      { reason: 'exited', exitCode: 0 },
      { options: () => ({ stdin: bytes }), check: ({ stdout }) => upper.equals(stdout) },
    ),
    kind(
      'network',
      8,
      ['bash', '-c', FETCH, `${place.port}`],
      { reason: 'exited', exitCode: 0 },
      {
        under: policy({ network }),
        check: ({ report, stdout }) =>
          Buffer.from(stdout).toString().endsWith('here') &&
          report.network.some(({ verdict }) => verdict === 'allow') &&
          report.network.some(({ verdict }) => verdict === 'denyName'),
      },
    ),
    kind(
      'cancelled',
      6,
      ['sleep', '1000'],
      { reason: 'cancelled' },
      { options: ({ delayMs }) => ({ signal: AbortSignal.timeout(delayMs) }) },
    ),
    kind('output', 4, ['yes'], { reason: 'output' }, { under: policy({ limits: { output: '64KiB' } }) }),
    kind(
      'deadline',
      3,
      ['sh', '-c', 'trap "" TERM; while :; do sleep 1000; done'],
      { reason: 'deadline' },
      { under: policy({ lifetime: { deadline: `${SHORT_MS}ms` } }), ownMs: SHORT_MS },
    ),
    kind(
      'no output',
      3,
      ['sleep', '1000'],
      { reason: 'noOutput' },
      { under: policy({ lifetime: { noOutput: `${SHORT_MS}ms` } }), ownMs: SHORT_MS },
    ),
  ]
  return { plain, kinds }
}
