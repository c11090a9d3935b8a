/** What the checks inside the machine share: how Glovebox is started there, and the count. */
import { spawnSync } from 'node:child_process'

export const PROGRAM = '/opt/glovebox/bin/glovebox'
export const SERVICE = ['systemd-run', '--quiet', '--wait', '--pipe', '--collect']
/** What the user's own systemd manager starts. */
export const USERS_OWN = [
  ...['runuser', '-u', 'user', '--', 'env', 'XDG_RUNTIME_DIR=/run/user/1000'],
  ...['systemd-run', '--user', '--quiet', '--collect'],
]
const AS_USER = ['--uid=user', '--setenv=XDG_RUNTIME_DIR=/run/user/1000']
/** A login shell's place: root's scope in the user's slice, beside the user's own manager. */
export const SESSION = {
  as: ['systemd-run', '--quiet', '--scope', '--slice=user-1000.slice', ...AS_USER, '--'],
}
export const ran = ({ status, stdout }) => status === 0 && stdout === '1000\n'
export const refused = ({ status, stderr }, ...words) =>
  status === 125 && words.every((word) => stderr.includes(word))

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
  for (let tries = 0; ; tries++) {
    const { status, stdout, stderr } = spawnSync(program, args, options)
    if (tries === TRIES || !STOPPING.test(stderr)) return { status, stdout, stderr }
    spawnSync('sleep', ['1'])
  }
}

/** systemd-run, while systemd still stops the slice of who was there before. */
const STOPPING = /^Failed to start transient .* is destructive/m
const TRIES = 20
