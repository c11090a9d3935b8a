/** What this host can enforce, and what gets the rest. Pure: it judges facts that were gathered. */
import { boundaryNamed } from '../boundary/index.js'
import type { HostFacts } from '../host/index.js'
import { BOUNDARIES, type BoundaryName, type Policy } from '../policy/index.js'
import { requirementsOf } from '../sandbox/index.js'
import type { Finding } from './finding.js'
import { containerRootFinding, placeFinding } from './place.js'
import { runtimeFindings } from './runtimes.js'

export interface Trial {
  /** set when a sandbox was really started and failed */
  readonly failure: string | null
  readonly bubblewrapVersion: string | null
  /** programs that `glovebox image` would need and this host does not have */
  readonly imagesLack?: readonly string[]
}

const OLDEST_BUBBLEWRAP = [0, 8] as const

/** Names that hold a secret more often than not. */
const SECRET = /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_KEY|CREDENTIALS?)$/i

export function findings(
  host: HostFacts,
  policy: Policy,
  trial: Trial | null,
  callerEnv: readonly string[],
): Finding[] {
  return [
    placeFinding(host),
    ...BOUNDARIES.flatMap((name) => [boundaryFinding(name, host, trial), ...runtimeFindings(name, host)]),
    ...claimFindings(host, policy),
    identityFinding(host),
    ...imageFinding(trial),
    ...containerRootFinding(host),
    ...environmentFinding(callerEnv),
  ]
}

function boundaryFinding(name: BoundaryName, host: HostFacts, trial: Trial | null): Finding {
  const finding = { name: `boundary ${name}` }
  const boundary = boundaryNamed(name)
  if (boundary === null)
    return { ...finding, status: 'note', what: 'Not in this version of Glovebox.', get: '' }
  const reason = boundary.unavailable(host)
  // one boundary is enough: of those that nobody has to have, a missing one is nothing wrong
  if (reason !== null) return { ...finding, status: name === 'process' ? 'missing' : 'note', ...reason }
  return name === 'process'
    ? { ...finding, ...triedFinding(host, trial) }
    : { ...finding, status: 'good', what: 'What it needs is here.', get: '' }
}

function triedFinding(host: HostFacts, trial: Trial | null): Omit<Finding, 'name'> {
  const version = trial?.bubblewrapVersion ?? null
  if (version !== null && isOlder(version))
    return {
      status: 'missing',
      what: `bubblewrap ${version} is too old.`,
      get: '0.8 or newer is needed; `apt-get install bubblewrap` gets it on Debian 12.',
    }
  if (trial?.failure) return { status: 'missing', what: 'A sandbox does not start.', get: trial.failure }
  const what = `A sandbox starts and runs${version === null ? '' : ` (bubblewrap ${version}, ${host.bubblewrap})`}.`
  return { status: 'good', what, get: '' }
}

function claimFindings(host: HostFacts, policy: Policy): Finding[] {
  const boundary = boundaryNamed('process')
  // another system's machine has no limits of Linux to speak of
  if (boundary === null || host.platform !== 'linux') return []
  return requirementsOf(policy)
    .filter(
      ({ id }) => id.startsWith('limits.') || id === 'files.second-wall' || id === 'isolation.known-escapes',
    )
    .map((requirement): Finding => {
      const answer = boundary.answer({ requirement, host, plan: null, cpus: policy.limits.cpus })
      const { id: name } = requirement
      if (answer.kind === 'enforced')
        return { name, status: 'good', what: `By ${answer.by.map(({ says }) => says).join('; ')}.`, get: '' }
      return answer.kind === 'absent'
        ? { name, status: 'note', what: answer.why, get: '' }
        : { name, status: 'missing', what: answer.why, get: answer.get }
    })
}

/** Only who uses images misses them. */
function imageFinding(trial: Trial | null): Finding[] {
  const { imagesLack } = trial ?? {}
  if (imagesLack === undefined) return []
  if (imagesLack.length === 0)
    return [
      {
        name: 'images',
        status: 'good',
        what: 'skopeo and umoci are here: images can be pulled and imported.',
        get: '',
      },
    ]
  return [
    {
      name: 'images',
      status: 'note',
      what: `Without ${imagesLack.join(' and ')} no image can be ${imagesLack.includes('umoci') ? 'pulled or imported' : 'pulled'}.`,
      get: `\`apt-get install ${imagesLack.join(' ')}\` gets it on Debian and Ubuntu.`,
    },
  ]
}

function identityFinding(host: HostFacts): Finding {
  return host.canTakeUids
    ? { name: 'identity', status: 'good', what: 'Every sandbox gets a host uid of its own.', get: '' }
    : {
        name: 'identity',
        status: 'note',
        what: "Sandboxes have this user's uid, without its capabilities; its files are kept apart by mounts alone.",
        get: 'Started as root, Glovebox gives each sandbox a uid of its own.',
      }
}

/** The job never sees them, but whoever can read this process's environment does. */
function environmentFinding(names: readonly string[]): Finding[] {
  const secret = names.filter((name) => SECRET.test(name))
  if (secret.length === 0) return []
  return [
    {
      name: 'environment',
      status: 'note',
      what: `This process's own environment seems to hold secrets: ${secret.join(', ')}. No job sees them.`,
      get: 'Glovebox cannot clean its caller; prefer files that only this user can read.',
    },
  ]
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST_BUBBLEWRAP[0] || (major === OLDEST_BUBBLEWRAP[0] && minor < OLDEST_BUBBLEWRAP[1])
}
