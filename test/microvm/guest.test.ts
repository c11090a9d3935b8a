/** The inside of a machine, booted by QEMU alone: what guest says, does, refuses, and how it ends. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { frame } from '../../src/boundary/agent/wire.js'
import { MOUNT, step } from '../../src/boundary/microvm/guest/steps.js'
import { testFolder } from '../support/checkout.js'
import { boot, KERNEL, NO_MACHINE, ready, run, save, steps, streamsOf } from './machine.js'

const v6 = (last: number) => Buffer.from([0xfd, 0x67, ...Buffer.alloc(13), last])
const LINK = {
  v4: { own: Buffer.from([198, 18, 0, 2]), router: Buffer.from([198, 18, 0, 1]), prefix: 30 },
  v6: { own: v6(2), router: v6(1), prefix: 126 },
  routerMac: Buffer.from([2, 0x67, 0x6c, 0, 0, 1]),
}

describe('a machine', { skip: NO_MACHINE, concurrency: false }, () => {
  test('says that it is ready, runs a command, says what it used, and is gone', async (t) => {
    const machine = boot(t)
    assert.deepEqual(await ready(machine), { version: 1, kernel: KERNEL })
    machine.wire.start(steps())
    await machine.wire.started
    const input = randomBytes(3 << 20)
    const hog = 'dd if=/dev/zero of=/dev/null bs=100M count=1'
    const forks = '(for i in 0 1 2 3 4 5 6 7 8 9; do sleep 60 & sleep 60 & sleep 60 & done)'
    const script = `uname -r >&2; id -u >&2; hostname >&2; cat; ${hog} 2>/dev/null; ${forks} 2>/dev/null; exit 3`
    const { end, stdout, stderr } = await run(streamsOf(machine), script, input)
    assert.equal(stderr.toString(), `${KERNEL}\n1000\ninside\n`)
    assert.ok(stdout.equals(input), `${stdout.length} bytes came back`)
    assert.deepEqual({ ...(end as object), cpuMs: 0 }, { kind: 'exited', code: 3, cpuMs: 0 })
    const news = await machine.wire.news
    assert.ok(news !== null)
    assert.deepEqual([news.end, news.complaints], [{ kind: 'exited', code: 0 }, ''])
    assert.ok(news.cpuMs > 0 && news.peakMemoryBytes > 32 << 20, JSON.stringify(news))
    assert.ok(news.oomKills > 0 && news.forkRefusals > 0, JSON.stringify(news))
    assert.equal(await machine.ended, 0)
  })

  /** What a job finds that looks for a way to the first process, the port, the kernel, or more rights. */
  test('shows the job nothing of its own, and its kernel is locked', async (t) => {
    const machine = boot(t)
    await ready(machine)
    // of which the job sees what it otherwise never would
    const shown = step.mount({ type: 'securityfs', source: 'x', target: '/r/old', flags: 0 })
    const flags = MOUNT.bind | MOUNT.recursive | MOUNT.readOnly | MOUNT.noExecute | MOUNT.noSetuid
    const bound = step.mount({ type: 'none', source: '/r/bin', target: '/r/bound', flags })
    const place = step.folder('/r/bound', { mode: 0o755, uid: 0, gid: 0 })
    machine.wire.start(steps([shown, place, bound]))
    const locks = [
      ['kernel/modules_disabled', '1'],
      ['kernel/kexec_load_disabled', '1'],
      ['kernel/kptr_restrict', '2'],
      ['kernel/dmesg_restrict', '1'],
      ['kernel/unprivileged_bpf_disabled', '1'],
      ['user/max_user_namespaces', '0'],
      ['kernel/panic_on_oops', '1'],
    ] as const
    const script = `
      exec 2>&1
      for each in ${locks.map(([name]) => name).join(' ')}; do echo "$each $(cat /proc/sys/$each)"; done
      echo processes $(ls /proc | grep -c '^[0-9]') $(tr '\\0' ' ' < /proc/1/cmdline)
      echo descriptors $(ls /proc/self/fd)
      for each in fd root exe environ mem; do cat /proc/1/$each/. /proc/1/$each >/dev/null 2>&1 && echo read $each; done
      cat /proc/self/environ > /dev/null && echo own environ
      grep -E 'CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs' /proc/self/status
      echo mounts $(cut -d ' ' -f 5 /proc/self/mountinfo)
      echo root $(ls /) dev $(ls /dev)
      cat /old/lockdown
      grep ' /bound ' /proc/self/mountinfo
      /bound/id
      echo groups $(cat /proc/self/cgroup)
      grep -c virtio /proc/modules
      insmod /bin/busybox
      unshare -Ur id
      mknod /job/port c 246 1
      mount -t tmpfs none /job
      echo 0 > /proc/sys/kernel/kptr_restrict
      dmesg | head -1
    `
    const { stdout } = await run(streamsOf(machine), script)
    const said = stdout.toString()
    for (const [name, value] of locks) assert.ok(said.includes(`${name} ${value}\n`), `${name}: ${said}`)
    // the agent, the shell, and what looks
    assert.match(said, /^processes [2-6] agent --carried *$/m)
    assert.match(said, /^descriptors 0 1 2 3$/m, 'the last is how ls looks')
    assert.doesNotMatch(said, /^read /m)
    assert.match(said, /^own environ$/m, 'the control')
    for (const each of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(said, new RegExp(`^${each}:\\s0+$`, 'm'))
    assert.match(said, /^NoNewPrivs:\s1$/m)
    assert.match(said, /^mounts \/ \/proc \/dev \/old \/bound$/m)
    assert.match(said, / \/bound ro,nosuid,nodev,noexec,/)
    assert.match(said, /\/bound\/id: Permission denied/)
    assert.match(said, /\[confidentiality\]/)
    assert.match(said, /^root bin bound dev job old proc dev null urandom zero$/m)
    assert.match(said, /^groups 0::\/$/m)
    assert.match(said, /^[1-9]\d*$/m, 'modules were loaded while it was allowed')
    assert.match(said, /insmod: .*(Operation not permitted|not permitted)/)
    for (const tool of ['unshare', 'mknod', 'mount']) assert.match(said, new RegExp(`^${tool}: `, 'm'), said)
    assert.match(said, /kptr_restrict: (Permission denied|Read-only)/)
    assert.match(said, /dmesg: .*not permitted/)
  })

  test('has the network that it is told of, and asks nobody for anything', async (t) => {
    const machine = boot(t, ['-netdev', 'hubport,hubid=0,id=n0', '-device', 'virtio-net-pci,netdev=n0'])
    await ready(machine)
    machine.wire.start(steps([step.network({ loopback: true, link: LINK })]))
    const { stdout } = await run(
      streamsOf(machine),
      'exec 2>&1; ip addr; ip route; ip -6 route; ip neigh; cat /proc/net/dev',
    )
    const said = stdout.toString()
    assert.match(said, /lo: <LOOPBACK,UP/)
    assert.match(said, /eth0: <[^>]*NOARP[^>]*UP/)
    assert.match(said, /inet 198\.18\.0\.2\/30 /)
    assert.match(said, /inet6 fd67::2\/126 /)
    assert.doesNotMatch(said, /fe80::|tentative|dadfailed/)
    assert.match(said, /^default via 198\.18\.0\.1 dev eth0/m)
    assert.match(said, /^default via fd67::1 dev eth0/m)
    for (const router of ['198.18.0.1', 'fd67::1'])
      assert.match(said, new RegExp(`^${router} dev eth0 lladdr 02:67:6c:00:00:01 .*PERMANENT`, 'm'))
    // sent packets: the tenth number
    assert.match(said, /eth0:(\s+\d+){9}\s/)
    const sent =
      said
        .match(/eth0:((?:\s+\d+)+)/)?.[1]
        ?.trim()
        .split(/\s+/)
        .map(Number) ?? []
    assert.equal(sent[9], 0, said)
  })

  test('without a loopback, what is for one goes nowhere, and who tries it is told at once', async (t) => {
    const machine = boot(t, ['-netdev', 'hubport,hubid=0,id=n0', '-device', 'virtio-net-pci,netdev=n0'])
    await ready(machine)
    machine.wire.start(steps([step.network({ loopback: false, link: LINK })]))
    const { stdout } = await run(
      streamsOf(machine),
      'exec 2>&1; for to in 127.0.0.1 127.1.2.3 ::1; do nc $to 80 < /dev/null; done; grep eth0 /proc/net/dev',
    )
    const said = stdout.toString()
    assert.equal(said.match(/nc: .*(No route to host|unreachable)/gi)?.length, 3, said)
    assert.match(said, /eth0:(\s+\d+){9}\s/)
    assert.equal(said.match(/eth0:(?:\s+\d+){9}\s+(\d+)/)?.[1], '0', 'nothing left it')
  })

  test('that was saved while it waits goes on from there, more than once, each with its own time and random numbers', async (t) => {
    const folder = testFolder(t)
    const [monitor, state] = [join(folder, 'monitor'), join(folder, 'state')]
    const first = boot(t, ['-qmp', `unix:${monitor},server=on,wait=off`])
    const said = await ready(first)
    await save(first, monitor, state)
    const heard: string[] = []
    for (const day of ['2031-05-06', '2032-07-08']) {
      const machine = boot(
        t,
        ['-qmp', `unix:${monitor},server=on,wait=off`, '-incoming', `exec:cat ${state}`],
        said,
      )
      assert.deepEqual(await ready(machine), said)
      machine.wire.start(steps([step.clock(Date.parse(day))]))
      const { stdout } = await run(streamsOf(machine), 'date +%F; head -c 32 /dev/urandom | od -t x1')
      assert.equal((await machine.wire.news)?.end.kind, 'exited')
      assert.equal(await machine.ended, 0)
      const [date = '', ...random] = stdout.toString().split('\n')
      assert.equal(date, day)
      assert.match(random.join(), /( [0-9a-f]{2}){16}/)
      heard.push(random.join())
    }
    assert.notEqual(heard[0], heard[1])
  })

  const root = step.mount({ type: 'tmpfs', source: 'x', target: '/r', flags: 0 })
  const FAILURES = [
    [
      'a file that is not there',
      [step.write('/proc/sys/kernel/nowhere', '1')],
      /: write \/proc\/sys\/kernel\/nowhere: No such file or directory\.$/,
    ],
    // the attack: an image whose folder leads out of it
    [
      'a link on the way',
      [step.link('/r/etc', '/sys/fs/cgroup'), step.folder('/r/etc/planted', { mode: 0o755, uid: 0, gid: 0 })],
      /: mkdir \/r\/etc\/planted: Too many levels of symbolic links\.$/,
    ],
    [
      'a bind that cannot be',
      [step.mount({ type: 'none', source: '/r', target: '/r/old', flags: MOUNT.bind | (1 << 30) }), root],
      /: bind \/r\/old: Invalid argument\.$/,
    ],
  ] as const
  for (const [name, more, says] of FAILURES)
    test(`${name}: the step is named, and nothing of the job runs`, async (t) => {
      const machine = boot(t)
      await ready(machine)
      machine.wire.start(steps(more))
      await assert.rejects(machine.wire.started, says)
      assert.equal(await machine.wire.news, null)
      assert.equal(await machine.ended, 0)
    })

  test('is hung up on: the agent and its job are gone, and what they used is told', async (t) => {
    const machine = boot(t)
    await ready(machine)
    machine.wire.start(steps())
    const streams = streamsOf(machine)
    const running = run(streams, 'echo runs; sleep 1000 & sleep 1000')
    await new Promise((resolve) => streams.stdout.once('data', resolve))
    streams.control.destroy()
    assert.deepEqual((await running).end, { kind: 'lost' })
    assert.deepEqual((await machine.wire.news)?.end, { kind: 'exited', code: 0 })
    assert.equal(await machine.ended, 0)
  })

  test('whose host is gone powers itself off, in the middle of a job', async (t) => {
    const machine = boot(t)
    await ready(machine)
    machine.wire.start(steps())
    const streams = streamsOf(machine)
    const running = run(streams, 'echo runs; sleep 1000')
    await new Promise((resolve) => streams.stdout.once('data', resolve))
    machine.qemu.stdin?.end()
    assert.equal(await machine.ended, 0)
    assert.equal(await machine.wire.news, null)
    assert.deepEqual((await running).end, { kind: 'lost' })
  })

  test('that is told what makes no sense says so, and is gone', async (t) => {
    const machine = boot(t)
    await ready(machine)
    machine.qemu.stdin?.write(frame('z'))
    await assert.rejects(machine.wire.started, /: frame: Bad message\.$/)
    assert.equal(await machine.ended, 0)
  })
})
