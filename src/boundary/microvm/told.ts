/**
 * The plan as what a machine is told: the steps before its job's first process starts, which are done before it is saved, and those of the
 * moment in which it goes on. Pure; golden-tested.
 */
import { dirname } from 'node:path/posix'
import { inspects, TRUST } from '../../network/index.js'
import type { Plan } from '../../plan/index.js'
import type { OwnFiles } from '../boundary.js'
import { OOM_SCORE, placeMode } from '../cell/request.js'
import { mountPoints } from '../root/mount-points.js'
import { ownEtc } from '../root/own-etc.js'
import { COVERED_BUNDLES, MASKED_PROC_FILES, MASKED_PROC_FOLDERS } from '../root/shown.js'
import { grantedAt, MOUNT, OWN, type Owned, type Step, step } from './guest/steps.js'

/** What differs from one machine to the next of one plan. */
export interface Moment {
  /** ms since 1970 */
  readonly nowMs: number
  /** at least 32 bytes that nobody else has */
  readonly entropy: Uint8Array
  /** see `OwnFiles` */
  readonly files: OwnFiles
}

/** Folders of the machine's own root, which the job never sees. */
const [TREE, LAYER, SCRATCH, ROOT, GROUP] = ['/tree', '/layer', '/scratch', '/job', '/sys/fs/cgroup/job']
const DISK = '/dev/vda'

const ROOTS = { mode: 0o755, uid: 0, gid: 0 }
const SEALED = MOUNT.readOnly | MOUNT.noSetuid | MOUNT.noDevices
/** Of mount points and of /etc, MiB: the bundles of authorities are the largest of it. */
const LAYER_MIB = 16
/** Of what covers a folder. */
const EMPTY = 'size=4k,nr_inodes=2,mode=0555'
/** Of nodes and links. */
const DEV = 'size=64k,nr_inodes=64,mode=755'

/** Character devices by major and minor: devices.txt of the kernel's documentation. */
const DEVICES = {
  null: [1, 3],
  zero: [1, 5],
  full: [1, 7],
  random: [1, 8],
  urandom: [1, 9],
  tty: [5, 0],
} as const
const DEV_LINKS = {
  fd: '/proc/self/fd',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
  ptmx: 'pts/ptmx',
} as const

/** Of native/cell/beyond.c: the job's side of a link, and the gateway's. */
const LINK = {
  v4: { own: bytes('c6120001'), router: bytes('c6120000'), prefix: 31 },
  v6: {
    own: bytes('fd676c6f7665000000000000c6120001'),
    router: bytes('fd676c6f7665000000000000c6120000'),
    prefix: 127,
  },
  routerMac: bytes('02676c6f7600'),
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

/** At the moment in which it goes on. */
export function moment({ nowMs, entropy, files }: Moment): Step[] {
  const own = Object.entries(files).map(([name, content]) => step.write(`${OWN}/${name}`, content))
  return [step.clock(nowMs), step.entropy(entropy), ...own]
}

/** Of every machine of the plan. `areFiles`: of each of its read grants, whether it is one or a folder; nothing else of them is in it */
export function told(plan: Plan, areFiles: readonly boolean[]): Step[] {
  return [
    ...rootSteps(plan, areFiles),
    ...devSteps(),
    ...procSteps(),
    ...scratchSteps(plan),
    ...grantSteps(plan, areFiles),
    ...networkSteps(plan),
    ...groupSteps(plan),
    step.hostName(plan.identity.hostName),
    step.cgroup(GROUP),
    step.start(ROOT, plan.identity.uid, plan.identity.gid),
  ]
}

/**
 * The image's tree below a layer of the machine's own, as on every boundary: what stands in the tree is nobody's to trust, so that nothing
 * is mounted on anything of it (native/cell/tree.c says why).
 */
function rootSteps(plan: Plan, areFiles: readonly boolean[]): Step[] {
  const trusted = inspects(plan.network) ? Object.values(TRUST) : []
  const shown = [
    ...trusted.map((name) => [`/etc/${name}`, name] as const),
    ...(trusted.length === 0 ? [] : Object.entries(COVERED_BUNDLES)),
  ]
  return [
    step.folder(TREE, ROOTS),
    step.mount({ type: 'erofs', source: DISK, target: TREE, flags: SEALED }),
    step.folder(LAYER, ROOTS),
    step.mount({
      type: 'tmpfs',
      source: 'layer',
      target: LAYER,
      flags: SEALED & ~MOUNT.readOnly,
      data: `size=${LAYER_MIB}m,mode=755`,
    }),
    ...points(plan, areFiles).flatMap(({ path, isFile }) =>
      isFile
        ? [step.folder(dirname(`${LAYER}${path}`), ROOTS), readable(`${LAYER}${path}`, '')]
        : [step.folder(`${LAYER}${path}`, ROOTS)],
    ),
    step.folder(`${LAYER}/etc`, ROOTS),
    ...Object.entries(ownEtc(plan)).map(([name, content]) => readable(`${LAYER}/etc/${name}`, content)),
    ...trusted.flatMap((name) => [readable(`${OWN}/${name}`, ''), readable(`${LAYER}/etc/${name}`, '')]),
    step.folder(ROOT, ROOTS),
    step.mount({
      type: 'overlay',
      source: 'job',
      target: ROOT,
      flags: SEALED,
      data: `lowerdir=${LAYER}:${TREE}`,
    }),
    ...shown.map(([path, name]) => bind(`${OWN}/${name}`, `${ROOT}${path}`, SEALED)),
  ]
}

interface Point {
  readonly path: string
  readonly isFile: boolean
}

/** Outer ones first; what lies below a scratch folder is made in that. */
function points(plan: Plan, areFiles: readonly boolean[]): Point[] {
  const { scratch } = plan.files
  return mountPoints(plan)
    .map(({ path, kind }) => ({
      path,
      isFile: typeof kind === 'string' ? kind === 'file' : (areFiles[kind.grant] ?? false),
    }))
    .filter(({ path }) => path.split('/')[1] !== 'dev' || path === '/dev')
    .filter(({ path }) => !scratch.places.some((place) => path.startsWith(`${place}/`)))
}

const readable = (path: string, content: string): Step =>
  step.file(path, { ...ROOTS, mode: 0o444 }, Buffer.from(content))

const bind = (source: string, target: string, flags: number): Step =>
  step.mount({ type: '', source, target, flags: MOUNT.bind | flags })

function devSteps(): Step[] {
  const dev = `${ROOT}/dev`
  const flags = MOUNT.noSetuid | MOUNT.noExecute
  const pts = 'newinstance,ptmxmode=0666,mode=0620,gid=5'
  return [
    step.mount({ type: 'tmpfs', source: 'dev', target: dev, flags, data: DEV }),
    ...Object.entries(DEVICES).map(([name, [major, minor]]) =>
      step.device(`${dev}/${name}`, 0o666, major, minor),
    ),
    ...Object.entries(DEV_LINKS).map(([name, target]) => step.link(`${dev}/${name}`, target)),
    step.folder(`${dev}/pts`, ROOTS),
    step.folder(`${dev}/shm`, ROOTS),
    step.mount({ type: 'devpts', source: 'devpts', target: `${dev}/pts`, flags, data: pts }),
    step.mount({
      type: 'tmpfs',
      source: 'dev',
      target: dev,
      flags: flags | MOUNT.readOnly | MOUNT.remount,
      data: DEV,
    }),
  ]
}

/** Of the pid namespace in which these steps are done, which is the job's own. */
function procSteps(): Step[] {
  const proc = `${ROOT}/proc`
  const flags = MOUNT.noSetuid | MOUNT.noDevices | MOUNT.noExecute
  return [
    step.mount({ type: 'proc', source: 'proc', target: proc, flags }),
    bind(`${proc}/sys`, `${proc}/sys`, flags | MOUNT.readOnly),
    ...MASKED_PROC_FILES.map((path) =>
      step.cover({
        type: '',
        source: '/dev/null',
        target: `${ROOT}${path}`,
        flags: MOUNT.bind | MOUNT.readOnly | MOUNT.noSetuid | MOUNT.noExecute,
      }),
    ),
    ...MASKED_PROC_FOLDERS.map((path) =>
      step.cover({
        type: 'tmpfs',
        source: 'none',
        target: `${ROOT}${path}`,
        flags: flags | MOUNT.readOnly,
        data: EMPTY,
      }),
    ),
    // the machine's kernel, too, ends the job first: this is the one that becomes its first process
    step.write(`${proc}/1/oom_score_adj`, `${OOM_SCORE}`),
  ]
}

/** One file system for all places, so that one bound holds for them together; outer places first. */
function scratchSteps({ files: { scratch }, identity: { uid, gid } }: Plan): Step[] {
  const flags = MOUNT.noSetuid | MOUNT.noDevices
  const data = `size=${scratch.bytes},nr_inodes=${scratch.inodes + scratch.places.length + 1},mode=755`
  const places = scratch.places.map((inside, index) => ({ inside, own: `${SCRATCH}/${index}` }))
  const depth = ({ inside }: { inside: string }) => inside.split('/').length
  return [
    step.folder(SCRATCH, ROOTS),
    step.mount({ type: 'tmpfs', source: 'scratch', target: SCRATCH, flags, data }),
    ...places.map(({ inside, own }) => step.folder(own, { mode: placeMode(inside), uid, gid })),
    ...[...places]
      .sort((a, b) => depth(a) - depth(b))
      .flatMap(({ inside, own }) => [
        ...within(inside, places).map((path) => step.folder(path, { mode: 0o755, uid, gid })),
        bind(own, `${ROOT}${inside}`, flags),
      ]),
  ]
}

/** The place of each: what is in it a machine is given when it goes on. One in a scratch folder is mounted on something of that. */
function grantSteps(
  { files: { read, scratch }, identity: { uid, gid } }: Plan,
  areFiles: readonly boolean[],
): Step[] {
  const places = scratch.places.map((inside, index) => ({ inside, own: `${SCRATCH}/${index}` }))
  const own = { mode: 0o755, uid, gid }
  return read.flatMap(({ inside }, index) => {
    const make = (path: string, owned: Owned) =>
      areFiles[index] ? step.file(path, owned, Buffer.alloc(0)) : step.folder(path, owned)
    return [
      make(grantedAt(index), ROOTS),
      ...within(inside, places).map((path, at, { length }) =>
        at === length - 1 ? make(path, own) : step.folder(path, own),
      ),
      bind(grantedAt(index), `${ROOT}${inside}`, SEALED),
    ]
  })
}

/** Where a place lies in another, the folders of that one down to the one which it is mounted on. */
function within(
  inside: string,
  places: readonly { readonly inside: string; readonly own: string }[],
): string[] {
  const outer = places
    .filter((each) => inside.startsWith(`${each.inside}/`))
    .sort((a, b) => b.inside.length - a.inside.length)[0]
  if (outer === undefined) return []
  const names = inside.slice(outer.inside.length + 1).split('/')
  return names.map((_, at) => [outer.own, ...names.slice(0, at + 1)].join('/'))
}

function networkSteps({ network }: Plan): Step[] {
  return network === null ? [] : [step.network({ loopback: network.loopback, link: LINK })]
}

/** What the machine's own kernel holds the job to. Its memory is the machine's, less what that kernel is. */
function groupSteps({ limits: { memoryBytes, processes, cpus } }: Plan): Step[] {
  const set = (file: string, value: number | string) => step.write(`${GROUP}/${file}`, `${value}`)
  return [
    step.write('/sys/fs/cgroup/cgroup.subtree_control', '+memory +pids +cpu'),
    step.folder(GROUP, ROOTS),
    ...(memoryBytes === null ? [] : [set('memory.max', memoryBytes), set('memory.oom.group', 1)]),
    ...(processes === null ? [] : [set('pids.max', processes + OWN_TASKS)]),
    // the jail's holds all of the machine to it; this one tells the job as much
    ...(cpus === null
      ? []
      : [set('cpu.max', `${Math.max(1000, Math.round(cpus * PERIOD_US))} ${PERIOD_US}`)]),
  ]
}

const PERIOD_US = 100_000
/** The agent, and its thread that carries. */
const OWN_TASKS = 2
