/** A plan as the body of `POST /containers/create`. Pure; golden-tested. docs/docker.md says why of each line. */
import { InForce, type Plan } from '../../plan/index.js'
import { tasksOfSentry } from '../answers/sentry.js'
import { PROGRAM, type Shown } from './root.js'
import { type Share, shares } from './scratch.js'
import { type ApiVersion, isAtLeast } from './version.js'

/** By which of the engine's runtimes a container runs. */
export type RuntimeName = 'runc' | 'runsc'

/** Of pid 1. In a sentry the engine's pipes can be opened once more by whoever has pid 1's uid: what it says is sealed. */
export const agentWords = (runtime: RuntimeName): readonly string[] =>
  runtime === 'runsc' ? ['--carried', '--sealed'] : ['--carried']

/** Of the engine, as far as the body depends on it. */
export interface EngineTraits {
  readonly api: ApiVersion
  readonly cgroups: 1 | 2
}

/** What is one sandbox's alone. */
export interface Parts {
  /** id of the image of its root */
  readonly image: string
  readonly shown: readonly Shown[]
  readonly runtime: RuntimeName
  /** processors of the host */
  readonly cpus: number
  /** on the host as well, unless the engine has a user namespace for containers */
  readonly identity: { readonly uid: number; readonly gid: number }
  /** the filter, as JSON of Docker's own form */
  readonly seccomp: string
  /** `getrlimit(2)`'s number, soft, hard: the job's, of which those are taken that pid 1 can live under */
  readonly rlimits: readonly (readonly [number, number, number])[]
  /** files and folders of /proc that tell of the host */
  readonly masked: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** `own`: a namespace with `lo` alone; else that of another container of ours */
  readonly network: 'own' | { readonly container: string }
  /** of pid 1 */
  readonly argv: readonly string[]
}

/** API, "Create a container". */
export interface CreateBody {
  readonly Image: string
  readonly Labels: Readonly<Record<string, string>>
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

/** The job is what the kernel should end first when the whole host runs out of memory. */
const OOM_SCORE = 800
const STOP_SECONDS = 1

export function createBody(
  plan: Plan,
  engine: EngineTraits,
  parts: Parts,
  inForce = InForce.all,
): CreateBody {
  const { uid, gid } = parts.identity
  return {
    Image: parts.image,
    // with a shared network namespace the name is that of whoever made it, and must not be said again
    ...(parts.network === 'own' ? { Hostname: plan.identity.hostName, Domainname: '' } : {}),
    User: `${uid}:${gid}`,
    Entrypoint: [PROGRAM, ...parts.argv],
    Cmd: [],
    Env: [],
    WorkingDir: '/',
    Labels: parts.labels,
    Volumes: {},
    ExposedPorts: {},
    Healthcheck: { Test: ['NONE'] },
    Tty: false,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    // the connection of whoever attached is the lifeline: without it stdin ends, and pid 1 with it
    OpenStdin: true,
    StdinOnce: true,
    StopSignal: 'SIGKILL',
    StopTimeout: STOP_SECONDS,
    HostConfig: {
      ...isolation(parts, inForce),
      ...files(plan, engine, parts, inForce),
      ...limits(plan, engine, parts, inForce),
      ...lifetime(),
    },
  }
}

function isolation({ runtime, seccomp, network, masked }: Parts, inForce: InForce): Record<string, unknown> {
  const joined = network !== 'own'
  return {
    Runtime: runtime,
    Privileged: false,
    CapAdd: [],
    CapDrop: inForce.on('no-capabilities') ? ['ALL'] : [],
    GroupAdd: [],
    SecurityOpt: ['no-new-privileges:true', `seccomp=${seccomp}`],
    NetworkMode: joined ? `container:${network.container}` : 'none',
    // engines let every container bind ports below 1024 and send pings; a shared namespace has its own already
    Sysctls: joined
      ? {}
      : { 'net.ipv4.ip_unprivileged_port_start': '1024', 'net.ipv4.ping_group_range': '1 0' },
    PortBindings: {},
    PublishAllPorts: false,
    Links: [],
    ExtraHosts: [],
    IpcMode: 'private',
    PidMode: '',
    UTSMode: '',
    CgroupnsMode: inForce.on('cgroup-namespace') ? 'private' : 'host',
    // the engine's own, where it has one; never the host's
    UsernsMode: '',
    Cgroup: '',
    CgroupParent: '',
    Devices: [],
    DeviceRequests: [],
    DeviceCgroupRules: [],
    MaskedPaths: inForce.on('masked-proc') ? [...new Set([...masked, ...MASKED])].sort() : ['/sys'],
    ReadonlyPaths: inForce.on('read-only-sysctl') ? READ_ONLY : [],
  }
}

/** Beyond what every boundary masks: what engines mask, and what they mount without being asked. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/sysrq-trigger',
  '/proc/timer_list',
  '/proc/timer_stats',
  // of the host's hardware and of its cgroups; programs do without
  '/sys',
  '/dev/mqueue',
] as const

// what else engines make read-only is masked
const READ_ONLY = ['/proc/sys'] as const

function files(
  { files: wanted }: Plan,
  { api }: EngineTraits,
  parts: Parts,
  inForce: InForce,
): Record<string, unknown> {
  const shown = parts.shown.map((each) => mount(each, api))
  const scratch = shares(wanted)
  const tmpfs = scratch.map((share) => [share.place, ['rw', 'exec', ...bounds(share, parts)].join(',')])
  const inSentry = parts.runtime === 'runsc'
  return {
    ReadonlyRootfs: inForce.on('read-only-root'),
    Binds: [],
    VolumesFrom: [],
    Mounts: inSentry ? [...shown, ...scratch.map((share) => volume(share, parts))] : shown,
    Tmpfs: inSentry ? NO_SYS : Object.fromEntries(tmpfs),
  }
}

/** Where nothing is said of /sys the sentry mounts its own, and it heeds no mask. */
const NO_SYS = { '/sys': 'ro,nosuid,nodev,noexec,size=4k,mode=555' } as const

const bounds = ({ place, bytes, inodes }: Share, { identity: { uid, gid } }: Parts) => [
  ...['nosuid', 'nodev', `size=${bytes}`, `nr_inodes=${inodes}`],
  ...[placeMode(place), `uid=${uid}`, `gid=${gid}`],
]

/**
 * A tmpfs of this kernel's, which the engine makes for the container and removes with it: the sentry's own has no bound on files, which
 * also is the memory of none.
 */
function volume(share: Share, parts: Parts): object {
  return {
    Type: 'volume',
    Target: share.place,
    VolumeOptions: {
      NoCopy: true,
      DriverConfig: {
        Name: 'local',
        Options: { type: 'tmpfs', device: 'tmpfs', o: bounds(share, parts).join(',') },
      },
    },
  }
}

/** /tmp is everybody's by convention; the rest belongs to the job alone. */
const placeMode = (inside: string) => (inside === '/tmp' || inside === '/dev/shm' ? 'mode=1777' : 'mode=755')

/** Docker 25: a mount that is read-only with all that is mounted below it, or an error. */
const RECURSIVE_READ_ONLY: ApiVersion = [1, 44]

function mount({ source, inside, writable }: Shown, api: ApiVersion): object {
  const recursive = isAtLeast(api, RECURSIVE_READ_ONLY)
  return {
    Type: 'bind',
    Source: source,
    Target: inside,
    ReadOnly: !writable,
    BindOptions: {
      Propagation: 'rprivate',
      // an older engine makes only the uppermost mount read-only: then the others are not shown at all
      ...(writable || !recursive ? { NonRecursive: true } : { ReadOnlyForceRecursive: true }),
    },
  }
}

/** getrlimit(2)'s numbers by Docker's names; what pid 1 or the runtime could not live under is set on the job alone. */
const ULIMITS: Readonly<Record<number, string>> = {
  3: 'stack',
  7: 'nofile',
  8: 'memlock',
  11: 'sigpending',
  12: 'msgqueue',
  13: 'nice',
  14: 'rtprio',
}

/** Pid 1 and the thread that carries its streams. */
const OWN_PROCESSES = 2
/** runc is a Go program with threads of its own until it becomes pid 1; RLIMIT_NPROC holds the job to what the policy says. */
export const LEAST_PROCESSES = 32
/** Once it runs. */
export const processesOf = (wanted: number) => wanted + OWN_PROCESSES

/** What the cgroup may count. Of a sentry they are threads, of its own and for the job: there RLIMIT_NPROC holds the number. */
function mostTasks(processes: number, { runtime, cpus }: Parts): number {
  return runtime === 'runsc'
    ? tasksOfSentry(processes, cpus)
    : Math.max(LEAST_PROCESSES, processesOf(processes))
}

function limits(
  { limits: wanted }: Plan,
  { cgroups }: EngineTraits,
  parts: Parts,
  inForce: InForce,
): Record<string, unknown> {
  const memoryBytes = inForce.on('cgroup-memory') ? wanted.memoryBytes : null
  const cpus = inForce.on('cgroup-cpu') ? wanted.cpus : null
  const processes = inForce.on('cgroup-pids') ? wanted.processes : null
  const ulimits = parts.rlimits.flatMap(([resource, Soft, Hard]) => {
    const Name = ULIMITS[resource]
    return Name === undefined ? [] : [{ Name, Soft, Hard }]
  })
  return {
    // memory and swap together: no swap
    ...(memoryBytes === null ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    // without swap accounting this keeps swap away; version 2 has no such setting, and needs none
    ...(memoryBytes === null || cgroups === 2 ? {} : { MemorySwappiness: 0 }),
    ...(cpus === null ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    PidsLimit: processes === null ? 0 : mostTasks(processes, parts),
    Ulimits: [...(inForce.on('no-core-dumps') ? [{ Name: 'core', Soft: 0, Hard: 0 }] : []), ...ulimits],
    OomScoreAdj: OOM_SCORE,
  }
}

function lifetime(): Record<string, unknown> {
  return {
    // pid 1 is ours: it reaps, and ends with its lifeline
    Init: false,
    // gone as soon as it ends, whoever of us lives then
    AutoRemove: true,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    LogConfig: { Type: 'none', Config: {} },
  }
}
