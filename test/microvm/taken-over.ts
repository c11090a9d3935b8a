/**
 * A machine that was taken over, its kernel included: its first process is a shell, which does what a test tells it by the very frame that
 * tells others the time. All else is as ever: it was saved, and goes on in a jail.
 */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CellSource } from '../../src/boundary/cell/source.js'
import type { SandboxSource } from '../../src/boundary/index.js'
import { boundaryNamed } from '../../src/boundary/index.js'
import { cpioOf } from '../../src/boundary/microvm/guest/cpio.js'
import { stepsOf } from '../../src/boundary/microvm/guest/steps.js'
import { launchMachine } from '../../src/boundary/microvm/machine-launch.js'
import type { Room } from '../../src/boundary/microvm/room.js'
import { wantedName } from '../../src/boundary/microvm/saved.js'
import { shapeOf } from '../../src/boundary/microvm/shape.js'
import { saveMachine } from '../../src/boundary/microvm/snapshots/save.js'
import { MachineStore } from '../../src/boundary/microvm/snapshots/store.js'
import { told } from '../../src/boundary/microvm/told.js'
import { bubblewrapWith } from '../../src/boundary/process/index.js'
import type { HostFacts } from '../../src/host/index.js'
import type { Plan } from '../../src/plan/index.js'
import { Gateways } from '../../src/sandbox/gateways.js'
import type { Outcome } from '../../src/sandbox/job.js'
import { JobNetwork } from '../../src/sandbox/job-network.js'
import { planFor } from '../../src/sandbox/planner.js'
import { JobRun } from '../../src/sandbox/run.js'
import { NO_CEILING, parse } from '../policy/harness.js'
import { theModules } from './machine.js'

/** `told`: all of the frame that begins a job, of which a test's words are the part between two lines. */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev
mount -t proc x /proc; mount -t sysfs x /sys; mount -t devtmpfs x /dev
for each in /modules/*; do insmod $each; done
while ! ls /dev/vport*p1; do sleep 0.1; done > /dev/null 2>&1
exec 3<>$(ls /dev/vport*p1)
kernel=$(uname -r)
printf "r\\\\$(printf %03o $((\${#kernel} + 5)))\\\\000\\\\000\\\\000\\\\001\\\\000\\\\000\\\\000$kernel\\\\000" >&3
hear() { dd bs=5 count=1 <&3 > /head; set -- $(tail -c 4 /head | od -An -tu4); dd bs=$1 count=1 iflag=fullblock <&3; }
{ hear > /told; } 2> /dev/null
sed -n '/^#begin$/,/^#end$/p' /told > /do
. /do
while :; do sleep 1000; done
`

/** Words of its shell that say these bytes on the wire. */
export function says(...parts: readonly Uint8Array[]): string {
  const octal = [...Buffer.concat(parts)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  return `printf '${octal}' >&3`
}

/** One saved machine, and what goes on from it. */
export class TakenOver {
  readonly #folder: string
  readonly #host: HostFacts
  readonly #jails: SandboxSource
  readonly #gateways: Gateways
  #saving: Promise<void> | null = null

  constructor(folder: string, host: HostFacts) {
    this.#folder = folder
    this.#host = host
    this.#jails = new CellSource(bubblewrapWith({ devices: ['/dev/net/tun'] }), host, false)
    this.#gateways = new Gateways(host, { hosts: { 'host.test': ['127.0.0.1'] } })
  }

  /** To its end, as every job: with a network, and a scratch folder by whose name its jail is found. */
  async run(
    word: string,
    script: string,
    policy: object,
    cancel: AbortSignal | null = null,
  ): Promise<Outcome> {
    const plan = this.#plan(word, policy)
    this.#saving ??= this.#save(plan)
    await this.#saving
    const source: SandboxSource = {
      launch: () =>
        launchMachine(this.#room(plan), {
          plan,
          files: { script: Buffer.from(`\n#begin\n${script}\n#end\n`) },
          waitsMs: 0,
        }),
      close: async () => {},
    }
    const run = new JobRun({
      // no store knows this image, which has nothing in it
      plan: { ...plan, files: { ...plan.files, root: { kind: 'host' } } },
      network: plan.network === null ? null : new JobNetwork(this.#gateways, null, plan.network),
      credentials: null,
      handedIn: { names: [], stdin: null },
      argv: ['true'],
      inputs: Promise.resolve([]),
      wanted: [],
      terminal: null,
      stdin: null,
      cancel,
      onStarted: null,
    })
    run.stdout.resume()
    run.stderr.resume()
    return await run.finish(source)
  }

  async close(): Promise<void> {
    await this.#jails.close()
    await this.#gateways.close()
  }

  #plan(word: string, more: object): Plan {
    const policy = parse(
      {
        version: 1,
        boundary: 'microvm',
        root: 'image:taken-over',
        workdir: `/${word}`,
        network: { allow: ['host.test'] },
        ...more,
      },
      { ceiling: NO_CEILING },
    )
    const boundary = boundaryNamed('microvm')
    if (boundary === null) throw new Error('no microvm')
    const root = {
      kind: 'image',
      reference: 'taken-over',
      digest: '',
      path: this.#folder,
      disk: this.#disk,
    } as const
    return planFor(policy, boundary, this.#host, root)
  }

  /** In which every plan’s machine is this one. */
  #room(plan: Plan): Room {
    const machine = { folder: this.#folder, kernelRelease: theRelease(this.#host) }
    const wanted = {
      shape: shapeOf(plan, this.#host, 'tcg'),
      disk: this.#disk,
      steps: told(plan, []),
    }
    return {
      host: this.#host,
      jails: () => this.#jails,
      kvmFailed: 'it is not tried',
      store: new MachineStore(this.#folder),
      unrehearsed: new Set(),
      machines: new Map([[wantedName(wanted, stepsOf(wanted.steps)), Promise.resolve(machine)]]),
    }
  }

  async #save(plan: Plan): Promise<void> {
    writeFileSync(this.#disk, '')
    truncateSync(this.#disk, 1024 * 1024)
    const file = join(this.#folder, 'initramfs')
    writeFileSync(file, archive())
    const { qemu, kernel } = this.#host.machines()
    const what = {
      shape: shapeOf(plan, this.#host, 'tcg'),
      vmm: qemu.path ?? '',
      kernel: kernel.image ?? '',
      initramfs: file,
      disk: this.#disk,
    }
    await saveMachine(this.#jails, what, this.#folder)
  }

  get #disk(): string {
    return join(this.#folder, 'disk')
  }
}

const theRelease = (host: HostFacts) => host.machines().kernel.release ?? ''

function archive(): Buffer {
  const modules = theModules()
  return cpioOf([
    { path: 'init', kind: 'file', mode: 0o755, content: Buffer.from(INIT) },
    { path: 'bin', kind: 'folder', mode: 0o755 },
    { path: 'bin/busybox', kind: 'file', mode: 0o755, content: readFileSync('/bin/busybox') },
    { path: 'modules', kind: 'folder', mode: 0o755 },
    ...modules.map(({ file, content }, index) => ({
      path: `modules/${String(index).padStart(3, '0')}-${file}`,
      kind: 'file' as const,
      mode: 0o400,
      content,
    })),
  ])
}
