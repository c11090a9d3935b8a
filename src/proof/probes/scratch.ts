/** More bytes and files than scratch may hold, and any other place to write to. */
import type { Attempt, Bench, Given, Probe, Trial } from './probe.js'
import { attempt } from './refused.js'
import { scratchPlan } from './scaled.js'

const RLIMIT_FSIZE = '1'

type Make = (
  folders: readonly string[],
  limit: { readonly kib: number; readonly inodes: number },
) => Attempt[]

/** In all scratch folders together; its control in a folder of the host's. */
function beyond(make: Make): (given: Given) => Trial {
  return ({ plan }) => {
    const scaled = scratchPlan(plan)
    const { bytes, inodes, places } = scaled.files.scratch
    const limit = { kib: bytes / 1024, inodes }
    return {
      inside: async (bench) => (await bench.inside(make(places, limit), scaled)).tried,
      control: (bench: Bench) => bench.open(make([bench.decoys.folder], limit)),
    }
  }
}

const MORE_KIB = 256
const MORE_INODES = 16

function elsewhere({ plan }: Given): Trial {
  const { scratch, live } = plan.files
  const own = [...scratch.places, '/var/tmp', ...live.map(({ inside }) => inside)]
  const found = (words: readonly [string, ...string[]]) =>
    attempt(words, ({ result, detail }) => result === 'ok' && detail !== '')
  // an attempt has room for so many words
  const trial = found(['writable-below', '/', ...own.slice(0, 12)])
  return {
    inside: async (bench) => (await bench.inside([trial])).tried,
    control: (bench) => bench.open([found(['writable-below', bench.decoys.folder])]),
  }
}

const probe = (id: string, tries: string, trial: Probe['trial']): Probe => ({
  id: `scratch.${id}`,
  claim: 'files.scratch-bounded',
  threat: 'disk-floods',
  tries,
  trial,
})

export const scratchProbes: readonly Probe[] = [
  probe(
    'bytes',
    'write more bytes than granted, over all folders together',
    beyond((folders, { kib }) => [attempt(['fill-all', `${kib + MORE_KIB}`, ...folders.slice(0, 12)])]),
  ),
  probe(
    'inodes',
    'make more files and folders than granted, over all folders together',
    beyond((folders, { inodes }) => [
      attempt(['inodes-all', `${inodes + MORE_INODES}`, ...folders.slice(0, 12)]),
    ]),
  ),
  probe(
    'one-file',
    'make one file larger than all of scratch, of holes or of memory, or allocated at once',
    beyond(([folder = ''], { kib }) =>
      ['sparse', 'allocate', 'memory'].map((how) => attempt(['file-of', how, `${kib + MORE_KIB}`, folder])),
    ),
  ),
  probe(
    'file-limit',
    'lift the limit on the size of a file',
    beyond((_, { kib }) => [attempt(['set-rlimit', RLIMIT_FSIZE, `${kib * 2048}`, `${kib * 2048}`])]),
  ),
  probe('elsewhere', 'write to any place outside of scratch', elsewhere),
]
