/**
 * What a job finds in a container that was made from a plan, each beside what a container finds that was made without one. The
 * attack: a container is what the engine's defaults make it, with the host's uid 0, capabilities and a writable root.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CreateBody } from '../../../src/boundary/docker/create-body.js'
import { requireShown } from '../../../src/boundary/docker/held-source.js'
import { TestEngine } from '../../support/docker-engine.js'
import { box, run, UID } from './box.js'

// not in a hook: whether there is an engine decides what is skipped
const started = await TestEngine.start()
const skip = typeof started === 'string' ? started : false
const own = started as TestEngine
const engine = skip === false ? await own.client() : (null as never)
after(async () => {
  if (skip === false) await own.end()
})

const sh = (script: string, policy: object = {}) =>
  run(engine, own.folder, ['/bin/sh', '-c', script], { policy })

async function says(script: string, policy: object = {}): Promise<string> {
  const { status, stdout, stderr } = await sh(script, policy)
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

/** The same root with nothing but the engine's defaults. */
async function byDefault(script: string): Promise<string> {
  const made = await box(engine, own.folder, [])
  const { Mounts } = made.body.HostConfig
  const HostConfig = { Mounts, NetworkMode: 'none' }
  const body: CreateBody = {
    Image: made.body.Image,
    Labels: {},
    Entrypoint: ['/bin/sh', '-c', script],
    HostConfig,
  }
  const { id } = await engine.create(`${made.name}-open`, { ...body, AttachStdout: true })
  try {
    const [streams, ended] = [await engine.attach(id), await engine.wait(id, 'not-running')]
    await engine.start(id)
    let text = ''
    streams.stderr.resume()
    for await (const chunk of streams.stdout) text += chunk
    await ended.exit
    return text.trim()
  } finally {
    await engine.remove(id)
    await made.end()
  }
}

describe('a job in a container', { skip }, () => {
  test('is nobody of the host, in no group, without a capability or a way to one, under a filter', async () => {
    const script = 'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)" /proc/self/status; id -un'
    const lines = (await says(script)).split('\n')
    for (const name of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      assert.ok(lines.includes(`Cap${name}:\t0000000000000000`), lines.join('\n'))
    const ids = `\t${UID}`.repeat(4)
    for (const line of [
      `Uid:${ids}`,
      `Gid:${ids}`,
      `Groups:\t${UID} `,
      'NoNewPrivs:\t1',
      'Seccomp:\t2',
      'job',
    ])
      assert.ok(lines.includes(line), `${line}: ${lines.join('\n')}`)
    const open = await byDefault(script)
    assert.match(open, /^Uid:\t0/m)
    assert.doesNotMatch(open, /^CapEff:\t0000000000000000/m)
  })

  test('is refused what the filter refuses, and nothing else of that', async () => {
    const script = 'unshare --user true 2>&1; unshare --help >/dev/null && echo there'
    assert.match(await says(script), /Operation not permitted[\s\S]*there/)
  })

  test('can write to scratch alone', async () => {
    const script =
      'for p in / /etc /usr /var /.glovebox /dev /proc/sys/kernel /sys /job /tmp /dev/shm; do (echo > $p/x) 2>/dev/null && echo $p; done'
    assert.equal(await says(`${script}; true`), '/job\n/tmp\n/dev/shm')
    assert.match(await byDefault(script), /^\/$[\s\S]*^\/etc$/m)
    // not by the owner of the root alone
    assert.match(await says('grep " / / " /proc/self/mountinfo'), / \/ \/ ro,/)
  })

  test('can put no more there than the policy says, in bytes and in files', async () => {
    const policy = { limits: { scratch: '1MiB' } }
    const fill = 'head -c 9000000 /dev/zero > /job/big; stat -c %s /job/big'
    // of one that is divided, half is the work directory's
    assert.equal(await says(fill, policy), `${1024 ** 2 / 2}`)
    const many = 'i=0; while : > /tmp/$i; do i=$((i+1)); done 2>/dev/null; echo $i'
    const limit = Number((await says('stat -f -c %c /tmp', policy)).trim())
    assert.ok(limit > 0 && limit < 100_000, `${limit}`)
    const { stdout } = await sh(`exec 2>/dev/null; ${many}`, policy)
    assert.ok(stdout === '' || Number(stdout) < limit, stdout)
  })

  test('has lo, down or up, and nothing else of a network, and may bind no low port', async () => {
    assert.equal(await says('cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d " "'), 'lo')
    assert.equal(await says('cat /proc/net/route | tail -n +2'), '')
    const settings =
      'cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/sys/net/ipv4/ping_group_range'
    assert.equal(await says(settings), '1024\n1\t0')
    assert.match(await byDefault(settings), /^0\n/)
  })

  test('in the network of another container of ours has that one’s namespace, name and settings', async () => {
    const first = await box(engine, own.folder, ['/bin/cat'])
    try {
      await engine.start(first.id)
      const pid = (await engine.container(first.id)).State.Pid
      const script = 'readlink /proc/self/ns/net; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
      const network = { container: first.id }
      const ran = await run(engine, own.folder, ['/bin/sh', '-c', script], { parts: { network } })
      assert.equal(ran.stdout, `${readlinkSync(`/proc/${pid}/ns/net`)}\nglovebox\n1024\n`, ran.stderr)
    } finally {
      await first.end()
    }
  })

  test('sees nothing of the host in /proc, and no /sys', async () => {
    const masked =
      'cat /proc/kcore /proc/keys /proc/locks /proc/cmdline /proc/modules /proc/interrupts 2>/dev/null | wc -c'
    assert.equal(await says(masked), '0')
    assert.equal(
      await says('ls /sys /proc/acpi /proc/fs /proc/bus /dev/mqueue | grep -v : | tr -d "\\n"'),
      '',
    )
    assert.equal(await says('cat /proc/sys/kernel/random/boot_id'), '')
    assert.notEqual(await byDefault('cat /proc/cmdline /proc/modules'), '')
    assert.notEqual(await byDefault('ls /sys'), '')
  })

  test('finds no mark of the host or of who runs Glovebox in its mounts', async () => {
    const boot = execFileSync('cat', ['/proc/sys/kernel/random/boot_id'], { encoding: 'utf8' }).trim()
    const mounts = await says('cat /proc/self/mountinfo')
    assert.ok(!mounts.includes(boot), mounts)
    assert.match(mounts, / \/etc\/passwd ro/)
  })

  test('has the limits of the policy', async () => {
    const policy = { limits: { memory: '64MiB', cpus: 1, processes: 40, openFiles: 99 } }
    const made = await box(engine, own.folder, ['/bin/sh', '-c', 'cat; :'], { policy })
    try {
      await engine.start(made.id)
      const { Pid } = (await engine.container(made.id)).State
      const group = (controller: string, file: string) => {
        const line = execFileSync('grep', [`:${controller}:`, `/proc/${Pid}/cgroup`], { encoding: 'utf8' })
        const path = line.trim().split(':')[2] ?? ''
        return execFileSync('cat', [`/sys/fs/cgroup/${controller}${path}/${file}`], {
          encoding: 'utf8',
        }).trim()
      }
      const traits = (await engine.info()).CgroupVersion
      if (traits === '1') {
        assert.equal(group('memory', 'memory.limit_in_bytes'), `${64 * 1024 ** 2}`)
        assert.equal(group('pids', 'pids.max'), '42')
      }
      const limits = execFileSync('cat', [`/proc/${Pid}/limits`], { encoding: 'utf8' })
      assert.match(limits, /Max open files +99 +99/)
      assert.match(limits, /Max core file size +0 +0/)
      assert.match(limits, /Max msgqueue size +0 +0/)
    } finally {
      await made.end()
    }
  })

  test('is ended for memory, and the engine tells of it while pid 1 lives', async () => {
    const policy = { limits: { memory: '32MiB' } }
    const hog = 'head -c 60000000 /dev/zero | tail -c 50000000 >/dev/null; echo $?; cat'
    const made = await box(engine, own.folder, ['/bin/sh', '-c', hog], { policy })
    try {
      const watching = await engine.watch(made.id)
      await engine.start(made.id)
      const [status] = await once(made.streams.stdout, 'data')
      assert.equal(String(status), '137\n')
      for (let tries = 0; tries < 500 && !watching.seen.has('oom'); tries++) await sleep(20)
      assert.ok(watching.seen.has('oom'), `${[...watching.seen]}`)
      await engine.kill(made.id)
      await watching.destroyed
      assert.deepEqual(
        await engine.containers([`glovebox.sandbox=${made.name.slice('glovebox-'.length)}`]),
        [],
      )
    } finally {
      await made.end()
    }
  })

  test('says what it has used', async () => {
    const made = await box(engine, own.folder, [
      '/bin/sh',
      '-c',
      'head -c 20000000 /dev/zero > /job/x; echo; cat',
    ])
    try {
      await engine.start(made.id)
      await new Promise((resolve) => made.streams.stdout.once('data', resolve))
      const { memory_stats: memory, cpu_stats: cpu } = await engine.usage(made.id)
      assert.ok((memory.max_usage ?? memory.usage ?? 0) > 20_000_000, JSON.stringify(memory))
      assert.ok((cpu.cpu_usage.total_usage ?? 0) > 0)
    } finally {
      await made.end()
    }
  })
})

describe('grants and trees', { skip }, () => {
  test('a read grant is read-only, a live one is not, and each is what was looked at', async (t) => {
    const folder = join(own.folder, 'granted')
    mkdirSync(folder, { mode: 0o777 })
    t.after(() => execFileSync('rm', ['-rf', folder]))
    writeFileSync(join(folder, 'word'), 'granted\n', { mode: 0o644 })
    const policy = { files: { read: [`${folder}:/in`] } }
    assert.equal(await says('cat /in/word; (echo > /in/x) 2>/dev/null || echo no', policy), 'granted\nno')

    const made = await box(engine, own.folder, ['/bin/cat'], { policy })
    try {
      await engine.start(made.id)
      const { Pid } = (await engine.container(made.id)).State
      for (const held of made.held) assert.equal(requireShown(held, Pid), true)
      const grant = made.held.find(({ shown }) => shown.inside === '/in') ?? assert.fail('no grant')
      const other = { ...grant, shown: { ...grant.shown, inside: '/usr' } }
      assert.throws(() => requireShown(other, Pid), /granted is not what the container shows/)
      // the attack: a link in the container, which leads whoever follows it from outside to the host's own
      const linked = join(folder, 'link')
      symlinkSync(folder, linked)
      const astray = { ...grant, shown: { ...grant.shown, inside: '/in/link' } }
      assert.equal(statSync(`/proc/${Pid}/root/in/link`, { bigint: true }).ino, grant.found.ino, 'control')
      assert.throws(() => requireShown(astray, Pid), /granted is not what the container shows/)
    } finally {
      await made.end()
    }
  })

  test('what is mounted below a read grant is not shown where it could be written to', async (t) => {
    const folder = join(own.folder, 'with-mount')
    mkdirSync(join(folder, 'below'), { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=1777', 'glovebox-test', join(folder, 'below')])
    t.after(() => execFileSync('umount', ['-l', join(folder, 'below')]))
    writeFileSync(join(folder, 'below/there'), '')
    const policy = { files: { read: [`${folder}:/in`] } }
    assert.equal(await says('(echo > /in/below/x) 2>/dev/null && echo written; true', policy), '')
  })

  test('a tree that leads everything astray shows its own programs, and the sandbox’s own files', async (t) => {
    const tree = join(own.folder, 'tree')
    mkdirSync(join(tree, 'programs'), { recursive: true })
    mkdirSync(join(tree, 'srv/beside'), { recursive: true })
    t.after(() => execFileSync('rm', ['-rf', tree]))
    execFileSync('cp', ['/usr/bin/busybox', join(tree, 'programs/sh')])
    symlinkSync('programs', join(tree, 'bin'))
    for (const name of ['etc', 'tmp', 'proc', 'sys', 'dev', 'job']) symlinkSync('/programs', join(tree, name))
    symlinkSync('/etc', join(tree, 'srv/granted'))
    const granted = join(own.folder, 'granted-too')
    mkdirSync(granted)
    writeFileSync(join(granted, 'word'), 'granted\n')
    const policy = { root: `dir:${tree}`, files: { read: [`${granted}:/srv/granted`] } }
    const script =
      'echo /*; head -n 2 /etc/passwd | tail -n 1; cat /srv/granted/word; echo /srv/*; echo > /job/x && echo written'
    const { stdout, stderr } = await run(engine, own.folder, ['/bin/sh', '-c', script], { policy })
    assert.equal(
      stdout,
      `/bin /dev /etc /job /proc /programs /srv /sys /tmp\njob:x:${UID}:${UID}::/job:/bin/sh\ngranted\n/srv/beside /srv/granted\nwritten\n`,
      stderr,
    )
  })
})
