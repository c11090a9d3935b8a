import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { assertRefused, box, py, SKIP, sh } from '../support/boxes.js'
import { testFolder } from '../support/checkout.js'

/** A folder with one file in it, where outputs are to go; afterwards nothing else may be there. */
function destination(t: TestContext): { folder: string; untouched(): void } {
  const folder = testFolder(t)
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'out/old'), 'old')
  const untouched = () => {
    assert.deepEqual(readdirSync(folder), ['out'])
    assert.deepEqual(readdirSync(join(folder, 'out')), ['old'])
    assert.equal(readFileSync(join(folder, 'out/old'), 'utf8'), 'old')
  }
  return { folder, untouched }
}

/** Each is left in the folder `out`, beside a harmless file that comes first or last. */
const ATTACKS: readonly (readonly [name: string, left: string, why: RegExp])[] = [
  ['a symbolic link to a file of the host', 'ln -s /etc/passwd out/l', /symbolic link/],
  ['a symbolic link to a folder', 'ln -s / out/l', /symbolic link/],
  ['a symbolic link that leads nowhere', 'ln -s nowhere out/l', /symbolic link/],
  ['a symbolic link to itself', 'ln -s l out/l', /symbolic link/],
  ['a link to a descriptor of the first process', 'ln -s /proc/1/fd/3 out/l', /symbolic link/],
  ['a fifo, which would hold up its reader', 'mkfifo out/f', /no plain file/],
  ['a socket', `python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("out/s")'`, /no plain file/],
  ['a file that can’t be read', 'touch out/f; chmod 0 out/f', /cannot be read/],
  ['a folder that can’t be read', 'mkdir out/d; chmod 0 out/d', /cannot be read/],
  ['a name with a newline', `touch "out/a\nb"`, /control or invisible/],
  ['a name with a terminal’s escape', `touch "out/$(printf '\\033]0;x\\007')"`, /control or invisible/],
  ['a name with an 8-bit escape', `python3 -c 'open("out/\\u009b1m", "w")'`, /control or invisible/],
  ['a name that is no UTF-8', `python3 -c 'open(b"out/\\xff\\xfe", "w")'`, /control or invisible/],
  [
    'a name written from right to left',
    `python3 -c 'open("out/gnp\\u202egpj.exe", "w")'`,
    /control or invisible/,
  ],
  ['a name with a mark', `python3 -c 'open("out/a\\u200fb", "w")'`, /control or invisible/],
  ['a name with a tag', `python3 -c 'open("out/a\\U000e0041b", "w")'`, /control or invisible/],
  ['a name with no width', `python3 -c 'open("out/a\\u200bb", "w")'`, /control or invisible/],
  ['a name with an isolate', `python3 -c 'open("out/a\\u2066b", "w")'`, /control or invisible/],
  ['a name with a line separator', `python3 -c 'open("out/a\\u2028b", "w")'`, /control or invisible/],
  ['two sparse files, larger together than scratch', 'truncate -s 40M out/f out/g', /limits\.scratch/],
  [
    'many sparse files, larger together than scratch',
    'for i in 1 2 3 4 5 6 7 8 9; do truncate -s 8M out/$i; done',
    /limits\.scratch/,
  ],
  [
    'many hard links to one large file',
    'head -c 5000000 /dev/zero > out/0; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do ln out/0 out/$i; done',
    /limits\.scratch/,
  ],
  [
    'folders deeper than any program needs',
    `python3 -c 'import os
os.chdir("out")
for i in range(100): os.mkdir("d"); os.chdir("d")'`,
    /lies too deep/,
  ],
  [
    'a path longer than any',
    `python3 -c 'import os
os.chdir("out")
for i in range(30): os.mkdir("d" * 200); os.chdir("d" * 200)'`,
    /lies too deep|too long/,
  ],
]

describe('what a job can plant in its outputs', { skip: SKIP, concurrency: 2 }, () => {
  for (const [name, left, why] of ATTACKS)
    test(`${name}: nothing is collected, and nothing stays behind`, async (t) => {
      const { folder, untouched } = destination(t)
      const script = sh(`mkdir out; echo good > out/0good; ${left}; echo good > out/zgood`)
      const result = await box(
        script,
        { outputs: { out: join(folder, 'out') } },
        { limits: { scratch: '60MiB' } },
      )
      assertRefused(result, why)
      assert.match(result.message ?? '', /^[\x20-\x7e…]*$/, 'the message can’t act on a terminal')
      assert.match(result.message ?? '', /nothing was collected/)
      untouched()
    })

  test('a hard link is a file like any other', async (t) => {
    const { folder } = destination(t)
    const script = sh('mkdir out; echo one > out/a; ln out/a out/b')
    const { ok } = await box(script, { outputs: { out: join(folder, 'out') } })
    assert.ok(ok)
    assert.equal(readFileSync(join(folder, 'out/b'), 'utf8'), 'one\n')
    assert.equal(statSync(join(folder, 'out/b')).nlink, 1)
  })

  test('modes are the host’s own: nothing comes out executable, setuid or writable by others', async (t) => {
    const { folder } = destination(t)
    const script = sh('mkdir -m 777 out out/d; echo > out/d/f; chmod 777 out/d/f')
    assert.ok((await box(script, { outputs: { out: join(folder, 'out') } })).ok)
    assert.equal(statSync(join(folder, 'out/d/f')).mode & 0o7133, 0)
    assert.equal(statSync(join(folder, 'out/d')).mode & 0o7022, 0)
    assert.equal(statSync(join(folder, 'out/d/f')).uid, process.geteuid?.())
  })

  test('the wanted file is a symbolic link to what the job may read', async (t) => {
    const { folder, untouched } = destination(t)
    const result = await box(sh('ln -s /etc/passwd a'), { outputs: { a: join(folder, 'a') } })
    assertRefused(result, /"\/job\/a" is a symbolic link/)
    untouched()
  })

  test('a folder on the way to the wanted file is a symbolic link', async (t) => {
    const { folder, untouched } = destination(t)
    for (const planted of ['ln -s /etc d', 'mkdir e; ln -s e d; echo x > e/passwd']) {
      const result = await box(sh(planted), { outputs: { 'd/passwd': join(folder, 'a') } })
      assertRefused(result, /symbolic link/)
    }
    untouched()
  })

  test('the folder above a work directory in scratch is swapped for a symbolic link', async (t) => {
    const { folder, untouched } = destination(t)
    const swap =
      'cd /; mkdir /tmp/evil; mkdir /tmp/evil/b; echo evil > /tmp/evil/b/f; mv /tmp/a /tmp/moved; ln -s evil /tmp/a; ls -l /tmp >&2'
    const result = await box(sh(swap), { outputs: { f: join(folder, 'f') } }, { workdir: '/tmp/a/b' })
    assertRefused(result, /symbolic link/)
    untouched()
  })

  test('a file where a folder was wanted, and a folder where a file was', async (t) => {
    const { folder } = destination(t)
    const file = await box(sh('echo > out'), { outputs: { out: join(folder, 'out') } })
    assertRefused(file, /out is a folder/)
    writeFileSync(join(folder, 'file'), 'old')
    const directory = await box(sh('mkdir f; echo > f/x'), { outputs: { f: join(folder, 'file') } })
    assertRefused(directory, /file is no folder/)
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old')
    assert.deepEqual(readdirSync(folder).sort(), ['file', 'out'])
    assert.deepEqual(readdirSync(join(folder, 'out')), ['old'])
  })

  test('an output that was not made is a refusal when the job exits 0, and not when it says that it failed', async (t) => {
    const { folder, untouched } = destination(t)
    const outputs = { missing: join(folder, 'missing') }
    assertRefused(await box(['true'], { outputs }), /exited 0 without making \/job\/missing/)
    const failed = await box(['false'], { outputs })
    assert.deepEqual([failed.reason, failed.exitCode], ['exited', 1])
    untouched()
  })

  test('an output outside every scratch folder is refused', async () => {
    assertRefused(
      await box(['true'], { outputs: ['/etc/passwd'] }),
      /not in a folder that the job may write to/,
    )
    assertRefused(await box(['true'], { outputs: ['/'] }), /not in a folder that the job may write to/)
    assertRefused(
      await box(['true'], { outputs: ['/proc/1/environ'] }),
      /not in a folder that the job may write to/,
    )
  })

  test('an empty file and an empty folder are outputs', async (t) => {
    const { folder } = destination(t)
    const result = await box(sh('mkdir -p out/empty; : > out/nothing'), {
      outputs: { out: join(folder, 'out') },
    })
    assert.ok(result.ok, result.message ?? '')
    assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['empty', 'nothing', 'old'])
    assert.equal(statSync(join(folder, 'out/nothing')).size, 0)
  })

  test('as many files as scratch holds come out, whole; the job can’t make more', async (t) => {
    const { folder } = destination(t)
    const script = py(`import os
os.mkdir("out")
n = 0
try:
  while n < 100000: open("out/%d" % n, "w").write("%d" % n); n += 1
except OSError: pass
print(n)`)
    const result = await box(
      script,
      { outputs: { out: join(folder, 'out') } },
      { limits: { scratch: '8MiB' } },
    )
    const made = Number(result.text())
    assert.ok(made > 1000 && made < 2048, `${made}`)
    assert.ok(result.ok, result.message ?? '')
    assert.equal(readdirSync(join(folder, 'out')).length, made + 1)
    assert.equal(result.report.outputs.length, made)
  })

  test('a patterned output, to a folder: only what matches, with the folders it lies in', async (t) => {
    const { folder } = destination(t)
    const script = sh(
      'mkdir -p out/a/b; for f in out/1.txt out/a/2.txt out/a/b/3.txt out/a/no; do echo $f > $f; done',
    )
    const result = await box(script, {
      outputs: { 'out/**': join(folder, 'all'), 'out/*.txt': join(folder, 'out') },
    })
    assert.ok(result.ok, result.message ?? '')
    assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['1.txt', 'old'])
    assert.equal(readFileSync(join(folder, 'all/a/b/3.txt'), 'utf8'), 'out/a/b/3.txt\n')
    assert.deepEqual(readdirSync(join(folder, 'all/a')).sort(), ['2.txt', 'b', 'no'])
    assert.deepEqual(readdirSync(folder).sort(), ['all', 'out'])
  })

  test('a run that is cancelled while its outputs are read leaves nothing', async (t) => {
    const { folder, untouched } = destination(t)
    const cancel = new AbortController()
    const running = box(
      sh('mkdir out; for i in 1 2 3 4 5 6 7 8; do head -c 7000000 /dev/zero > out/$i; done'),
      {
        outputs: { out: join(folder, 'new') },
        signal: cancel.signal,
      },
    )
    const watch = setInterval(() => {
      if (readdirSync(folder).some((name) => name.startsWith('.glovebox-'))) cancel.abort()
    }, 1)
    const result = await running
    clearInterval(watch)
    assert.equal(result.reason, 'cancelled')
    untouched()
    assert.ok(!existsSync(join(folder, 'new')))
  })

  test('several outputs are all or nothing: one that can’t be put in its place keeps the others out', async (t) => {
    const { folder, untouched } = destination(t)
    const script = sh('echo a > a; echo b > b')
    const result = await box(script, { outputs: { a: join(folder, 'a'), b: join(folder, 'out') } })
    assertRefused(result, /out is a folder/)
    untouched()
  })
})
