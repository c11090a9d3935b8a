/** What `identity.mounts` makes of a list of mounts, which it reads inside. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { suidMounts } from '../../src/proof/probes/privileges.js'

const NOSUID = '/dev/vda /usr ext4 ro,nosuid,nodev,relatime 0 0'

test('a mount on which setuid programs count is found wherever it stands', () => {
  const counts = '/dev/vda /srv ext4 ro,nodev,relatime 0 0'
  assert.deepEqual(suidMounts(`${NOSUID} ${counts} ${NOSUID}`), [counts])
  assert.deepEqual(suidMounts(`${NOSUID} ${NOSUID}`), [])
})

test('an automount, as systemd has below /proc/sys, holds nothing to execute', () => {
  const automount =
    'systemd-1 /proc/sys/fs/binfmt_misc autofs rw,relatime,fd=29,pgrp=0,timeout=0,minproto=5,maxproto=5,direct,pipe_ino=11966 0 0'
  assert.deepEqual(suidMounts(`${NOSUID} ${automount}`), [])
})
