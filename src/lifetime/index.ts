import type { Requirement } from '../plan/index.js'
import type { Policy, ReusePolicy } from '../policy/index.js'
import { formatDuration } from '../units/index.js'

export function lifetimeRequirements(policy: Policy): Requirement[] {
  const { deadlineMs, noOutputMs, reuse } = policy.lifetime
  const staying = (id: Requirement['id'], sentence: string, applies = true): Requirement => ({
    id,
    sentence,
    family: 'staying',
    applies,
  })
  return [
    staying(
      'lifetime.deadline',
      `The sandbox is gone ${formatDuration(deadlineMs)} after its ${reuse === null ? '' : 'last '}command started, whatever the job does.`,
    ),
    staying(
      'lifetime.no-output',
      noOutputMs === null
        ? 'A silent job is ended.'
        : `The job is ended when it says nothing for ${formatDuration(noOutputMs)}.`,
      noOutputMs !== null,
    ),
    staying('lifetime.bound-to-supervisor', 'When Glovebox dies, at any moment, the sandbox dies with it.'),
    staying('lifetime.single-use', 'The sandbox runs one command and is never used again.', reuse === null),
    staying('lifetime.one-tenant', oneTenant(reuse), reuse !== null),
    staying(
      'lifetime.empty',
      'Before its job, a sandbox holds what its plan says and nothing of any tenant.',
    ),
    staying(
      'lifetime.nothing-left',
      `No process, mount, namespace, cgroup or file of the sandbox outlives ${reuse === null ? 'the run' : 'it'}.`,
    ),
  ]
}

function oneTenant(reuse: ReusePolicy | null): string {
  if (reuse === null) return 'The sandbox is used again by its own tenant alone.'
  const { runs, ageMs, scratch } = reuse
  const left =
    scratch === 'clean' ? 'each of them finds nothing of the last' : 'each finds the files of the last'
  return `The sandbox runs at most ${runs} commands of one tenant under this plan, the last begun at most ${formatDuration(ageMs)} after its start; ${left}.`
}
