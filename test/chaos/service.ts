/**
 * A service whose parts are killed: one Glovebox with sandboxes that wait, which runs jobs all the time, each lane its own kind. A line of JSON for
 * each end, and for each answer. `check` on standard input: one run from now on has to end as it should; `save`: one on a
 * machine that nobody saved; `close`: end all.
 *
 * Imports the library alone: it runs as other users too, from a copy.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, GloveboxError, type Policy, parsePolicy, type RunOptions } from '../../src/index.js'

export interface ServiceOptions {
  /** of every policy */
  readonly document: Readonly<Record<string, unknown>> & { readonly lifetime: object }
  /** what a job that stays sleeps, s: by it its process is known */
  readonly mark: string
  /** collected outputs are written below it */
  readonly folder: string
  /** sandboxes that wait */
  readonly warm: number
  /** virtual machines that nobody saved are made all the time, too: a saved machine may be half made when somebody dies */
  readonly saves: boolean
}

export type Line =
  | { readonly ended: string; readonly lane: string }
  /** how many runs it took until one ended as it should */
  | { readonly checked: number; readonly said: readonly string[] }
  /** an error that is none of Glovebox's own sentences */
  | { readonly bug: string }
  | { readonly ready: true }

const FILES = 50
const MANY = `mkdir many; i=0; while [ $i -lt ${FILES} ]; do i=$((i+1)); echo $i > many/$i; done`
/** The first may still meet what was killed. */
const TRIES = 5
const REST_MS = 10
/** Of a machine that is booted: small. */
const LIMITS = { memory: '64MiB', cpus: 1 }

const { document, mark, folder, warm, saves } = JSON.parse(process.argv[2] ?? '') as ServiceOptions
const tell = (line: Line) => process.stdout.write(`${JSON.stringify(line)}\n`)
const plain = parsePolicy(document)
const reused = parsePolicy({
  ...document,
  lifetime: { ...document.lifetime, reuse: { within: 'tenant', runs: 5 } },
})
const networked = parsePolicy({ ...document, network: { allow: ['none.invalid'] } })
const glovebox = await Glovebox.start({ boundary: plain.boundary, warm: { most: warm } })
let closing = false
let outputs = 0

async function once(lane: string, policy: Policy, argv: string[], options: RunOptions): Promise<string> {
  try {
    const { reason, exitCode, message } = await glovebox.run(policy, argv, options)
    if (reason === 'failed' && message === null) tell({ bug: `${lane}: failed, and nobody says why` })
    return reason === 'exited' ? `${exitCode}` : reason
  } catch (error) {
    if (!(error instanceof GloveboxError)) tell({ bug: `${lane}: ${(error as Error).stack}` })
    return (error as { code?: string }).code ?? 'error'
  }
}

async function lane(name: string, policy: Policy, argv: string[], options: () => RunOptions): Promise<void> {
  while (!closing) {
    tell({ lane: name, ended: await once(name, policy, argv, options()) })
    await sleep(REST_MS)
  }
}

/** Some commands in one sandbox, with a file that goes from one to the next. */
async function inSession(): Promise<string> {
  try {
    const session = await glovebox.session(plain, { tenant: 'chaos' })
    try {
      await session.writeFile('given', 'x\n')
      await session.run(['sh', '-c', 'read x < given; echo $x > taken'])
      await session.readFile('taken')
      return 'whole'
    } finally {
      await session.close()
    }
  } catch (error) {
    if (!(error instanceof GloveboxError)) tell({ bug: `session: ${(error as Error).stack}` })
    return (error as { code?: string }).code ?? 'error'
  }
}

async function sessions(): Promise<void> {
  while (!closing) {
    tell({ lane: 'session', ended: await inSession() })
    await sleep(REST_MS)
  }
}

// what is made once for all, such as an engine's image: two who make it at once leave one without a name, for a day
for (const policy of [plain, networked]) await glovebox.run(policy, ['true'])
const begun = performance.now()
await glovebox.run(networked, ['true'])
// its start counts, too: where that takes long, so does its stay
const most = 400 + 2 * (performance.now() - begun)
const stays = () => ({ signal: AbortSignal.timeout(100 + Math.floor(Math.random() * most)) })
const lanes = [
  lane('stays', plain, ['sleep', mark], stays),
  lane('network', networked, ['sleep', mark], stays),
  sessions(),
  lane('reused', reused, ['true'], () => ({ tenant: 'chaos' })),
  lane('collects', plain, ['sh', '-c', MANY], () => ({ outputs: { many: `${folder}/many-${outputs++}` } })),
]
// of another number of processes it is another machine
const another = () =>
  parsePolicy({ ...document, limits: { ...LIMITS, processes: 65 + Math.floor(Math.random() * 900) } })
async function saving(): Promise<void> {
  while (!closing) {
    tell({ lane: 'saves', ended: await once('saves', another(), ['true'], {}) })
    await sleep(REST_MS)
  }
}
if (saves) lanes.push(saving())
// it may be killed in the middle of it
const keepWarm = () => glovebox.keepWarm(plain, 1).catch(() => {})

async function check(policy: Policy): Promise<void> {
  const said: string[] = []
  while (said.length < TRIES && said.at(-1) !== '0') said.push(await once('check', policy, ['true'], {}))
  tell({ checked: said.at(-1) === '0' ? said.length : 0, said })
}

createInterface({ input: process.stdin }).on('line', async (command) => {
  if (command === 'check') return check(plain)
  if (command === 'save') return check(another())
  closing = true
  await Promise.all(lanes)
  await glovebox.close()
  process.exit(0)
})
// whoever started it is dead
process.stdin.on('end', () => process.exit(1))
void keepWarm().then(() => tell({ ready: true }))
