import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { asEachNetworkUser } from '../support/users.js'

const WORKER = fileURLToPath(new URL('network-worker.js', import.meta.url))

/** What may come on top of what 200 sandboxes have taken, KiB: a leak of 50 KiB a sandbox would be seen, V8's moods not. */
const MORE_KIB = 40 << 10

interface Look {
  readonly processes: number
  readonly descriptors: number
  readonly gatewayDescriptors: readonly number[]
  readonly supervisor: number
  readonly gateway: number
}

asEachNetworkUser(
  '1,000 sandboxes with traffic, 8 at a time, leave nothing, every report is whole, and no memory grows',
  async (user, t) => {
    const readable = await finished(user.as(['test', '-r', WORKER]), { cwd: '/' })
    if (readable.status !== 0) return t.skip(`${user.name} can't read this checkout`)
    const folder = testFolder(t, 0o777)
    const { stdout, stderr, status } = await finished(user.as([process.execPath, WORKER, folder]), {
      cwd: '/',
      env: { ...process.env, TMPDIR: folder },
      timeout: 900_000,
      killSignal: 'SIGKILL',
    })
    assert.equal(stderr, '')
    assert.equal(status, 0)
    const { first, last, ...left } = JSON.parse(stdout) as { first: Look; last: Look }
    t.diagnostic(`KiB resident after 200 and 1000: ${JSON.stringify([first, last])}`)
    assert.deepEqual(left, {
      wrong: [],
      connections: 1000,
      namespacesSeen: true,
      processes: [],
      files: [],
      unix: [],
    })
    assert.deepEqual(
      [last.processes, last.descriptors, last.gatewayDescriptors],
      [first.processes, first.descriptors, first.gatewayDescriptors],
    )
    for (const who of ['supervisor', 'gateway'] as const)
      assert.ok(last[who] < first[who] + MORE_KIB, `${who}: ${first[who]} KiB, then ${last[who]} KiB`)
  },
)
