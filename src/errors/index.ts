import { visible } from './visible.js'

export { visible, visibleJson, visibleLines } from './visible.js'

/**
 * Everything Glovebox throws on purpose. A job that fails is a result, never an exception; what is thrown
 * is a refusal or a failure of Glovebox itself.
 */
export abstract class GloveboxError extends Error {
  /** stable identifier for programs, e.g. `policy.unknownKey` */
  readonly code: string
  /** what the reader can do about it, one or more sentences; empty when nothing helps */
  readonly advice: string

  constructor(code: string, what: string, advice = '') {
    super(advice === '' ? what : `${what} ${advice}`)
    this.code = code
    this.advice = advice
    this.name = new.target.name
  }
}

/** Where a policy problem stands. Lines and columns count from 1; `null` when the problem is in a flag. */
export interface PolicyProblem {
  /** stable identifier, e.g. `policy.unknownKey` */
  readonly code: string
  /** path inside the policy, e.g. `files.read[0]`; empty for the whole document */
  readonly path: string
  /** file name as the user gave it, or a name for the source such as `--memory` */
  readonly source: string
  readonly line: number | null
  readonly column: number | null
  /** what is wrong, one sentence, with the offending value */
  readonly what: string
  /** what to write instead */
  readonly advice: string
}

/** The policy (or a flag that changes it) can't be accepted. Carries every problem found, in document order. */
export class PolicyError extends GloveboxError {
  readonly problems: readonly PolicyProblem[]

  constructor(problems: readonly [PolicyProblem, ...PolicyProblem[]]) {
    super(problems[0].code, problems.map(renderProblem).join('\n'))
    this.problems = problems
  }
}

/** `file:line:column: path: what advice`, with the parts that are known. */
export function renderProblem(problem: PolicyProblem): string {
  const place = [problem.source, problem.line, problem.column].filter((part) => part !== null && part !== '')
  const head = place.length > 0 ? `${visible(place.join(':'))}: ` : ''
  const path = problem.path === '' ? '' : `${visible(problem.path)}: `
  const advice = problem.advice === '' ? '' : ` ${problem.advice}`
  return `${head}${path}${problem.what}${advice}`
}

/** The chosen boundary can't enforce this plan on this host. Nothing was started. */
export class BoundaryUnavailableError extends GloveboxError {}

/** The sandbox could not be started, or broke in a way that is not the job's doing. */
export class LaunchError extends GloveboxError {}

/** There is no room for another run, now or ever. It did not start. */
export class BusyError extends GloveboxError {
  /** when there may be, ms from now; `null`: never */
  readonly retryAfterMs: number | null

  constructor(code: string, what: string, advice: string, retryAfterMs: number | null) {
    // where it was asked for is not what is wrong, and to find that out is half of what a refusal costs: in a flood it is a lot
    const { stackTraceLimit } = Error
    Reflect.set(Error, 'stackTraceLimit', 0)
    super(code, what, advice)
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
    this.retryAfterMs = retryAfterMs
  }
}

/** A call that can't mean anything: a closed `Glovebox`, an empty argv, an input outside the sandbox's folders. */
export class UsageError extends GloveboxError {}

/** A credential's value could not be had. No sentence of it holds one. The job did not start. */
export class CredentialError extends GloveboxError {}

/** An image is not here, can't be had, or is not what it says it is. Nothing of it was kept. */
export class ImageError extends GloveboxError {}
