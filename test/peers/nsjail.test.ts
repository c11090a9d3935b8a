/**
 * What nsjail's example configurations are for, as policies of Glovebox: the real program does its work under them, and
 * what those configurations forbid is forbidden. docs/peers.md says which option is which key.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, testFolder } from '../support/checkout.js'
import { forbids, forRootAndOrdinary, under, withProgram, writtenPolicy } from './policies.js'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47])
const PHOTO = join(ROOT, 'examples/photo.jpg')

for (const [name, openFiles] of Object.entries({
  'imagemagick-convert': 64,
  bash: 32,
  'http-files': 16,
  python: 64,
  ffmpeg: 64,
  ghostscript: 64,
  java: 1024,
}))
  forRootAndOrdinary(
    `${name}: no write outside scratch, no data of the host, no network, no other process`,
    (user) => forbids(user, name, openFiles),
  )

withProgram('/usr/bin/convert', 'ImageMagick: a photo from stdin, smaller, to stdout', async (user, t) => {
  const out = join(testFolder(t, 0o777), 'small.png')
  const argv = ['sh', '-c', '/usr/bin/convert jpg:- -resize 40x40 small.png']
  const { status, stderr } = await under(user, 'imagemagick-convert', argv, {
    flags: ['--output', `small.png:${out}`],
    input: readFileSync(PHOTO),
  })
  assert.equal(status, 0, stderr)
  assert.deepEqual(readFileSync(out).subarray(0, 4), PNG)
})

withProgram(
  '/usr/bin/convert',
  'ImageMagick: a drawing that reads a file or an address gets neither',
  async (user) => {
    for (const named of ['/etc/shadow', '/root/.bashrc', 'http://127.0.0.1:1/x.png']) {
      const drawing = `push graphic-context\nviewbox 0 0 9 9\nimage over 0,0 0,0 '${named}'\npop graphic-context\n`
      const { status, stdout } = await under(
        user,
        'imagemagick-convert',
        ['/usr/bin/convert', 'mvg:-', 'txt:-'],
        {
          input: drawing,
        },
      )
      assert.ok(status !== 0 || !stdout.includes('root:'), stdout)
    }
  },
)

withProgram(
  '/usr/bin/bash',
  'bash: a script works, with the variables and limits of the policy alone',
  async (user) => {
    const script =
      'echo "$GREETING $TERM $PWD $(ulimit -n) $(id -u) $(hostname)"; seq 3 | sort -r | head -1 > f; cat f; env | wc -l'
    const { stdout, stderr } = await under(user, 'bash', ['bash', '--norc', '-c', script])
    assert.equal(
      stdout.split('\n').slice(0, 2).join(';'),
      'from the policy dumb /work 32 1000 glovebox;3',
      stderr,
    )
    const pinned = await under(user, 'bash', ['taskset', '-p', '1', '1'])
    assert.notEqual(pinned.status, 0, 'sched_setaffinity is denied')
  },
)

withProgram(
  '/usr/bin/bash',
  'bash with a geteuid that answers nonsense, as nsjail’s demonstration',
  async (user) => {
    const policy = { version: 1, syscalls: { deny: ['geteuid'] } }
    writtenPolicy('geteuid', policy)
    const { stdout } = await under(user, 'geteuid', ['id'])
    assert.match(stdout, /^uid=1000\(job\).* euid=4294967295/)
    const traced = await under(user, 'geteuid', ['strace', 'true'])
    assert.notEqual(traced.status, 0)
  },
)

withProgram('/usr/bin/python3', 'a file server: one request on stdin, its answer on stdout', async (user) => {
  const serve = ['/usr/bin/python3', '/srv/http/serve.py']
  const ask = (path: string) => under(user, 'http-files', serve, { input: `GET ${path} HTTP/1.0\r\n\r\n` })
  const good = await ask('/')
  assert.match(good.stdout, /^HTTP\/1\.0 200 OK\r\n[\s\S]*Served from inside/, good.stderr)
  for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/shadow', '//etc/passwd', '/nothing'])
    assert.match((await ask(path)).stdout, /^HTTP\/1\.0 404/, path)
})

withProgram(
  '/usr/bin/python3',
  'a file server that is taken over can’t listen, connect or change a page',
  async (user) => {
    const attempt = (code: string) => under(user, 'http-files', ['/usr/bin/python3', '-c', code])
    const listens = await attempt('import socket; socket.create_server(("", 8080))')
    assert.match(listens.stderr, /Address family not supported/)
    const writes = await attempt('open("/srv/http/index.html", "a")')
    assert.match(writes.stderr, /Read-only file system|Permission denied/)
  },
)

withProgram(
  '/usr/bin/python3',
  'Python: a program works, and is stopped at each of its bounds',
  async (user, t) => {
    const job = join(testFolder(t, 0o755), 'job.py')
    const run = (code: string, flags: readonly string[] = []) => {
      writeFileSync(job, code)
      return under(user, 'python', ['/usr/bin/python3', '-I', 'job.py'], {
        flags: ['--input', `${job}:job.py`, ...flags],
      })
    }
    assert.equal((await run('import json, hashlib; print(json.dumps({"a": 1}))')).stdout, '{"a": 1}\n')
    const forks = await run(
      'import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(20)\n    n += 1\nexcept OSError as e: print(n, e.errno)',
    )
    assert.equal(forks.stdout, '3 11\n', forks.stderr)
    const disk = await run('open("big", "wb").write(bytes(64 << 20))')
    assert.notEqual(disk.status, 0)
    assert.match(disk.stderr, /File too large|No space left/)
    const files = await run('import os\ntry:\n  while True: os.dup(0)\nexcept OSError as e: print(e.errno)')
    assert.equal(files.stdout, '24\n', files.stderr)
    assert.equal((await run('while True: pass', ['--deadline', '1s'])).status, 124)
  },
)

withProgram(
  '/usr/bin/ffmpeg',
  'ffmpeg: a clip is encoded; a playlist that names files of the host finds none',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const out = join(folder, 'out.mp4')
    const make = [
      'ffmpeg',
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc=duration=1:size=64x64:rate=5',
      'out.mp4',
    ]
    const { status, stderr } = await under(user, 'ffmpeg', make, { flags: ['--output', `out.mp4:${out}`] })
    assert.equal(status, 0, stderr)
    assert.ok(readFileSync(out).includes('ftyp'))

    const list = join(folder, 'list.txt')
    writeFileSync(list, "ffconcat version 1.0\nfile 'file:/etc/machine-id'\n")
    const steal = ['ffmpeg', '-v', 'error', '-safe', '0', '-i', 'list.txt', '-f', 'data', '-']
    const stolen = await under(user, 'ffmpeg', steal, { flags: ['--input', `${list}:list.txt`] })
    assert.notEqual(stolen.status, 0)
    assert.match(stolen.stderr, /No such file/)
  },
)

withProgram(
  '/usr/bin/gs',
  'Ghostscript: a page is drawn; a program in PostScript reads nothing of the host',
  async (user, t) => {
    const out = join(testFolder(t, 0o777), 'page.png')
    const gs = ['gs', '-q', '-dBATCH', '-dNOPAUSE', '-sDEVICE=png16m', '-sOutputFile=page.png']
    const drawn = await under(user, 'ghostscript', [...gs, '-c', '0 0 moveto 99 99 lineto stroke showpage'], {
      flags: ['--output', `page.png:${out}`],
    })
    assert.equal(drawn.status, 0, drawn.stderr)
    assert.deepEqual(readFileSync(out).subarray(0, 4), PNG)

    // with its own guard off: the box is what is left
    const theft = '(/etc/shadow) (r) file 100 string readline pop print quit'
    const read = await under(user, 'ghostscript', [
      'gs',
      '-q',
      '-dNOSAFER',
      '-dBATCH',
      '-sDEVICE=nullpage',
      '-c',
      theft,
    ])
    assert.doesNotMatch(read.stdout, /root:/)
    const shell = '(%pipe%id > /usr/local/pwned) (w) file closefile quit'
    await under(user, 'ghostscript', ['gs', '-q', '-dNOSAFER', '-dBATCH', '-sDEVICE=nullpage', '-c', shell])
    assert.ok(!existsSync('/usr/local/pwned'))
    const control = execFileSync('gs', [
      '-q',
      '-dNOSAFER',
      '-dBATCH',
      '-sDEVICE=nullpage',
      '-c',
      theft.replace('shadow', 'hostname'),
    ])
    assert.notEqual(control.length, 0)
  },
)

withProgram(
  '/usr/bin/javac',
  'Java: a class with threads and a child works; it can’t listen',
  async (user, t) => {
    const source = join(testFolder(t, 0o755), 'Main.java')
    writeFileSync(
      source,
      `public class Main { public static void main(String[] a) throws Exception {
      var thread = new Thread(() -> System.out.println("thread")); thread.start(); thread.join();
      System.out.println(new ProcessBuilder("true").start().waitFor());
      try { new java.net.ServerSocket(8080); System.out.println("listens"); }
      catch (java.io.IOException e) { System.out.println("no socket"); } } }`,
    )
    const { stdout, stderr } = await under(user, 'java', ['java', 'Main.java'], {
      flags: ['--input', `${source}:Main.java`],
    })
    assert.equal(stdout, 'thread\n0\nno socket\n', stderr)
  },
)
