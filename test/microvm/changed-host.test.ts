/**
 * Virtual machines on hosts that lack something, or have it broken: KVM that is none, no kernel, an old QEMU, no room. Each is said, with what
 * to do, and nothing is left; where a machine is to be had without, it is had.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { kvmDevice, NO_CHANGED_HOST, onChangedHost, writable } from '../support/changed-host.js'
import { sharedFolder } from '../support/checkout.js'
import { machineArchive, noMachine } from '../support/machine-image.js'
import { finished } from '../support/spawned.js'
import { type TestUser, USERS } from '../support/users.js'

const skip = NO_CHANGED_HOST || (noMachine() ?? false)
const folder = sharedFolder()
const IMAGE = `glovebox-changed-host-${process.pid}`
const users = USERS.slice(0, 2)
const QEMU = '/usr/bin/qemu-system-x86_64'

/** A store of saved machines of this command's own, in which nothing was saved yet. */
function place(user: TestUser): string {
  return user.isRoot ? '/var/lib/glovebox/machines' : join(folder, 'home/glovebox/machines')
}

const ownStore = (user: TestUser, more = ''): string => `
  mkdir -p ${place(user)}
  mount -t tmpfs -o mode=0700,uid=${user.isRoot ? 0 : 65534},gid=${user.isRoot ? 0 : 65534}${more} store ${place(user)}`

const envOf = (user: TestUser): NodeJS.ProcessEnv =>
  user.isRoot ? process.env : { ...process.env, XDG_DATA_HOME: join(folder, 'home') }

interface Report {
  readonly claims: readonly { readonly id: string; readonly by: readonly string[] }[]
}

/** Who goes on with it all the same hears of the next. */
const WAIVED = ['--waive', 'isolation.known-escapes'] as const

describe('a virtual machine on a host', { skip }, () => {
  const file = skip === false ? machineArchive(folder, ['sh', 'uname', 'true']) : ''
  mkdirSync(join(folder, 'home'), { recursive: true })
  if (skip === false) execFileSync('chown', ['65534:65534', join(folder, 'home')])
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const user of users)
    describe(`used by ${user.name}`, { skip: user.skip ?? false }, () => {
      const env = envOf(user)
      const own = (args: readonly string[]) =>
        user.cli(args).filter((each) => each !== '--waive' && each !== 'limits.memory')
      const image = (...args: string[]) => {
        const [program = '', ...rest] = user.as(own(['image', ...args]))
        execFileSync(program, rest, { env, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] })
      }
      before(() => {
        image('import', file, IMAGE)
      })
      after(() => {
        image('rm', IMAGE)
        if (!user.isRoot) rmSync(place(user), { recursive: true, force: true })
      })

      const words = (command: string, ...more: string[]) =>
        user.cli([command, '--boundary', 'microvm', '--root', `image:${IMAGE}`, ...more])
      const on = (change: string, argv: readonly string[]) =>
        finished(onChangedHost(user, change, argv), { env, cwd: '/' })
      const run = (change: string) => on(change, words('run', '--', 'true'))
      /** Commands of one host, one after another. */
      const each = (change: string, ...argvs: readonly (readonly string[])[]) =>
        on(change, [
          '/bin/sh',
          '-c',
          argvs.map((argv) => `${argv.map(quoted).join(' ')}; echo "= $?"`).join('\n'),
        ])

      test('whose /dev/kvm has no driver behind it runs without, and needs not be told', async () => {
        const misc = readFileSync('/proc/misc', 'utf8')
          .split('\n')
          .map((line) => Number.parseInt(line, 10))
        const unused =
          Array.from({ length: 200 }, (_, index) => 20 + index).find((minor) => !misc.includes(minor)) ?? 0
        const { stdout, stderr } = await each(
          `${ownStore(user)}\n${kvmDevice(10, unused)}`,
          words('run', '--', 'uname'),
          ['ls', place(user)],
        )
        assert.match(stdout, /^Linux\n= 0\n/, stderr)
        assert.doesNotMatch(stdout, /kvm\.json/)
      })

      test('whose /dev/kvm opens and is no KVM runs without: said in its report, by explain and by doctor, and not tried twice', async () => {
        const report = (name: string) => join(folder, `home/${name}-${users.indexOf(user)}.json`)
        const { stdout, stderr } = await each(
          // root's machines are run by a uid of its own, which gets in by the device's group alone
          `${ownStore(user)}\n${kvmDevice(1, 3, user.isRoot ? 31337 : null)}`,
          words('run', '--report', report('first'), '--', 'uname'),
          ['cat', join(place(user), 'kvm.json')],
          words('run', '--report', report('second'), '--', 'uname'),
          ['sh', '-c', `ls ${place(user)} | grep -c '^[0-9a-f]*$'`],
          words('explain'),
          own(['doctor']),
        )
        assert.match(
          stdout,
          /^Linux\n= 0\n\{"of":.*KVM.*\}= 0\nLinux\n= 0\n1\n= 0\n/i,
          `${stderr}\n${stdout.slice(0, 500)}`,
        )
        for (const name of ['first', 'second']) {
          const { claims } = JSON.parse(readFileSync(report(name), 'utf8')) as Report
          const by = claims.find(({ id }) => id === 'isolation.processes')?.by.join('; ') ?? ''
          assert.match(
            by,
            /QEMU translates its instructions \(TCG\), as none came up with KVM: .*Inappropriate ioctl/,
            name,
          )
        }
        const [explained = '', doctored = ''] = stdout.split('has /dev/kvm: ')
        assert.match(
          explained,
          /Think twice:\n\s+\/dev\/kvm is here, but no machine came up with it.*\(TCG\)/,
        )
        assert.match(doctored, /^\/dev\/kvm is here, but no machine came up with it.*\(TCG\)/)
        assert.ok(doctored.includes(`\`rm ${join(place(user), 'kvm.json')}\``), doctored)
      })

      test('comes up by KVM or without, whatever /dev/kvm is here, and its report says by which', {
        skip: existsSync('/dev/kvm') ? false : 'this host has no /dev/kvm',
      }, async () => {
        const report = join(folder, `home/own-${users.indexOf(user)}.json`)
        const { status, stderr } = await on(ownStore(user), words('run', '--report', report, '--', 'true'))
        assert.equal(status, 0, stderr)
        const { claims } = JSON.parse(readFileSync(report, 'utf8')) as Report
        const by = claims.find(({ id }) => id === 'isolation.processes')?.by.join('; ') ?? ''
        assert.match(by, /the processor runs it \(KVM\)|QEMU translates its instructions \(TCG\)/)
      })

      for (const [what, change, said, advice, ...flags] of [
        [
          'without a kernel',
          `${writable('/boot')}\nrm -f /boot/vmlinuz-*`,
          /There is no kernel/,
          /linux-image-cloud-amd64/,
        ],
        [
          'without QEMU',
          `${writable('/usr/bin')}\nrm ${QEMU}`,
          /qemu-system-x86_64 is not installed/,
          /qemu-system-x86/,
        ],
        [
          'without mkfs.erofs',
          `${writable('/usr/bin')}\nrm /usr/bin/mkfs.erofs`,
          /mkfs\.erofs is not installed/,
          /erofs-utils/,
        ],
        [
          'with a QEMU that is too old',
          `${writable('/usr/bin')}\nrm ${QEMU}\nprintf '#!/bin/sh\\necho QEMU emulator version 2.12.0\\n' > ${QEMU}\nchmod 755 ${QEMU}`,
          /is QEMU 2\.12\.0, which is too old/,
          /qemu-system-x86/,
          ...WAIVED,
        ],
        [
          'with a QEMU of which a way out is known',
          `${writable('/usr/bin')}\nrm ${QEMU}\nprintf '#!/bin/sh\\necho QEMU emulator version 6.1.0\\n' > ${QEMU}\nchmod 755 ${QEMU}`,
          /QEMU 6\.1\.0 has a known way out that nothing here shuts: CVE-/,
          /qemu-system-x86/,
        ],
        [
          'with a QEMU that says nothing',
          `${writable('/usr/bin')}\nrm ${QEMU}\nprintf '#!/bin/sh\\n' > ${QEMU}\nchmod 755 ${QEMU}`,
          /does not say which version/,
          /qemu-system-x86/,
          ...WAIVED,
        ],
        [
          'with a QEMU that others may write to',
          `${writable('/usr/bin')}\nchmod 0777 ${QEMU}`,
          /is not used: .* may be written to/,
          /chmod go-w/,
        ],
        [
          'with a QEMU that ends at once',
          `${writable('/usr/bin')}\nrm ${QEMU}\nprintf '#!/bin/sh\\n[ "$1" = --version ] && echo QEMU emulator version 9.0.0 && exit\\necho it can not >&2; exit 3\\n' > ${QEMU}\nchmod 755 ${QEMU}`,
          /did not boot: QEMU exited with 3: it can not/,
          /glovebox doctor/,
        ],
        ['without room for a saved machine', '', /no room for a saved machine/, /df/],
      ] as const)
        test(`${what}: is refused with what to do, and leaves nothing`, async () => {
          const store = ownStore(user, change === '' ? ',size=8m' : '')
          const { stdout, stderr } = await each(`${store}\n${change}`, words('run', ...flags, '--', 'true'), [
            'ls',
            '-A',
            place(user),
          ])
          assert.match(stdout, /^= 125\n(?:lock\n)?= 0\n$/, stderr)
          assert.match(stderr, said)
          assert.match(stderr, advice)
        })

      const groups = memoryGroups()
      test('that has no memory to make one: is refused in one sentence, and leaves nothing', {
        skip: user.isRoot
          ? groups === null && 'no memory cgroup can be made here'
          : 'root makes the cgroup that stands for the host',
      }, async () => {
        const group = `${groups}/glovebox-test-small-${process.pid}`
        mkdirSync(group)
        try {
          // by the size: with the least nothing boots, with the most a machine is booted that can't be carried out
          for (const MiB of [110, 160, 250]) {
            writeFileSync(`${group}/memory.limit_in_bytes`, `${MiB * 1024 ** 2}`)
            const { stdout, stderr } = await each(
              `echo $$ > ${group}/cgroup.procs\n${ownStore(user)}`,
              words('run', '--', 'true'),
              ['ls', '-A', place(user)],
            )
            // the most may do where pages are taken back in time
            if (MiB === 250 && stdout.startsWith('= 0\n')) continue
            assert.match(stdout, /^= 125\n(?:lock\n)?= 0\n$/, `${MiB} MiB: ${stderr}`)
            assert.match(stderr, /^glovebox: .*is there memory.*\n$/)
          }
        } finally {
          rmdirSync(group)
        }
      })

      // root reads all
      if (!user.isRoot)
        test('whose kernel this user may not read is refused', async () => {
          const { status, stderr } = await run(
            `${ownStore(user)}\n${writable('/boot')}\nchmod 0600 /boot/vmlinuz-*`,
          )
          assert.equal(status, 125, stderr)
          assert.match(stderr, /can't be read by this user/)
        })
    })
})

/** Where this suite may make a group of processes with a memory of its own (cgroup v1); `null`: nowhere. */
function memoryGroups(): string | null {
  const [, own] = /^\d+:memory:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
  const folder = `/sys/fs/cgroup/memory${own}`
  return own !== undefined && existsSync(`${folder}/memory.limit_in_bytes`) ? folder : null
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`
