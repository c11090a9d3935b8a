/** What a job plants in its outputs and in live grants, for whoever takes them. */
import type { Attempt, Bench, Given, Probe, TakenEntry, Trial, Tried } from './probe.js'
import { attempt, refused } from './refused.js'
import { OUTPUT_SCRATCH_BYTES, outputsPlan } from './scaled.js'

interface Planted {
  readonly kind: string
  /** what it leads to, or how many KiB it seems to hold */
  readonly more?: (bench: Bench) => string
  /** whether what was taken holds what nobody should be given */
  readonly harms: (taken: readonly TakenEntry[], bench: Bench) => boolean
  /** when it is not refused but, by then, harmless */
  readonly mayCome?: true
}

const hasCanary: Planted['harms'] = (taken, { decoys }) =>
  taken.some(({ kind, text }) => kind === 'link' || text.includes(decoys.canary))
const hasSpecial: Planted['harms'] = (taken) => taken.some(({ kind }) => kind === 'other')
/** Beyond what is printable: control characters, and what turns the direction of writing. */
const hasOddName: Planted['harms'] = (taken) => taken.some(({ path }) => /[^\x20-\x7e]/.test(path))
const canary = ({ decoys }: Bench) => decoys.file
/** Of this size a file may be, and two may not. */
const TWO_TOO_LARGE_KIB = (OUTPUT_SCRATCH_BYTES / 1024) * 0.75
const sum = (taken: readonly TakenEntry[]) => taken.reduce((all, { bytes }) => all + bytes, 0)

function told({ kind }: Planted, taken: readonly TakenEntry[], reached: boolean): Tried {
  const detail = taken.map(({ path, bytes }) => `${JSON.stringify(path)} ${bytes}`).join(', ')
  return { attempt: `plant ${kind}`, look: { result: reached ? 'ok' : 'ENOENT', detail }, reached }
}

const words = ({ kind, more }: Planted, folder: string, bench: Bench, ...rest: string[]): Attempt =>
  attempt(['plant', kind, folder, more?.(bench) ?? '-', ...rest])

/** Nothing at all may come out beside it: a collection is all or nothing. */
function planted(all: readonly Planted[]): (given: Given) => Trial {
  return ({ plan }) => {
    const folder = plan.files.write[0]?.inside ?? '/out'
    const scaled = outputsPlan(plan)
    const inside = async (bench: Bench, each: Planted): Promise<Tried> => {
      const collected = `${bench.decoys.folder}/collected-${bench.view.word()}`
      const outputs = { [folder]: collected }
      const { tried } = await bench.inside([words(each, folder, bench)], scaled, { outputs })
      const taken = bench.view.taken(collected)
      // where a filter keeps the job from planting it, what lies beside may come out
      const wasPlanted = tried.every(({ look }) => look.result === 'ok')
      const shouldNot = wasPlanted && taken.length > 0 && each.mayCome !== true
      return told(each, taken, shouldNot || each.harms(taken, bench))
    }
    return {
      inside: (bench) => Promise.all(all.map((each) => inside(bench, each))),
      control: (bench) => Promise.all(all.map((each) => takenOpen(bench, each))),
    }
  }
}

/** As who takes whatever lies there would have it. */
async function takenOpen(bench: Bench, each: Planted): Promise<Tried> {
  const { view, decoys } = bench
  const folder = `${decoys.folder}/planted-${view.word()}`
  const child = bench.start(words(each, folder, bench, 'lifeline'))
  let taken: readonly TakenEntry[] = []
  const reached = await view.until(() => {
    taken = view.taken(folder)
    return each.harms(taken, bench)
  }, 10_000)
  await child.end()
  return told(each, taken, reached)
}

/** Into a folder of the decoys in place of the plan's own. */
function live(attempts: (folder: string) => readonly Attempt['words'][]): (given: Given) => Trial {
  return ({ plan }) => ({
    inside: async (bench) => {
      const folder = plan.files.live[0]?.inside ?? '/live'
      const files = { ...plan.files, live: [{ host: bench.decoys.live, inside: folder }] }
      const all = attempts(folder).map((each) => attempt(each))
      return (await bench.inside(all, { ...outputsPlan(plan), files })).tried
    },
    control: ({ open, decoys }) => open(attempts(decoys.live).map((each) => attempt(each))),
  })
}

const output = (id: string, tries: string, all: readonly Planted[]): Probe => ({
  id: `outputs.${id}`,
  claim: 'files.write-collected',
  threat: 'outputs',
  tries,
  trial: planted(all),
})

export const outputProbes: readonly Probe[] = [
  output('link', 'plant a link to another file among the outputs', [
    { kind: 'link', more: canary, harms: hasCanary },
    // it leads somewhere inside as well: whoever collects by following it brings that out
    { kind: 'link', more: () => '/etc/passwd', harms: hasCanary },
  ]),
  output('special', 'plant a fifo or a socket among the outputs', [
    { kind: 'fifo', harms: hasSpecial },
    { kind: 'socket', harms: hasSpecial },
  ]),
  output(
    'names',
    'plant names among the outputs that act on a terminal or mislead a reader',
    ['newline', 'escape', 'not-utf8', 'reversed'].map((kind) => ({ kind, harms: hasOddName })),
  ),
  output('size', 'plant files among the outputs that hold more than scratch does', [
    {
      kind: 'sparse',
      more: () => `${TWO_TOO_LARGE_KIB}`,
      harms: (taken) => sum(taken) > OUTPUT_SCRATCH_BYTES,
    },
  ]),
  output('swapped', 'go on swapping a file for a link while the outputs are taken', [
    { kind: 'swapped', more: canary, harms: hasCanary, mayCome: true },
  ]),
  {
    id: 'live.beside',
    claim: 'files.live-writes',
    threat: 'outputs',
    tries: 'leave a setuid file in a live grant, or write beside it',
    trial: live((folder) => [
      ['setuid-file', `${folder}/probe-setuid`],
      ['create', `${folder}/..`],
    ]),
  },
]

/** A frame of the first process's own: on a descriptor that leads to Glovebox, or where the job's words go. */
function forged(): Trial {
  const forge = attempt(['forge-frames'])
  return {
    inside: async (bench) => {
      const { tried } = await bench.inside([forge])
      const { outcome } = (await bench.inside([attempt(['say-answer', '64'])])).run
      const { reason, exitCode } = outcome.verdict
      const reached = reason !== 'exited' || exitCode !== 0
      const look = { result: reached ? 'ok' : 'ended', detail: `reason ${reason}, exit code ${exitCode}` }
      return [...tried, { attempt: 'say that the job ended with 7', look, reached }]
    },
    control: heardInTheOpen,
  }
}

/** Who reads the channel of a sandbox would take what is said for its end. */
export async function heardInTheOpen({ start, view }: Bench): Promise<readonly Tried[]> {
  const child = start(attempt(['forge-frames']))
  // `E`
  const heard = await view.until(() => child.channel()[0] === 0x45, 10_000)
  await child.end()
  return [{ attempt: 'forge-frames', look: { result: heard ? 'ok' : 'ended', detail: '' }, reached: heard }]
}

export const forgedProbes: readonly Probe[] = [
  {
    id: 'forged.answer',
    claim: 'lifetime.single-use',
    threat: 'forged-answers',
    tries: 'say in the name of the first process that the job has ended',
    trial: forged,
  },
  {
    id: 'forged.descriptors',
    claim: 'isolation.processes',
    threat: 'forged-answers',
    tries: 'list the descriptors of the first process, one of which leads to Glovebox',
    trial: () =>
      refused(() => [['list', '/proc/1/fd']], {
        control: ({ decoys }) => [['list', `/proc/${decoys.process.pid}/fd`]],
      }),
  },
]
