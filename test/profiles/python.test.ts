/**
 * The attack: a script that was sent in reads what this host's users can read, asks a server on its loopback and a metadata
 * service, and starts a shell. A regression would show as the host's words on standard output, or a question at the server.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { control, hostServer, pasted, SECRET, secretIn, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/python3']

withPrograms(
  NEEDS,
  'Python: a script computes, with threads, a child and files of its own',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    writeFileSync(join(folder, 'job.py'), WORK)
    const { status, stdout, stderr } = await pasted(user, 'python', { folder })
    assert.equal(status, 0, stderr)
    assert.equal(stdout, '[4950, 4950] 285 3.14\n')
  },
)

withPrograms(
  NEEDS,
  'Python: a script finds no file, no server, no metadata and no shell of the host',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const server = await hostServer(t)
    writeFileSync(join(folder, 'job.py'), attack(secretIn(folder), server.url))
    const { stdout, stderr } = await pasted(user, 'python', { folder })
    const [file, asked, metadata, shell] = stdout.trimEnd().split('\n')
    assert.match(file ?? '', /^file: FileNotFoundError/, stderr)
    for (const line of [asked, metadata]) assert.match(line ?? '', /OSError|URLError|error 97/)
    assert.match(shell ?? '', /^shell: OSError/)
    assert.deepEqual(server.asked, [])
  },
)

control(NEEDS, 'Python: the script reads the file, asks the server and starts a shell', async (t) => {
  const folder = testFolder(t)
  const server = await hostServer(t)
  writeFileSync(join(folder, 'job.py'), attack(secretIn(folder), server.url))
  const { stdout } = await finished(['/usr/bin/python3', '-I', 'job.py'], { cwd: folder })
  assert.match(stdout, new RegExp(`^file: reached ${SECRET}$`, 'm'))
  assert.match(stdout, /^server: reached/m)
  assert.match(stdout, /^shell: reached 0$/m)
  assert.deepEqual(server.asked, ['/admin'])
})

const WORK = `import json, math, os, sqlite3, threading
sums = []
threads = [threading.Thread(target=lambda: sums.append(sum(range(100)))) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
child = os.fork()
if child == 0: os._exit(0)
assert os.waitpid(child, 0)[1] == 0
db = sqlite3.connect('numbers.db')
db.execute('create table n (i)'); db.executemany('insert into n values (?)', [(i * i,) for i in range(10)])
print(json.dumps(sums), db.execute('select sum(i) from n').fetchone()[0], f'{math.pi:.2f}')
`

const attack = (file: string, url: string) => `import os, urllib.request
def attempt(name, what):
    try: print(f'{name}: reached {what()}')
    except BaseException as error: print(f'{name}: {type(error).__name__} {error}')
ask = lambda url: urllib.request.urlopen(url, timeout=2).status
attempt('file', lambda: open('${file}').read().strip())
attempt('server', lambda: ask('${url}/admin'))
# not from the control, which stands in a real network
if not os.path.exists('${file}'): attempt('metadata', lambda: ask('http://169.254.169.254/latest/'))
attempt('shell', lambda: os.posix_spawn('/bin/sh', ['sh', '-c', 'true'], {}) and 0)
`
