/** What the checks inside the machine share: how Glovebox is started there, and the count. */
import { spawnSync } from 'node:child_process'

export const PROGRAM = '/opt/glovebox/bin/glovebox'
export const SERVICE = ['systemd-run', '--quiet', '--wait', '--pipe', '--collect']

let passed = 0
let failed = 0

export function check(name, good, seen) {
  if (good) passed += 1
  else failed += 1
  console.log(`${good ? 'ok    ' : 'FAILED'}  ${name}${good ? '' : `: ${JSON.stringify(seen)}`}`)
}

export const total = () => `passed: ${passed}, failed: ${failed}`

/** `place.as`: the words that start a program in some place */
export function glovebox(place, ...args) {
  return started([...place.as, PROGRAM, 'run', '--deadline', '2m', ...args])
}

/** @param input its standard input; absent: none */
export function started([program, ...args], input) {
  const stdin = input === undefined ? 'ignore' : 'pipe'
  const options = { encoding: 'utf8', cwd: '/', stdio: [stdin, 'pipe', 'pipe'], input }
  const { status, stdout, stderr } = spawnSync(program, args, options)
  return { status, stdout, stderr }
}
