import { PolicyError, renderProblem, visible } from '../errors/index.js'
import { loadPolicy, type Policy, policySchemaJson, policySha256 } from '../policy/index.js'
import { adjustmentProblems } from '../syscalls/index.js'
import { type Flag, type Parsed, WrongUsage } from './flags.js'
import { print, printJson } from './terminal.js'

export const POLICY_COMMAND_FLAGS: readonly Flag[] = [
  { name: '--json', help: 'problems for programs' },
  { name: '--help', help: 'this' },
]

/** `policy check FILE` and `policy schema`. 1 when a file has problems. */
export function policy({ words, flags, command }: Parsed): number {
  const [verb, ...files] = [...words, ...(command ?? [])]
  if (verb === 'schema' && files.length === 0) {
    printJson(policySchemaJson(), 2)
    return 0
  }
  if (verb === 'check' && files.length > 0)
    return files.map((file) => check(file, flags.has('--json'))).some((bad) => bad) ? 1 : 0
  if (verb === 'check') throw new WrongUsage('policy check needs a file: glovebox policy check FILE….')
  throw new WrongUsage(
    `There is ${verb === undefined ? 'no verb' : `no "policy ${visible(verb)}"`}: write "policy check FILE" or "policy schema".`,
  )
}

/** What no machine would run. What this one alone refuses, such as a call that pins processors, `explain` says. */
function syscallProblems(source: string, { syscalls, files }: Policy) {
  const hostWrites = files.write.some(({ live }) => live)
  return adjustmentProblems(syscalls, { ...syscalls, cpuPinned: false, hostWrites }).map((problem) => ({
    ...problem,
    source,
  }))
}

function check(file: string, json: boolean): boolean {
  try {
    const checked = loadPolicy(file)
    const [problem, ...more] = syscallProblems(file, checked)
    if (problem !== undefined) throw new PolicyError([problem, ...more])
    if (json) printJson({ file, sha256: policySha256(checked), problems: [] })
    else print([`${file}: good.`])
    return false
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (json) printJson({ file, sha256: null, problems: error.problems })
    else print(error.problems.map(renderProblem))
    return true
  }
}
