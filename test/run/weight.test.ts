/**
 * Memory that is no process's own: files, segments, tables of pages, buffers. The attack takes it where a limit by process
 * would not look. A regression shows as a run that ends like any other, having taken more than its limit.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { attackProgram, outside } from '../support/attack.js'
import { TESTED_BOUNDARY } from '../support/boundary.js'
import { testFolder } from '../support/checkout.js'
import { asEachUser, needsMemoryLimit } from '../support/users.js'
import { ran, reportIn } from './tools.js'

const LIMIT_MIB = 48

/** Sockets and pipes are buffers of the kernel, in children of which each has descriptors of its own. */
const KINDS = ['posix-shm', 'sysv-shm', 'memfd', 'mapping', 'page-tables', 'sockets', 'pipes']
const WANTED_MIB = 160

const UNPACK = 'cat attack.in > attack; chmod 700 attack; exec ./attack "$1"'

/** Tasks of a sentry that is being ended are charged beyond the limit: some pages of each. */
const DYING_BYTES = TESTED_BOUNDARY === 'gvisor' ? 1 << 20 : 0

asEachUser(
  `shared memory, page tables, buffers of sockets and pipes count: the run ends with 137, within its limit`,
  async (user, t) => {
    const report = join(testFolder(t, 0o777), 'report.json')
    const run = (memory: string, attempt: string) =>
      ran(user, [
        ...['run', '--memory', memory, '--scratch', '1GiB', '--report', report],
        ...['--input', `${attackProgram()}:attack.in`, '--', 'sh', '-c', UNPACK, 'sh', attempt],
      ])
    for (const kind of KINDS) {
      const attempt = `eat,${kind},${WANTED_MIB}`
      assert.equal((await outside([attempt]))(attempt).result, 'ok', `${kind}: outside it is to be had`)

      const held = await run(`${LIMIT_MIB}MiB`, attempt)
      assert.equal(held.status, 137, `${kind}: ${held.stdout}${held.stderr}`)
      const { result, usage } = reportIn(report)
      assert.equal(result.reason, 'memory', kind)
      assert.ok(usage.peakMemoryBytes <= (LIMIT_MIB << 20) + DYING_BYTES, `${kind}: ${usage.peakMemoryBytes}`)

      const free = await run('1GiB', attempt)
      assert.equal(free.status, 0, `${kind}: ${free.stderr}`)
      assert.match(free.stdout, /\t(ok|ENOBUFS)\t/, `${kind}: with more memory it is no more than that`)
    }
  },
  needsMemoryLimit,
)
