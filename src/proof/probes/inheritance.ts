/** What a process has from its parent, and what stands behind its streams. In the open, a careless parent shows what would. */
import { placeholderVariables } from '../../credentials/index.js'
import type { RequirementId } from '../../plan/index.js'
import type { Given, Look, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused } from './refused.js'
import type { ThreatId } from './threats.js'

function probe(
  id: string,
  tries: string,
  trial: (given: Given) => Trial | Pointless,
  claim: RequirementId = 'isolation.nothing-inherited',
  threat: ThreatId = 'inheritance',
): Probe {
  return { id: `inherited.${id}`, claim, threat, tries, trial }
}

const UMASK = 0o022
/** As the kernel is told of every sandbox, see `OOM_SCORE` of the boundary. */
const LEAST_OOM_SCORE = 1
/** getrlimit(2): what a sandbox has none of, whatever its caller has */
const UNLIMITED = { CPU: 0, AS: 9 } as const
const NOFILE = 7

/** `0 1 2`, and with a lock the line to ask for it. */
const expected = ({ plan }: Given) => (plan.syscalls.lock === null ? '0 1 2' : '0 1 2 3')

/** Variables that the plan does not have, but for those that Glovebox itself sets. */
function strange({ plan }: Given, { result, detail }: Look): boolean {
  const placeholders = plan.credentials.flatMap((each) => Object.keys(placeholderVariables(each, '')))
  const own = new Set([...Object.keys(plan.env), ...placeholders, 'PWD', 'GLOVEBOX_LOCK_FD'])
  return result === 'ok' && detail.split(' ').some((name) => name !== '' && !own.has(name))
}

const careless = { where: 'careless' } as const

export const inheritanceProbes: readonly Probe[] = [
  probe('descriptors', 'find an open descriptor that it was not given', (given) =>
    refused(
      () => [attempt(['fds'], ({ result, detail }) => result !== 'ok' || detail !== expected(given))],
      careless,
    ),
  ),
  probe('environment', "find a variable that is not the policy's", (given) =>
    refused(() => [attempt(['variables', '/proc/self/environ'], (look) => strange(given, look))], {
      control: ({ decoys }) => [
        attempt(['variables', `/proc/${decoys.process.pid}/environ`], (look) => strange(given, look)),
      ],
    }),
  ),
  probe('workdir', "work in the caller's folder", ({ plan }) =>
    refused(
      () => [attempt(['cwd'], ({ result, detail }) => result !== 'ok' || detail !== plan.files.workdir)],
      careless,
    ),
  ),
  probe('signals', 'have a signal ignored or blocked', () =>
    refused(() => [attempt(['signals'], ({ detail }) => detail !== '')], careless),
  ),
  probe('umask', "have the caller's umask", () =>
    refused(() => [attempt(['umask'], ({ detail }) => detail !== `${UMASK}`)], careless),
  ),
  probe('priority', "have the caller's niceness", ({ caller, host }) =>
    caller.priority > 0 && host.uid !== 0
      ? { pointless: 'whoever verifies is nice, and an ordinary user may not raise a priority again' }
      : refused(() => [attempt(['nice'], ({ detail }) => detail !== '0')], careless),
  ),
  probe('limits', "have the caller's limits, or more descriptors than the plan gives", () => {
    const unlimited = Object.values(UNLIMITED).map((number) =>
      attempt(['rlimit', `${number}`], ({ detail }) => detail !== 'unlimited'),
    )
    return refused(
      ({ roomy }) => [
        ...unlimited,
        attempt(['rlimit', `${NOFILE}`], ({ detail }) => detail !== `${roomy.limits.openFiles}`),
      ],
      { control: () => unlimited.slice(0, 1), ...careless },
    )
  }),
  probe('memory-score', 'be the last that the kernel ends when memory runs out', () =>
    refused(
      () => [
        attempt(['read', '/proc/self/oom_score_adj'], ({ detail }) => !(Number(detail) >= LEAST_OOM_SCORE)),
        ['oom-score', '-1000'],
      ],
      { control: () => [attempt(['read', '/proc/self/oom_score_adj'], ({ result }) => result === 'ok')] },
    ),
  ),
  probe('session', 'be in the session of whoever started it', () =>
    refused(() => [attempt(['session'], ({ detail }) => !detail.startsWith('own'))], {
      control: () => [attempt(['session'], ({ detail }) => detail.startsWith('another'))],
    }),
  ),
  probe(
    'streams',
    'find anything but pipes behind its standard streams',
    () =>
      refused(
        () => [attempt(['fd-kinds'], ({ result, detail }) => result !== 'ok' || detail !== 'pipe pipe pipe')],
        careless,
      ),
    'isolation.no-terminal',
    'stdio-reopened',
  ),
  probe(
    'reopened',
    'open a file of the host for writing by the link of a standard stream',
    () =>
      refused(() => ['0', '1', '2'].map((fd) => ['reopen', fd] as const), {
        control: () => [['reopen', '0']],
        ...careless,
      }),
    'isolation.no-terminal',
    'stdio-reopened',
  ),
  probe(
    'terminal',
    "open the caller's terminal by /dev/tty",
    () => refused(() => [['tty']], { control: () => [['tty-own']] }),
    'isolation.no-terminal',
    'terminal',
  ),
]
