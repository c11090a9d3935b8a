/** What a job leaves in a sandbox that is used again: for another tenant nothing, for its own what the policy says. */
import type { Plan } from '../../plan/index.js'
import { type Attempt, type Bench, type Probe, type Trial, type Tried, Untried } from './probe.js'
import { attempt } from './refused.js'

type Mark = readonly [kind: string, mark: string, folder?: string]

const leave = (mark: Mark) => attempt(['leave', ...mark] as Attempt['words'])
const find = (mark: Mark) => attempt(['find', ...mark] as Attempt['words'])

/** Files where it may write, dot files too, and what belongs to no process. */
const marksOf = (word: string, folders: readonly string[]): Mark[] => [
  ...folders.slice(0, 12).map((folder): Mark => ['file', word, folder]),
  ...['shm', 'sem', 'queue', 'key'].map((kind): Mark => [kind, word]),
]

const folders = ({ files }: Plan) => files.scratch.places

/** Without a namespace in between, or with nothing removed between two looks, each of them is there. */
const found = (bench: Bench): Promise<readonly Tried[]> => {
  const all = marksOf(bench.view.word(), [bench.decoys.folder])
  return bench.open([...all.map(leave), ...all.map(find)], 'privileged')
}

/** One job after another, whoever they are for. */
function leftFor(tenants: (own: string) => readonly [string, string]): Trial {
  return {
    inside: async (bench) => {
      const word = bench.view.word()
      const [first, second] = tenants(word)
      const all = marksOf(word, folders(bench.roomy))
      await bench.inside(all.map(leave), bench.roomy, { tenant: first })
      return (await bench.inside(all.map(find), bench.roomy, { tenant: second })).tried
    },
    control: found,
  }
}

/** Those that a job can see, from inside; `null`: it could not look. */
async function seen(bench: Bench, tenant: string): Promise<readonly string[]> {
  const { tried } = await bench.inside([attempt(['pids'])], bench.roomy, { tenant })
  const [look] = tried
  if (look?.look.result !== 'ok') throw new Untried('processes could not be listed there')
  return look.look.detail.split(/\s+/).filter(Boolean)
}

function processes(): Trial {
  const compared = (before: readonly string[], after: readonly string[]): Tried => ({
    attempt: 'see a process of the last job',
    look: { result: after.length > before.length ? 'ok' : 'ENOENT', detail: after.join(' ') },
    reached: after.length > before.length,
  })
  return {
    inside: async (bench) => {
      const tenant = bench.view.word()
      const before = await seen(bench, tenant)
      await bench.inside([attempt(['leave-daemon', bench.view.word()])], bench.roomy, { tenant })
      return [compared(before, await seen(bench, tenant))]
    },
    control: async (bench) => {
      const word = bench.view.word()
      const child = bench.start(attempt(['leave-daemon', word, 'lifeline']))
      try {
        const left = () => bench.view.processesWith(word).map(({ pid }) => `${pid}`)
        await bench.view.until(() => child.hasEnded() && left().length > 0, 20_000)
        return [compared([], left())]
      } finally {
        await child.end()
      }
    },
  }
}

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `tenant.${id}`,
  claim: 'lifetime.one-tenant',
  threat: 'next-tenant',
  tries,
  trial,
})

export const oneTenantProbes: readonly Probe[] = [
  probe('marks', 'leave files, objects and keys for a job of another tenant, after which nobody asks', () =>
    leftFor((own) => [`${own} a`, `${own} b`]),
  ),
  probe('emptied', 'leave files, objects and keys for the next job of the same tenant', ({ plan }) =>
    plan.lifetime.reuse?.scratch === 'keep'
      ? { pointless: 'the policy keeps them (lifetime.reuse.scratch)' }
      : leftFor((own) => [own, own]),
  ),
  probe('processes', 'leave a process for the next job of the same tenant', processes),
]
