/**
 * A machine that waits for its job runs the image's own shell first. The attacks: a job looks for what that left, to know of others or to find more than it
 * was given; an image whose shell leaves what it can, or never ends, so that no machine ever waits.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { Glovebox, parsePolicy, type RunResult } from '../../src/index.js'
import { testFolder } from '../support/checkout.js'
import { image, machineArchive, noMachine } from '../support/machine-image.js'
import { SUITE_IS_ROOT } from '../support/users.js'

const skip = SUITE_IS_ROOT ? (noMachine() ?? false) : 'its image is in root’s store'

/** Who else is there, what is mounted and where, what lies there, and what is open. */
const LOOK = `
set -- /proc/[0-9]*; echo $# processes; cat /proc/1/comm /proc/self/cgroup; id; hostname
cut -d ' ' -f 4- /proc/self/mountinfo; ls -lnA / /tmp /job /dev/shm /bin | grep -v '^total'
ls /proc/self/fd; cat /proc/sysvipc/*; grep -c . /proc/net/dev; ulimit -a; env | sort`
const FORKS = 'grep ^processes /proc/stat'
const PROGRAMS = ['sh', 'cat', 'cut', 'ls', 'id', 'hostname', 'grep', 'env', 'sort']

/** In an image of its own. */
interface Machines {
  readonly warm: Glovebox
  /** in a machine that waited */
  inWarm(...argv: [string, ...string[]]): Promise<RunResult>
  /** … and in one that is made for the job */
  inCold(...argv: [string, ...string[]]): Promise<RunResult>
}

async function machines(t: TestContext, archive: (folder: string) => string): Promise<Machines> {
  const name = `glovebox-rehearsal-test-${process.pid}-${made++}`
  image('import', archive(testFolder(t)), name)
  const policy = parsePolicy({ version: 1, boundary: 'microvm', root: `image:${name}` })
  const [warm, cold] = [await Glovebox.start({ warm: true }), await Glovebox.start()]
  t.after(async () => {
    await Promise.all([warm.close(), cold.close()])
    image('rm', name)
  })
  const run = async (glovebox: Glovebox, isWarm: boolean, argv: readonly string[]) => {
    const result = await glovebox.run(policy, argv)
    assert.ok(result.ok, result.message ?? '')
    assert.equal(result.report.sandbox?.warm, isWarm)
    return result
  }
  return {
    warm,
    inWarm: async (...argv) => {
      await warm.keepWarm(policy, 1)
      return run(warm, true, argv)
    },
    inCold: (...argv) => run(cold, false, argv),
  }
}
let made = 0

/** Whose shell is that script, which is told what any shell would be. */
function withShell(script: string): (folder: string) => string {
  return (folder) => {
    const file = machineArchive(folder, ['ls', 'true', 'cat'])
    writeFileSync(join(folder, 'tree/bin/sh'), script, { mode: 0o755 })
    rmSync(file)
    execFileSync('tar', ['--create', `--file=${file}`, `--directory=${join(folder, 'tree')}`, '.'])
    return file
  }
}

describe('a virtual machine that waited', { skip }, () => {
  test('has rehearsed, and its job finds what one finds in a machine that was made for it', async (t) => {
    const { inWarm, inCold } = await machines(t, (folder) => machineArchive(folder, PROGRAMS))
    const look = async (of: Machines['inWarm']) => (await of('sh', '-c', LOOK)).text()
    assert.equal(await look(inWarm), await look(inCold))
    const forks = async (of: Machines['inWarm']) => Number((await of('sh', '-c', FORKS)).text().split(' ')[1])
    assert.ok((await forks(inWarm)) >= (await forks(inCold)) + 1, 'it has not rehearsed')
  })

  test('has its job’s time alone in the job’s report', async (t) => {
    const slow = '#!/bin/busybox ash\ni=0; while [ $i -lt 3000 ]; do i=$((i+1)); done\n'
    const { inWarm, inCold } = await machines(t, withShell(slow))
    const { report } = await inWarm('/bin/true')
    // the shell is run by name, so that it does the same in both
    const spent = (await inCold('/bin/sh')).report.usage.cpuMs
    assert.ok(report.usage.cpuMs < spent, `${report.usage.cpuMs} of ${spent} ms`)
  })

  test('holds nothing that the image’s shell left: no process, no file', async (t) => {
    const leaves =
      '#!/bin/busybox ash\numask 0; for each in /tmp /dev/shm /job; do echo left > $each/left; done; busybox sleep 1000 &\n'
    const { inWarm, inCold } = await machines(t, withShell(leaves))
    const places = ['/tmp', '/dev/shm', '/job'] as const
    const inPlaces = (await inWarm('/bin/ls', '-A', ...places)).text()
    assert.equal(inPlaces, (await inCold('/bin/ls', '-A', ...places)).text())
    assert.doesNotMatch(inPlaces, /left/)
    const names = (await inWarm('/bin/busybox', 'ash', '-c', 'cat /proc/[0-9]*/comm')).text()
    assert.doesNotMatch(names, /sleep|busybox/)
  })

  test('is there though its image has no shell', async (t) => {
    const { inWarm } = await machines(t, (folder) => machineArchive(folder, ['true']))
    await inWarm('/bin/true')
  })

  test('is there though its image’s shell never ends, and says more than anybody reads', async (t) => {
    const { inWarm } = await machines(t, withShell('#!/bin/busybox yes\n'))
    await inWarm('/bin/true')
    // not once more: of this image none is rehearsed
    const began = Date.now()
    await inWarm('/bin/true')
    t.diagnostic(`the second after ${Date.now() - began} ms`)
  })
})
