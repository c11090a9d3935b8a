/**
 * Node's spec report, then what it would let one overlook: which tests were skipped and why, and files that ran
 * no test at all; of a whole run, the files that took longest; and what failed, with what its error says. The last line is `N passed, N failed`.
 */
import { relative } from 'node:path'
import { Readable } from 'node:stream'
import { spec } from 'node:test/reporters'
import { inspect } from 'node:util'

/** what Node says of tests that --test-name-pattern leaves out */
const NOT_ASKED_FOR = 'test name does not match pattern'

/** Of files: who runs fewer knows how long each took. */
const MANY = 20
const SHOWN = 12
/** Of an error, characters. */
const WHY = 500

export default async function* report(events) {
  const tally = new Tally()
  // exitCode is the runner's own and ours: it only ever goes from 0 to 1
  yield* Readable.from(tally.watch(events)).compose(new spec())
  if (!namesArePicked()) for (const file of tally.empty()) tally.failed.add(`${file} ran no test`)
  if (tally.passed === 0 && tally.failed.size === 0) tally.failed.add('no test ran')
  if (tally.failed.size > 0) process.exitCode = 1
  yield tally.render()
}

/** With --test-name-pattern a file may well have nothing to run. */
const namesArePicked = () => process.execArgv.some((arg) => /^--test-(name|skip)-pattern/.test(arg))

class Tally {
  passed = 0
  /** names, for those that Node itself does not report */
  failed = new Set()
  left = []
  files = new Map()
  /** by file, ms */
  took = new Map()

  async *watch(events) {
    for await (const event of events) {
      this.count(event)
      yield event
    }
  }

  count({ type, data }) {
    if (type !== 'test:pass' && type !== 'test:fail') return
    const file = relative(process.cwd(), data.file ?? data.name)
    // Node reports a file as if it were a test, under its path
    if (data.nesting === 0 && isFile(data)) {
      if (type === 'test:fail') this.failed.add(`${file} (the file itself)`)
      else if (!this.files.has(file)) this.files.set(file, 0)
      return
    }
    this.files.set(file, (this.files.get(file) ?? 0) + 1)
    if (data.nesting === 0) this.took.set(file, (this.took.get(file) ?? 0) + data.details.duration_ms)
    if (data.skip === NOT_ASKED_FOR) return
    if (data.skip !== undefined) this.left.push(leftOut('skipped', file, data, data.skip))
    else if (data.details.type === 'suite') return
    else if (data.todo !== undefined) this.left.push(leftOut('to do', file, data, data.todo))
    else if (type === 'test:pass') this.passed += 1
    else this.failed.add(`${file} ${data.line}:${data.column} ${data.name}\n  ${why(data.details.error)}`)
  }

  empty() {
    return [...this.files].filter(([, tests]) => tests === 0).map(([file]) => file)
  }

  /** The files that a whole run waits for: what to look at first when it takes long. */
  slowest() {
    if (this.took.size < MANY) return []
    const slow = [...this.took].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
    return ['SLOWEST:', ...slow.map(([file, ms]) => `  ${(ms / 1000).toFixed(0).padStart(4)} s  ${file}`)]
  }

  render() {
    const lines = ['']
    if (this.left.length > 0)
      lines.push(`NOT RUN: ${this.left.length}`, ...this.left.map((text) => `  ${text}`))
    lines.push(...this.slowest())
    for (const name of this.failed) lines.push(`FAILED  ${name}`)
    lines.push(`${this.passed} passed, ${this.failed.size} failed`)
    return `${lines.join('\n')}\n`
  }
}

/** What an error says, in a line; of an assertion with words of its own also what was there. */
function why(error) {
  const { message = error, generatedMessage, actual } = error?.cause ?? error ?? {}
  const was = generatedMessage === false && actual !== undefined ? `: ${inspect(actual)}` : ''
  return `${message}${was}`.replace(/\s+/g, ' ').slice(0, WHY)
}

const isFile = ({ name, file }) =>
  /\.test\.m?js$/.test(name) && (file === undefined || file.endsWith(name) || name === file)

function leftOut(kind, file, { name }, why) {
  return `${kind}: ${name} (${file}): ${typeof why === 'string' && why !== '' ? why : 'NO REASON GIVEN'}`
}
