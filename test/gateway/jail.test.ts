/** The gateway reads what hostile code wrote, and has the host's network: what it would get if it were taken over. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { jailWords } from '../../src/gateway/jail.js'
import { ARCHES, compiledGatewayFilter } from '../../src/syscalls/index.js'
import { PREBUILT } from '../../src/syscalls/prebuilt.js'
import { syscallNumbers } from '../../src/syscalls/table.js'
import { AUDIT_ARCH, interpret } from '../syscalls/interpreter.js'
import { NO_NAMESPACE } from './namespace.js'
import { gatewaysOf, planOf, Setting } from './setting.js'

test('bubblewrap is told exactly this', () => {
  const facts = {
    topLevel: { '/bin': 'link:usr/bin', '/lib': 'link:usr/lib', '/lib64': 'link:usr/lib64' },
    libraries: ['/usr/lib', '/usr/lib64', '/etc/ld.so.cache'],
    node: '/usr/bin/node',
  }
  assert.equal(
    jailWords(facts, true).join(' '),
    '--unshare-user --disable-userns --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup --hostname gateway --cap-drop ALL --new-session --as-pid-1 --die-with-parent --seccomp 4 --ro-bind /usr/lib /usr/lib --ro-bind /usr/lib64 /usr/lib64 --ro-bind /etc/ld.so.cache /etc/ld.so.cache --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind /usr/bin/node /node --ro-bind-data 5 /gateway/start.cjs --ro-bind-data 6 /gateway/main.cjs --ro-bind-data 7 /gateway/main.cache --remount-ro / --chdir / -- /node --max-old-space-size=256 --min-semi-space-size=16 --max-semi-space-size=16 --disallow-code-generation-from-strings --disable-proto=delete --no-addons /gateway/start.cjs',
  )
  assert.ok(!jailWords(facts, false).join(' ').includes('main.cache'))
})

for (const arch of ARCHES) {
  test(`its filter for ${arch} is compiled ahead (node scripts/syscall-filters.mjs)`, () => {
    assert.equal(
      PREBUILT[`gateway-${arch}`]?.join(''),
      Buffer.from(compiledGatewayFilter(arch)).toString('base64'),
    )
  })

  test(`its filter for ${arch} has threads and TCP, but no process, no Unix or packet socket and no way to a namespace`, () => {
    const filter = compiledGatewayFilter(arch)
    const verdict = (name: string, ...args: number[]) => {
      const number = syscallNumbers(arch).get(name) ?? assert.fail(name)
      return interpret(filter, { arch: AUDIT_ARCH[arch], number, args: args.map(BigInt) })
    }
    const allowed = JSON.stringify(verdict('read', 0, 0, 0))
    const runs = (name: string, ...args: number[]) => JSON.stringify(verdict(name, ...args)) === allowed
    assert.ok(
      runs('clone', 0x3d0f00) &&
        runs('socket', 2, 1, 0) &&
        runs('socket', 10, 2, 17) &&
        runs('socket', 16, 3, 0),
    )
    assert.ok(runs('accept4', 3, 0, 0, 0) && runs('sendmsg', 3, 0, 0))
    for (const [name, ...args] of [
      ['clone', 0x11],
      ['clone', 0x10010000],
      ['clone3', 0, 0],
      ['execveat', 0, 0],
      ['socket', 1, 1, 0],
      ['socket', 17, 3, 0],
      ['socket', 2, 3, 1],
      ['socket', 16, 3, 12],
      ['socketpair', 1, 1, 0],
      ['unshare', 0x10000000],
      ['ptrace', 0],
      ['process_vm_readv', 1],
      ['io_uring_setup', 1],
      ['mount', 0],
      ['bpf', 0],
      ['symlinkat', 0],
    ] as const)
      assert.ok(!runs(name, ...args), `${name} ${args.join()}`)
  })
}

describe('the running gateway', { skip: NO_NAMESPACE }, () => {
  const setting = new Setting()
  after(() => setting.close())

  test('has no capability, no way to gain one, nothing to write to, no process beside it and no uid of anybody', async () => {
    await (await setting.attach(planOf([]))).end()
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(field(set) ?? '', /^0+$/)
    assert.equal(field('NoNewPrivs'), '1')
    assert.equal(field('Seccomp'), '2')
    assert.match(field('NSpid') ?? '', /\s1$/, 'it is alone in its pid namespace')
    if (process.geteuid?.() === 0) {
      assert.deepEqual([...new Set(field('Uid')?.split('\t'))], [`${0x70000000 + process.pid}`])
      assert.equal(field('Groups')?.trim(), '')
    }
    for (const kind of ['user', 'pid', 'ipc', 'uts', 'mnt', 'cgroup'])
      assert.notEqual(readlinkSync(`/proc/${pid}/ns/${kind}`), readlinkSync(`/proc/self/ns/${kind}`), kind)
    assert.equal(readlinkSync(`/proc/${pid}/ns/net`), readlinkSync('/proc/self/ns/net'))
    assert.deepEqual(
      readdirSync(`/proc/${pid}/root`)
        .filter((name) => !/^(lib\w*|usr|etc)$/.test(name))
        .sort(),
      ['gateway', 'node'],
    )
    const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8').trim().split('\n')
    for (const mount of mounts) assert.match(mount.split(' ')[3] ?? '', /^ro,/, mount)
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .map((each) => each.split('=')[0])
    for (const name of environment) assert.match(name ?? '', /^(GLOVEBOX_OPEN_FILES|NODE_CHANNEL_\w+|PWD|)$/)
  })

  test('opens no inspector for whoever can signal, and leaves no core dump', async () => {
    await (await setting.attach(planOf([]))).end()
    const [pid = 0] = gatewaysOf(process.pid).slice(-1)
    const listening = () => readFileSync(`/proc/${pid}/net/tcp`, 'latin1').includes(':240D ') // 9229
    const before = listening()
    process.kill(pid, 'SIGUSR1')
    // it answers, after what came before
    await (await setting.attach(planOf([]))).end()
    assert.equal(listening(), before)
    assert.equal(setting.gateway.ended, false)
    const core = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))
    if (existsSync('/usr/bin/prlimit')) assert.match(`${core?.[1]} ${core?.[2]}`, /^(0 0|1 1)$/)
  })
})
