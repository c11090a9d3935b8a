/**
 * A job gives up what it no longer needs: docs/lock.md. Copy `lock`; it needs nothing but Node.
 *
 *     glovebox run --policy examples/lock/policy.yaml --read examples:/in -- node /in/lock/lock.mjs /in/photo.jpg
 */
import { createHash } from 'node:crypto'
import { openSync, readFileSync, readSync, writeSync } from 'node:fs'

/** Locks every thread and process of this job, for good. Throws when it is not locked. Synchronous: nothing happens meanwhile. */
export function lock(profile = 'sealed') {
  const fd = Number(process.env.GLOVEBOX_LOCK_FD ?? Number.NaN)
  if (!Number.isInteger(fd)) throw new Error('No lock is offered here: syscalls.lock is not in the policy.')
  writeSync(fd, `lock ${profile}\n`)
  const byte = Buffer.alloc(1)
  let answer = ''
  while (!answer.endsWith('\n')) {
    if (readSync(fd, byte) === 0) throw new Error('Nobody answered: not locked.')
    answer += byte.toString('latin1')
  }
  if (answer !== 'locked\n') throw new Error(`The policy does not offer the lock "${profile}".`)
}

const picture = openSync(process.argv[2] ?? '', 'r')
const { createServer } = await import('node:net') // imports are opens: all of them come before the lock
const { spawn } = await import('node:child_process')
lock()
try {
  openSync('/etc/passwd')
  console.log('open: worked')
} catch (error) {
  console.log(`open: ${error.code}`)
}
const said = (what) => (error) => console.log(`${what}: ${error.code}`)
try {
  spawn('/bin/true')
    .on('error', said('execute'))
    .on('exit', () => console.log('execute: worked'))
} catch (error) {
  said('execute')(error)
}
createServer()
  .on('error', said('socket'))
  .listen('/tmp/socket', () => console.log('socket: worked'))
console.log('still reads:', createHash('sha256').update(readFileSync(picture)).digest('hex').slice(0, 8))
