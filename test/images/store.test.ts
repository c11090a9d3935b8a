/** The store under several commands at once, and under commands that die. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { finished } from '../support/spawned.js'
import { ociImage, tarball, written } from '../support/tarball.js'
import { busyboxTree, NO_BUSYBOX } from '../support/trees.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { NO_TOOLS, STORE_USERS, type TestStore, testStore } from './stores.js'

const skip = (user: { readonly skip: string | null }) => ({ skip: user.skip ?? NO_TOOLS() ?? NO_BUSYBOX })

function layout(store: TestStore): string {
  const folder = join(store.folder, 'layout')
  const files = Array.from({ length: 300 }, (_, i) => ({
    name: `d${i % 7}/f${i}`,
    content: `${i}\n`.repeat(200),
  }))
  written(folder, ociImage([tarball(files), tarball([{ name: 'etc/motd', content: 'here\n' }])]).files)
  return folder
}

/** A plain tar: its digest is not known before it is read, so that each import does all the work. */
async function busybox(store: TestStore): Promise<string> {
  const tree = busyboxTree(join(store.folder, 'tree'))
  writeFileSync(join(tree, 'etc/motd'), 'here\n')
  const file = join(store.folder, 'root.tar')
  await finished(['tar', '-C', tree, '-cf', file, '.'])
  return file
}

for (const user of STORE_USERS) {
  test(
    `four imports of one image at once leave one image, and every name (${user.name})`,
    skip(user),
    async (t) => {
      const store = testStore(user, t)
      const file = await busybox(store)
      const all = await Promise.all([1, 2, 3, 4].map((i) => store.image('import', file, `tool:${i}`)))
      assert.equal(new Set(all.map(({ stdout }) => stdout)).size, 1, all.map(({ stderr }) => stderr).join())
      const [image, ...more] = JSON.parse((await store.image('ls', '--json')).stdout)
      assert.deepEqual(more, [])
      assert.deepEqual(image.names.sort(), ['tool:1', 'tool:2', 'tool:3', 'tool:4'])
      assert.deepEqual(store.has('staging'), [])
      const removed = await Promise.all(image.names.map((name: string) => store.image('rm', name)))
      assert.deepEqual(
        removed.map(({ status }) => status),
        [0, 0, 0, 0],
      )
      assert.deepEqual([store.has('images'), store.has('removed')], [[], []])
    },
  )

  test(
    `an image that is removed while a job runs from it is there until the job has ended (${user.name})`,
    skip(user),
    async (t) => {
      const store = testStore(user, t)
      await store.image('import', await busybox(store), 'tool')
      const go = join(store.folder, 'go')
      mkdirSync(go)
      const running = store.run(
        'tool',
        'while ! test -e /go/on; do sleep 0.1; done; cat /etc/motd; find / -xdev -name sh',
        [...['--read', `${go}:/go`]],
      )
      for (let tries = 0; store.has('uses').length === 0 && tries < 200; tries++)
        await new Promise((resolve) => setTimeout(resolve, 50))
      await new Promise((resolve) => setTimeout(resolve, 1500))
      const { status, stderr } = await store.image('rm', 'tool')
      assert.equal(status, 0, stderr)
      assert.match(stderr, /used by process \d+: its files go with the next image command/)
      assert.equal((await store.run('tool', 'true')).status, 125)
      assert.equal(store.has('removed').length, 1)
      writeFileSync(join(go, 'on'), '')
      const { stdout } = await running
      assert.match(stdout, /^here\n(?:.*\n)*\/bin\/sh\n/)
      await store.image('import', layout(store), 'other')
      assert.deepEqual([store.has('removed'), store.has('uses')], [[], []])
    },
  )

  test(
    `what a run that was killed has noted of its image the next run removes (${user.name})`,
    skip(user),
    async (t) => {
      const store = testStore(user, t)
      await store.image('import', await busybox(store), 'tool')
      const waive = user.noMemoryLimit === null ? [] : ['--waive', 'limits.memory']
      const run = store.argv(['run', ...waive, '--root', 'image:tool', '--', 'sleep', '1000'])
      const [program = '', ...args] = run
      const child = spawn(program, args, { cwd: '/', env: store.env, stdio: 'ignore' })
      const ended = new Promise((resolve) => child.once('close', resolve))
      for (let tries = 0; store.has('uses').length === 0 && tries < 600; tries++)
        await new Promise((resolve) => setTimeout(resolve, 50))
      assert.equal(store.has('uses').length, 1)
      // HEX.BOOT.PIDNS.PID.STARTED.RANDOM
      process.kill(Number(store.has('uses')[0]?.split('.').at(-3)), 'SIGKILL')
      await ended
      assert.equal(store.has('uses').length, 1, 'nobody was left to remove it')
      assert.equal((await store.run('tool', 'true')).status, 0)
      assert.deepEqual(store.has('uses'), [])
    },
  )

  test(
    `an import killed at any moment leaves nothing that the next does not clear (${user.name})`,
    skip(user),
    async (t) => {
      const store = testStore(user, t)
      const file = await busybox(store)
      let killed = 0
      for (let turn = 0; turn < 12; turn++) {
        const [program = '', ...args] = store.argv(['image', 'import', file, 'tool'])
        const child = spawn(program, args, { cwd: '/', env: store.env, stdio: 'ignore' })
        const ended = new Promise((resolve) => child.once('close', resolve))
        // from before the first step to after the last, wherever this machine happens to be then
        const timer = setTimeout(() => child.kill('SIGKILL'), 40 + turn * 100 + Math.random() * 100)
        await ended
        clearTimeout(timer)
        if (child.signalCode === 'SIGKILL') killed++
      }
      assert.ok(killed > 0, 'none was killed')
      const { status, stderr } = await store.image('import', file, 'tool')
      assert.equal(status, 0, stderr)
      assert.equal((await store.run('tool', 'cat /etc/motd')).stdout, 'here\n')
      assert.deepEqual([store.has('staging'), store.has('removed'), store.has('uses')], [[], [], []])
      assert.equal(store.has('images').length, 1)
    },
  )
}

test('a full disk is said, and nothing is left on it: with room the next import works', {
  skip: NO_TOOLS() ?? (NO_BUSYBOX || (SUITE_IS_ROOT ? false : 'only root can mount a small disk')),
}, async (t) => {
  for (const size of ['1m', '3m']) {
    const small = `mount -t tmpfs -o size=${size} none /var/lib/glovebox && shift && "$@"; echo "ended $?"; ls -A /var/lib/glovebox/images/images /var/lib/glovebox/images/staging; mount -o remount,size=64m /var/lib/glovebox && "$@" >/dev/null && ls /var/lib/glovebox/images/images | wc -l`
    const store = testStore(STORE_USERS[0]!, t, small)
    const { stdout, stderr } = await store.image('import', await busybox(store), 'tool')
    assert.match(stderr, /There is no room left in the store.*nothing of this image was kept/, size)
    assert.match(
      stdout,
      /^ended 1\n\/var\/lib\/glovebox\/images\/images:\n\n\/var\/lib\/glovebox\/images\/staging:\n1\n$/,
    )
  }
})

test('a store that others can write to is not used', { skip: NO_TOOLS() ?? NO_BUSYBOX }, async (t) => {
  const user = STORE_USERS[0]!
  const store = testStore(user, t)
  const file = await busybox(store)
  assert.equal((await store.image('import', file, 'tool')).status, 0)
  await finished(['chmod', '0777', store.place])
  assert.match((await store.image('import', file, 'tool')).stderr, /is not this user's alone/)
  assert.equal((await store.run('tool', 'true')).status, 125)
  assert.ok(existsSync(store.place))
})
