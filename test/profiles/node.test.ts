/**
 * The attack: a script that was sent in reads what this host's users can read, asks a server on its loopback and starts a shell.
 * A regression would show as the host's words on standard output, or a question at the server.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, hostServer, NODE_FLAGS, pasted, SECRET, secretIn, withPrograms } from './tools.js'

const NEEDS = [process.execPath]

withPrograms(NEEDS, 'Node: a script computes, with a worker and WebAssembly', async (user, t) => {
  const folder = testFolder(t, 0o777)
  writeFileSync(join(folder, 'job.mjs'), WORK)
  const { status, stdout, stderr } = await pasted(user, 'node', { folder, flags: NODE_FLAGS })
  assert.equal(status, 0, stderr)
  assert.equal(stdout, 'worker 4950 true 1000\n')
})

withPrograms(NEEDS, 'Node: a script finds no file, no server and no shell of the host', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const server = await hostServer(t)
  writeFileSync(join(folder, 'job.mjs'), attack(secretIn(folder), server.url))
  const { stdout, stderr } = await pasted(user, 'node', { folder, flags: NODE_FLAGS })
  assert.match(stdout, /^file: ENOENT/, stderr)
  assert.match(stdout, /^server: EAFNOSUPPORT/m)
  assert.match(stdout, /^shell: E/m)
  assert.deepEqual(server.asked, [])
})

withPrograms(NEEDS, 'Node: a heap that grows for ever ends in Node’s own error', async (user, t) => {
  const folder = testFolder(t, 0o777)
  writeFileSync(
    join(folder, 'job.mjs'),
    'const all = []\nfor (;;) all.push(new Array(1e5).fill(all.length))\n',
  )
  const { stderr } = await pasted(user, 'node', { folder, flags: NODE_FLAGS })
  assert.match(stderr, /heap out of memory/)
})

control(NEEDS, 'Node: the script reads the file, asks the server and starts a shell', async (t) => {
  const folder = testFolder(t)
  const server = await hostServer(t)
  writeFileSync(join(folder, 'job.mjs'), attack(secretIn(folder), server.url))
  const { stdout } = await finished([process.execPath, 'job.mjs'], { cwd: folder })
  assert.match(stdout, new RegExp(`^file: reached ${SECRET}$`, 'm'))
  assert.match(stdout, /^server: reached 200$/m)
  assert.match(stdout, /^shell: reached/m)
  assert.deepEqual(server.asked, ['/admin'])
})

const WORK = `import { Worker } from 'node:worker_threads'
import { gunzipSync, gzipSync } from 'node:zlib'
const worker = new Worker('require("worker_threads").parentPort.postMessage([...Array(100).keys()].reduce((a, b) => a + b))', { eval: true })
const sum = await new Promise((resolve) => worker.once('message', resolve))
const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])
console.log('worker', sum, WebAssembly.validate(empty), gunzipSync(gzipSync(Buffer.alloc(1000))).length)
`

const attack = (file: string, url: string) => `import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
async function attempt(name, what) {
  try { console.log(name + ': reached ' + await what()) }
  catch (error) { console.log(name + ': ' + (error.cause?.code ?? error.code ?? error)) }
}
await attempt('file', () => readFileSync('${file}', 'utf8').trim())
await attempt('server', async () => (await fetch('${url}/admin')).status)
await attempt('shell', () => { const { error, status } = spawnSync('/bin/sh', ['-c', 'true']); if (error) throw error; return status })
`
