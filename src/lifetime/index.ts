import type { Requirement } from '../plan/index.js'
import type { Policy } from '../policy/index.js'
import { formatDuration } from '../units/index.js'

export function lifetimeRequirements(policy: Policy): Requirement[] {
  const { deadlineMs, noOutputMs } = policy.lifetime
  const staying = (id: Requirement['id'], sentence: string, applies = true): Requirement => ({
    id,
    sentence,
    family: 'staying',
    applies,
  })
  return [
    staying(
      'lifetime.deadline',
      `The sandbox is gone ${formatDuration(deadlineMs)} after its command started, whatever the job does.`,
    ),
    staying(
      'lifetime.no-output',
      noOutputMs === null
        ? 'A silent job is ended.'
        : `The job is ended when it says nothing for ${formatDuration(noOutputMs)}.`,
      noOutputMs !== null,
    ),
    staying('lifetime.bound-to-supervisor', 'When Glovebox dies, at any moment, the sandbox dies with it.'),
    staying('lifetime.single-use', 'The sandbox runs one command and is never used again.'),
    staying(
      'lifetime.empty',
      'Before its job, a sandbox holds what its plan says and nothing of any tenant.',
    ),
    staying(
      'lifetime.nothing-left',
      'No process, mount, namespace, cgroup or file of the sandbox outlives the run.',
    ),
  ]
}
