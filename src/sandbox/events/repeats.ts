import type { NetworkAttempt } from '../../report/index.js'

/** What was tried again since the first ones were told, in the same order. Pure. */
export function repeats(
  told: readonly NetworkAttempt[],
  attempts: readonly NetworkAttempt[],
): NetworkAttempt[] {
  return attempts.flatMap((attempt, at) => {
    const first = told[at]
    if (first === undefined || first.count === attempt.count) return []
    return [
      {
        ...attempt,
        count: attempt.count - first.count,
        sentBytes: attempt.sentBytes - first.sentBytes,
        receivedBytes: attempt.receivedBytes - first.receivedBytes,
      },
    ]
  })
}
