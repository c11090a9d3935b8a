/**
 * The ids that an ordinary user's sandbox has besides the user's own. The attack: a file that a rootless container of the same user
 * left behind belongs to one of the first ids of /etc/subuid; a container's root, or gVisor's sentry, that is the same id owns it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moreIds } from '../../src/boundary/oci/frames.js'
import type { HostFacts, IdRange } from '../../src/host/index.js'
import { HOSTS, RUNTIMES } from '../plan/hosts.js'

const ordinary = (uids: readonly IdRange[], gids = uids): HostFacts => ({
  ...HOSTS['an ordinary user with cgroup v2'],
  uid: 1000,
  canTakeUids: false,
  runtimes: () => ({ ...RUNTIMES, subordinateIds: { ...RUNTIMES.subordinateIds, uids, gids } }),
})

test('are the last of what the user has, which no rootless container gets to', () => {
  const given = [{ first: 100_000, count: 65_536 }]
  assert.deepEqual(moreIds(ordinary(given), 2), [
    [165_535, 165_535],
    [165_534, 165_534],
  ])
})

test('come from the last range first, and from the one before when it is too short', () => {
  const uids = [
    { first: 100_000, count: 10 },
    { first: 500_000, count: 1 },
  ]
  const gids = [{ first: 7_000, count: 2 }]
  assert.deepEqual(moreIds(ordinary(uids, gids), 2), [
    [500_000, 7_001],
    [100_009, 7_000],
  ])
})

test('control: root’s are nobody’s, whatever the files give', () => {
  const root = { ...ordinary([{ first: 100_000, count: 65_536 }]), uid: 0, canTakeUids: true }
  for (const [uid, gid] of moreIds(root, 2)) assert.ok(uid === gid && uid > 0x7000_0000)
})
