/** Boots a machine until its first process waits to be told what it is for, and keeps it as it is then. No job and no secret was ever in it. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { LaunchError } from '../../../errors/index.js'
import { JOB_IDENTITY } from '../../../identity/index.js'
import type { Plan } from '../../../plan/index.js'
import { inTime } from '../../../waiting/index.js'
import type { CollectedEntry, RunningSandbox, SandboxSource } from '../../boundary.js'
import { endOf } from '../endings.js'
import { jailPlan, programGrants, savedBytes } from '../jail.js'
import { JAIL, type MachineShape, SAVED } from '../vmm/machine.js'
import { Monitor } from '../vmm/monitor.js'
import { saveWords } from '../vmm/qemu.js'

/** To boot one, ms: three seconds under emulation where nothing else runs, and many times that where much does. KVM that takes so long is no help. */
const BOOT_MS = { kvm: 20_000, tcg: 180_000 } as const
/** To write what it is: a few hundred kilobytes, ms. */
const WRITE_MS = 60_000
/** What was said before an end may be heard behind it, ms. */
const LAST_WORDS_MS = 500
const MAX_COMPLAINTS = 16 * 1024
const PAGE = 4096
/** Of what is said with `native/guest`. */
const GUEST_VERSION = 1

export interface ToSave {
  readonly shape: MachineShape
  /** absolute host paths */
  readonly vmm: string
  readonly kernel: string
  readonly initramfs: string
  /** its root */
  readonly disk: string
}

/** @returns the release of the kernel. @throws LaunchError when no machine came of it */
export async function saveMachine(jails: SandboxSource, what: ToSave, folder: string): Promise<string> {
  const jail = await jails.launch(savingPlan(what))
  const end = jail.commandEnd
  const said = new Complaints(jail)
  try {
    await jail.run({
      argv: [`${JAIL.programs}/vmm`, '-', ...saveWords(what.vmm, what.shape)],
      inputs: [],
      terminal: null,
    })
    const monitor = new Monitor(jail.stdout, jail.stdin)
    const release = await within(BOOT_MS[what.shape.accelerator], 'boot', end, said, said.ready)
    await within(WRITE_MS, 'be saved', end, said, monitor.save())
    monitor.quit()
    await within(WRITE_MS, 'end', null, said, end)
    await kept(jail, said, folder)
    return release
  } finally {
    await jail.end()
  }
}

function savingPlan({ shape, kernel, initramfs, disk }: ToSave): Plan {
  return jailPlan({
    shape,
    restores: false,
    grants: [
      ...programGrants(),
      { host: kernel, inside: JAIL.kernel },
      { host: initramfs, inside: JAIL.initramfs },
      { host: disk, inside: JAIL.disk },
    ],
    plan: {
      identity: JOB_IDENTITY,
      network: null,
      limits: { memoryBytes: null, cpus: null },
      lifetime: { deadlineMs: BOOT_MS[shape.accelerator] + WRITE_MS, noOutputMs: null, reuse: null },
    },
    scratchBytes: savedBytes(shape),
    places: [JAIL.saved],
  })
}

/** What came on 2: the VMM's own complaints, and among them what the machine said on its wire. */
class Complaints {
  readonly ready: Promise<string>
  /** no more will come */
  readonly all: Promise<void>
  #said = Buffer.alloc(0)

  constructor({ stderr }: RunningSandbox) {
    this.all = new Promise((resolve) => {
      stderr.once('end', resolve).once('close', resolve)
    })
    this.ready = new Promise((resolve) => {
      stderr.on('data', (chunk: Buffer) => {
        if (this.#said.length < MAX_COMPLAINTS) this.#said = Buffer.concat([this.#said, chunk])
        const release = readyIn(this.#said)
        if (release !== null) resolve(release)
      })
    })
  }

  get text(): string {
    const printable = this.#said.toString('latin1').replace(/[^\x20-\x7e]+/g, ' ')
    return printable.trim().slice(-1000)
  }
}

const READY = Buffer.from('r')
const LONGEST_RELEASE = 65

/** The frame `r`, see native/guest, among complaints: the version of what is spoken there, and the kernel's release. */
function readyIn(said: Buffer): string | null {
  for (let at = said.indexOf(READY); at >= 0; at = said.indexOf(READY, at + 1)) {
    if (at + 9 > said.length) return null
    const length = said.readUInt32LE(at + 1)
    const end = at + 5 + length
    if (length < 6 || length > 5 + LONGEST_RELEASE || end > said.length) continue
    const release = said.toString('latin1', at + 9, end - 1)
    if (said.readUInt32LE(at + 5) === GUEST_VERSION && said[end - 1] === 0 && /^[!-~]+$/.test(release))
      return release
  }
  return null
}

/** @throws LaunchError when it takes longer, or the jail ends before */
async function within<T>(
  ms: number,
  doing: string,
  end: RunningSandbox['commandEnd'] | null,
  said: Complaints,
  done: Promise<T>,
): Promise<T> {
  const late = () => {
    throw new Error(`it took longer than ${ms / 1000} s`)
  }
  const ended = end?.then(async (how) => {
    await inTime(said.all, LAST_WORDS_MS)
    throw new Error(endOf(how))
  })
  try {
    return await inTime(Promise.race(ended === undefined ? [done] : [done, ended]), ms, late)
  } catch (error) {
    throw notSaved(doing, error, said)
  }
}

function notSaved(doing: string, error: unknown, said: Complaints): LaunchError {
  const more = said.text === '' ? '' : `: ${said.text}`
  return new LaunchError(
    'microvm.notSaved',
    `The virtual machine did not ${doing}: ${(error as Error).message}${more}.`,
    'Is the kernel one for virtual machines (`apt-get install linux-image-cloud-amd64`), and is there memory and room? `glovebox doctor` looks.',
  )
}

/** What ends in the middle, as a jail does that the kernel ends for memory, is no machine either. @throws LaunchError */
async function kept(jail: RunningSandbox, said: Complaints, folder: string): Promise<void> {
  try {
    await keep(jail.collect(JAIL.saved, ''), folder)
  } catch (error) {
    throw error instanceof LaunchError ? error : notSaved('be kept', error, said)
  }
}

async function keep(entries: AsyncIterable<CollectedEntry>, folder: string): Promise<void> {
  const wanted = new Set<string>(Object.values(SAVED))
  for await (const entry of entries) {
    if (entry.kind !== 'file') continue
    const name = entry.path.replace(/^\/+/, '')
    if (wanted.delete(name)) await write(join(folder, name), entry.bytes, entry.content)
    else for await (const _ of entry.content); // the console's
  }
  if (wanted.size > 0)
    throw new LaunchError('microvm.notSaved', `The virtual machine left no ${[...wanted].join(', ')}.`)
}

/** Pages of zeros are holes: a third of a machine's memory was never used. Read-only: each machine that goes on from here maps it. */
async function write(path: string, bytes: number, content: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o444)
  try {
    await file.truncate(bytes)
    let at = 0
    for await (const chunk of content) {
      if (!isZero(chunk)) await file.write(chunk, 0, chunk.length, at)
      at += chunk.length
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error
    throw new LaunchError(
      NO_SPACE,
      `There is no room for a saved machine of ${bytes} bytes in ${path}.`,
      '`df -h` says where there is some; `XDG_DATA_HOME` names another place.',
    )
  } finally {
    await file.close()
  }
}

/** Code of the error that says so: another machine would not have it either. */
export const NO_SPACE = 'microvm.noSpace'

const ZEROS = Buffer.alloc(PAGE)

function isZero(chunk: Uint8Array): boolean {
  for (let at = 0; at < chunk.length; at += PAGE) {
    const part = chunk.subarray(at, at + PAGE)
    if (Buffer.compare(part, ZEROS.subarray(0, part.length)) !== 0) return false
  }
  return true
}
