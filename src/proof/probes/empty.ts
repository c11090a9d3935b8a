/** What a sandbox has before its job is there: of others who came through the same Glovebox, of another plan, of a moment ago. */
import type { NetworkRule, Plan } from '../../plan/index.js'
import { granting } from './derive.js'
import type { Attempt, Bench, InsideOptions, Probe, Trial, Tried } from './probe.js'
import { Untried } from './probe.js'
import { attempt } from './refused.js'
import { withPlace } from './scaled.js'

/** Where the kernel shows itself, and where programs of the host or of an image lie, which no job can write to. */
const LEFT_OUT = ['/proc', '/sys', '/usr', '/bin', '/sbin', '/lib', '/lib64']
/** As many as the program takes. */
const MOST_LEFT_OUT = 13
/** What is older than the marks has none; the clocks are two, s */
const CLOCKS_S = 60

const GIVEN = '/given'

/** As `native/probe/search.c` takes a word, which must not find itself. */
const hidden = (word: string) =>
  Buffer.from([...Buffer.from(word)].map((byte) => ~byte & 0xff)).toString('hex')

/** All that can be read: a mark found there is somebody's. */
function looks({ files }: Plan, words: readonly string[]): Attempt[] {
  const sought = words.map(hidden)
  const granted = [...files.read, ...files.live].map(({ inside }) => inside)
  const since = Math.floor(Date.now() / 1000) - CLOCKS_S
  const leftOut = [...LEFT_OUT, ...granted].slice(0, MOST_LEFT_OUT)
  return [
    attempt(['search-files', `${since}`, sought.join('+'), ...leftOut]),
    attempt(['search-memory', ...sought]),
    attempt(['search-kernel', ...sought]),
    attempt(['search-descriptors', ...sought]),
  ]
}

const segments = (words: readonly string[]) => attempt(['search-segments', ...words.map(hidden)])

/** A plan of somebody whose variables and hosts have the mark. */
function marked(plan: Plan, mark: string): Plan {
  const { env, network } = plan
  const [rule] = network?.rules ?? []
  const name = `${mark}.glovebox-probe.com` as Extract<NetworkRule['host'], { kind: 'name' }>['name']
  const named = rule === undefined ? [] : [{ ...rule, host: { kind: 'name' as const, name } }]
  return {
    ...plan,
    env: { ...env, GLOVEBOX_MARK: mark },
    network: network === null ? null : { ...network, rules: [...network.rules, ...named] },
  }
}

/** What somebody hands to a job. */
function handedOver({ files }: Plan, mark: string): InsideOptions {
  const folder = files.scratch.places.find((place) => place === files.workdir) ?? '/tmp'
  const bytes = Buffer.from(mark)
  return { inputs: [{ path: `${folder}/${mark}`, mode: 0o644, content: [bytes] }], stdin: bytes }
}

/** What a job of theirs leaves wherever it may, the mark in its words, names and bytes. */
const leaving = ({ files }: Plan, mark: string) => [
  ...files.scratch.places.slice(0, 6).map((place) => attempt(['leave', 'file', mark, place])),
  attempt(['shm-make', keyOf(mark), mark]),
  attempt(['leave', 'queue', mark]),
  attempt(['leave', 'key', mark]),
]

const keyOf = (mark: string) => mark.slice(0, 7)

/** One that came and went, and one that stays until it is ended. */
async function others(bench: Bench, mark: string): Promise<{ end(): Promise<void> }> {
  const plan = marked(bench.roomy, mark)
  const given = handedOver(plan, mark)
  await bench.inside(leaving(plan, mark), plan, given)
  const cut = new AbortController()
  let begun = () => {}
  const began = new Promise<void>((resolve) => {
    begun = resolve
  })
  const linger = attempt(['stay', 'deaf', mark])
  const staying = bench.inside([...leaving(plan, mark), linger], plan, {
    ...given,
    signal: cut.signal,
    onStarted: () => begun(),
  })
  staying.catch(() => {}) // it is waited for
  await Promise.race([began, staying])
  return {
    async end() {
      cut.abort()
      await staying
    },
  }
}

/** That another sandbox was given; `null`: the plan has no credentials */
async function placeholder({ talk, plan }: Bench): Promise<string | null> {
  const [credential] = plan.credentials
  if (credential === undefined) return null
  return (await talk((inside) => inside.variable(credential.name))).said
}

/** Of its own, so that the one that waits for it is taken by nobody else. */
const alone = ({ view, roomy }: Bench) => withPlace(roomy, `/${view.word()}`)

function marks(): Trial {
  return {
    inside: async (bench) => {
      const mark = bench.view.word()
      const words = [mark, ...((await placeholder(bench))?.match(/[!-~]{8,64}/g) ?? [])].slice(0, 4)
      const plan = alone(bench)
      let passing: Awaited<ReturnType<typeof others>> | null = null
      try {
        const { tried } = await bench.inside([...looks(plan, words), segments(words)], plan, {
          whileItWaits: async () => {
            passing = await others(bench, mark)
          },
        })
        return toTheEnd(tried)
      } finally {
        await (passing as { end(): Promise<void> } | null)?.end()
      }
    },
    // the same looks by the one whose mark it is
    control: async (bench) => {
      const mark = bench.view.word()
      const plan = marked(bench.roomy, mark)
      const { tried } = await bench.inside(looks(plan, [mark]), plan, handedOver(plan, mark))
      const [, segment] = await bench.open(
        [attempt(['shm-make', keyOf(mark), mark]), segments([mark])],
        'privileged',
      )
      return segment === undefined ? tried : [...tried, segment]
    },
  }
}

/** A look that was cut short has not seen everything. */
function toTheEnd(tried: readonly Tried[]): readonly Tried[] {
  const cut = tried.filter(({ look, reached }) => look.result === 'timeout' && !reached)
  if (cut.length === 0) return tried
  throw new Untried(
    `there was no time to look everywhere: ${cut.map((each) => each.attempt.split(' ')[0]).join(', ')}`,
  )
}

/** What another plan grants, whose sandbox waits beside, and longer. */
function othersGrants(): Trial {
  const granted = (bench: Bench) => granting(alone(bench), 'read', bench.decoys.granted, GIVEN)
  const look = ({ decoys }: Bench) =>
    attempt(['read', `${GIVEN}/file`], ({ detail }) => detail.includes(decoys.canary))
  return {
    inside: async (bench) => {
      const seen: Tried[] = []
      await bench.inside([attempt(['cwd'])], granted(bench), {
        whileItWaits: async () => {
          seen.push(...(await bench.inside([look(bench)], alone(bench))).tried)
        },
      })
      return seen
    },
    control: async (bench) => (await bench.inside([look(bench)], granted(bench))).tried,
  }
}

/** A granted file, which is another when the job comes. */
function replaced(): Trial {
  const read = async (bench: Bench, isReplaced: boolean) => {
    const { path, first, replace } = bench.decoys.replaceable()
    const plan = granting(alone(bench), 'read', path, GIVEN)
    const look = attempt(['read', GIVEN], ({ detail }) => detail.includes(first))
    const options = isReplaced ? { whileItWaits: async () => replace() } : {}
    return (await bench.inside([look], plan, options)).tried
  }
  return { inside: (bench) => read(bench, true), control: (bench) => read(bench, false) }
}

const empty = (id: string, tries: string, trial: () => Trial): Probe => ({
  id: `empty.${id}`,
  claim: 'lifetime.empty',
  threat: 'before-the-job',
  tries,
  trial,
})

export const emptyProbes: readonly Probe[] = [
  empty(
    'marks',
    'find a mark of others who came through the same Glovebox: in files, memory, the kernel’s lists, descriptors, segments',
    marks,
  ),
  empty('other-plan', 'read what another plan grants, whose sandbox waited, too', othersGrants),
  empty('replaced', 'read a granted file as it was before the job came', replaced),
]
