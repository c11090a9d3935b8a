import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Arch } from '../../src/syscalls/index.js'
import { filterFor, SCRATCH, type Setting } from './tools.js'

const ARCH: Arch = process.arch === 'arm64' ? 'arm64' : 'x64'

const LINKS = ['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`])
const BOX = [
  ...['--unshare-all', '--die-with-parent', '--new-session', '--clearenv'],
  ...['--ro-bind', '/usr', '/usr', ...LINKS, '--ro-bind', '/etc', '/etc', '--proc', '/proc', '--dev', '/dev'],
  ...['--tmpfs', '/tmp', '--dir', '/tmp/job', '--chdir', '/tmp/job'],
  ...[
    '--setenv',
    'PATH',
    '/usr/local/bin:/usr/bin',
    '--setenv',
    'HOME',
    '/tmp/job',
    '--setenv',
    'LANG',
    'C.UTF-8',
  ],
]

function box(argv: readonly string[], setting: Setting = {}) {
  const path = join(SCRATCH, 'programs.bpf')
  writeFileSync(path, filterFor(ARCH, setting))
  const fd = openSync(path, 'r')
  const args = [...BOX, '--seccomp', '3', '--', ...argv]
  const result = spawnSync('bwrap', args, {
    stdio: ['ignore', 'pipe', 'pipe', fd],
    encoding: 'utf8',
    timeout: 60_000,
  })
  closeSync(fd)
  return result
}

const PYTHON = `
import subprocess, multiprocessing, asyncio, socket, tempfile, os
from concurrent.futures import ThreadPoolExecutor
assert list(ThreadPoolExecutor(4).map(abs, [-1, -2])) == [1, 2]
with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-3]) == [3]
assert subprocess.run(['echo', 'x'], capture_output=True).stdout == b'x\\n'
async def wait(): return await (await asyncio.create_subprocess_exec('true')).wait()
assert asyncio.run(wait()) == 0
a, b = socket.socketpair(); a.send(b'k'); assert b.recv(1) == b'k'
with tempfile.TemporaryDirectory() as d: os.chmod(d, 0o700)
print('fine')
`

const NODE = `
const { Worker } = require('worker_threads'), { execSync } = require('child_process'), fs = require('fs')
execSync('echo x'); fs.writeFileSync('a', 'b')
fs.promises.copyFile('a', 'c').then(() => new Worker("console.log('fine')", { eval: true }))
`

const JAVA = `public class A { public static void main(String[] a) throws Exception {
  var thread = new Thread(() -> {}); thread.start(); thread.join();
  if (new ProcessBuilder("true").start().waitFor() == 0) System.out.println("fine"); } }`

const GIT =
  'git init -q r && cd r && git config user.email a@b.test && git config user.name n && echo 1 > f && git add f && git commit -qm x && git gc -q && git clone -q . ../c && cat ../c/f'

const SHELL =
  'set -e; mkdir d; cp -a /etc/passwd d/p; install -m 755 d/p d/q; mv d/q d/r; ln -s p d/s; tar cf t.tar d; gzip t.tar; mkfifo f; (echo fine > f &); cat f; sort d/p | uniq -c | wc -l; sleep 0.01 & wait; timeout 0.1 sleep 5 || nice -n 5 find . | xargs -P 4 ls > /dev/null'

/** name, the program that must be there, how it is called, what it prints */
const PROGRAMS: readonly (readonly [string, string, readonly string[], RegExp])[] = [
  ['a shell and coreutils', '/usr/bin/bash', ['bash', '-c', SHELL], /fine/],
  ['Python: threads, processes, asyncio, socketpair', '/usr/bin/python3', ['python3', '-c', PYTHON], /fine/],
  ['Node: workers, children, files', '/usr/bin/node', ['node', '-e', NODE], /fine/],
  [
    'Java: compile, threads, a child',
    '/usr/bin/javac',
    ['sh', '-c', `cat > A.java <<'X'\n${JAVA}\nX\njava A.java`],
    /fine/,
  ],
  ['git: commit, gc, clone', '/usr/bin/git', ['sh', '-c', GIT], /1/],
  [
    'gcc: compile and run',
    '/usr/bin/gcc',
    ['sh', '-c', 'echo "int main(){return 7;}" > a.c && gcc -O2 a.c && ./a.out; echo $?'],
    /7/,
  ],
  [
    'tail -f: looks again where nothing can be watched',
    '/usr/bin/tail',
    [
      'sh',
      '-c',
      'echo fine > f; { sleep 0.2; echo more >> f; } & timeout 20 tail -f f 2>/dev/null | head -2',
    ],
    /fine\nmore/,
  ],
  [
    'ImageMagick: draw, blur, convert',
    '/usr/bin/convert',
    [
      'sh',
      '-c',
      '/usr/bin/convert -size 200x200 plasma: -blur 0x3 -resize 50% o.png && /usr/bin/identify o.png',
    ],
    /PNG 100x100/,
  ],
  [
    'Ghostscript: a page',
    '/usr/bin/gs',
    ['sh', '-c', 'gs -q -dBATCH -dNOPAUSE -sDEVICE=png16m -sOutputFile=o.png -c showpage && echo fine'],
    /fine/,
  ],
  [
    'ffmpeg: encode',
    '/usr/bin/ffmpeg',
    [
      'sh',
      '-c',
      'ffmpeg -v error -f lavfi -i testsrc=duration=1:size=64x64:rate=5 -c:v mpeg4 o.mp4 && echo fine',
    ],
    /fine/,
  ],
  [
    'LibreOffice: a page to PDF',
    '/usr/bin/soffice',
    ['sh', '-c', 'echo hello > a.html && soffice --headless --convert-to pdf a.html && ls'],
    /a\.pdf/,
  ],
]

const UNAVAILABLE = spawnSync('bwrap', [...BOX, '--', 'true']).status !== 0 && 'bubblewrap does not run here'

describe('programs run under the default profile', { skip: UNAVAILABLE }, () => {
  for (const [name, needs, argv, prints] of PROGRAMS) {
    test(name, { skip: !existsSync(needs) && `${needs} is not installed` }, () => {
      const { status, stdout, stderr } = box(argv)
      assert.match(stdout, prints, stderr)
      assert.equal(status, 0, stderr)
    })
  }

  test('with a network, a TCP socket; without, the error of a kernel that has no such family', () => {
    const make = ['python3', '-c', 'import socket; socket.socket(); print("made")']
    assert.match(box(make).stderr, /Address family not supported/)
    assert.match(box(make, { inet: true }).stdout, /made/)
  })

  test('no setuid file comes to be, by chmod or by open', () => {
    const { stdout } = box([
      'sh',
      '-c',
      'touch a; chmod 4755 a 2>&1; stat -c %a a; python3 -c "import os; os.open(\'b\', os.O_CREAT, 0o4755)" 2>&1 | tail -1; ls',
    ])
    assert.match(stdout, /Operation not permitted[\s\S]*644[\s\S]*PermissionError[\s\S]*a$/m)
    assert.doesNotMatch(stdout, /^b$/m)
  })
})
