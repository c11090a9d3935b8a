/** Glovebox inside containers of a real Podman, started by root: its own filter forbids less than Docker's, and not enough less. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { onChangedHost } from '../support/changed.js'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { hostImage } from '../support/host-image.js'
import type { Finished } from '../support/spawned.js'

const folder = sharedFolder()
const image = join(folder, 'image')
const GLOVEBOX = '/opt/glovebox/bin/glovebox'
const FILTER = ['--security-opt', `seccomp=${join(ROOT, 'etc/container-seccomp.json')}`]
const UNMASKED = ['--security-opt', 'unmask=ALL']

// crun refuses a machine that has both versions of cgroups, so one of them is put away for it
const ONE_VERSION = `mount --make-rprivate /
umount --lazy /sys/fs/cgroup/unified 2>/dev/null || true`

function podman(flags: readonly string[], argv: readonly string[]): Promise<Finished> {
  const place = [
    '--root',
    join(folder, 'data'),
    '--runroot',
    join(folder, 'run'),
    '--cgroup-manager',
    'cgroupfs',
  ]
  // what root of this machine may set may be less than what Podman sets by itself
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--cgroups=disabled']
  const run = ['run', '--rm', '--network', 'none', ...limits, ...flags, '--rootfs', `${image}:O`]
  return onChangedHost(ONE_VERSION, ['podman', ...place, ...run, ...argv])
}

async function whyNot(): Promise<string | false> {
  if (process.geteuid?.() !== 0)
    return 'as an ordinary user Podman needs ranges of ids, which a test can’t ask for'
  if (!existsSync('/usr/bin/podman')) return 'podman is not installed'
  mkdirSync(image)
  hostImage(image)
  const tried = await podman([], ['true'])
  return tried.status === 0 ? false : `podman does not run here: ${tried.stderr.trim()}`
}

const skip = await whyNot()
after(() => rmSync(folder, { recursive: true, force: true }))

const job = [GLOVEBOX, 'run', '--waive', 'limits.memory', '--', 'id', '-u']

test('without flags: refused, with those that suffice', { skip }, async () => {
  const { stderr, status } = await podman([], job)
  assert.equal(status, 125)
  assert.match(
    stderr,
    /`podman run --user 1000 --security-opt seccomp=container-seccomp\.json --security-opt unmask=ALL …`/,
  )
})

test('one of the two flags only: refused', { skip }, async () => {
  for (const flags of [FILTER, UNMASKED]) {
    const { stdout, status } = await podman(flags, job)
    assert.deepEqual([status, stdout], [125, ''])
  }
})

test('both flags: a job runs, for root and for an ordinary user', { skip }, async () => {
  for (const user of ['0', '1000']) {
    const { stdout, stderr } = await podman(['--user', user, ...FILTER, ...UNMASKED], job)
    assert.equal(stdout, '1000\n', stderr)
  }
})

test('doctor says where it is', { skip }, async () => {
  const { stdout } = await podman([...FILTER, ...UNMASKED], [GLOVEBOX, 'doctor'])
  assert.match(stdout, /^note {5}host: Inside a Podman container: /)
})
