/**
 * What a virtual machine is made of: QEMU, a kernel with its modules, mkfs.erofs for its root, the devices. Read only when the
 * boundary `microvm`, or doctor, asks. A program is started when its version is asked for, and once: who goes on with a saved machine does
 * not ask. Pure but for the look that it is given.
 */
import { type DeviceState, type KvmFacts, type KvmLook, kvmFacts } from './kvm.js'
import { packageOf } from './packages.js'
import { distrust, findProgram, type RuntimeFacts, type RuntimeLook } from './runtimes.js'
import { compareDebian, upstreamVersion } from './version.js'

export type ProgramFacts = Omit<RuntimeFacts, 'libseccomp'>

export interface KernelFacts {
  /** absolute, without symbolic links; `null`: none was found */
  readonly image: string | null
  /** its modules, `/lib/modules/V` */
  readonly modules: string | null
  /** the V of `/lib/modules/V`; what the kernel says of itself when it runs has to be the same */
  readonly release: string | null
  /** whether the environment chose it, `GLOVEBOX_KERNEL` */
  readonly chosen: boolean
  /** why it can't be used though it is there or was named, one sentence; empty when it can */
  readonly wrong: string
}

export interface Machines {
  /** for this machine's own architecture; there is none for others than x86-64 */
  readonly qemu: ProgramFacts
  readonly kernel: KernelFacts
  readonly mkfsErofs: ProgramFacts
  /** /dev/kvm, as it is now: whether a machine can be made with it only making one shows */
  readonly kvm: KvmFacts
  /** /dev/net/tun */
  readonly tun: DeviceState
}

export interface MachineLook extends Omit<RuntimeLook, 'userName'>, Pick<KvmLook, 'nowMs' | 'device'> {
  readonly arch: string
  /** the caller's environment: GLOVEBOX_KERNEL, GLOVEBOX_KERNEL_MODULES */
  readonly env: Readonly<Record<string, string | undefined>>
  /** names in a folder; none when it is not to be read */
  readonly list: (folder: string) => readonly string[]
  /** see `KvmLook`, for this QEMU */
  readonly kvmNote: (qemu: string | null) => ReturnType<KvmLook['kvmNote']>
  /** by this user */
  readonly readable: (file: string) => boolean
}

export const NO_PROGRAM: ProgramFacts = { path: null, distrusted: '', version: null, package: null }
export const NO_KERNEL: KernelFacts = { image: null, modules: null, release: null, chosen: false, wrong: '' }

export function machines(look: MachineLook): Machines {
  const vmm = look.arch === 'x64' ? qemu(look) : NO_PROGRAM
  return {
    qemu: vmm,
    kernel: look.arch === 'x64' ? kernel(look) : NO_KERNEL,
    mkfsErofs: mkfsErofs(look),
    get kvm() {
      return kvmFacts({ ...look, kvmNote: () => look.kvmNote(vmm.path) })
    },
    tun: look.device('/dev/net/tun'),
  }
}

function qemu(look: MachineLook): ProgramFacts {
  const [file, name] = ['qemu-system-x86_64', 'qemu-system-x86']
  return program(look, file, (path) => {
    const said = look.says(path, ['--version']) ?? ''
    // Debian's own says 7.2.22, of a package that is called 7.2, and names that package itself
    const [, version, debian] = /^QEMU emulator version (\S+)(?: \(Debian (\S+)\))?$/m.exec(said) ?? []
    const known = packageOf(look, [name], path, debian ?? version ?? null)
    return { version, known: debian === undefined || known?.version === debian ? known : null }
  })
}

function mkfsErofs(look: MachineLook): ProgramFacts {
  return program(look, 'mkfs.erofs', (path) => {
    // 1.5 knows no such flag, but says who it is before it says that
    const version = /^mkfs\.erofs (\S+)/m.exec(look.says(path, ['--version']) ?? '')?.[1]
    return { version, known: packageOf(look, ['erofs-utils'], path, version ?? null) }
  })
}

interface Said {
  readonly version: string | undefined
  readonly known: ProgramFacts['package']
}

function program(look: MachineLook, file: string, ask: (path: string) => Said): ProgramFacts {
  const path = findProgram(look, file)
  if (path === null) return NO_PROGRAM
  const distrusted = distrust(look, path)
  if (distrusted !== '') return { ...NO_PROGRAM, path, distrusted }
  let said: Pick<ProgramFacts, 'version' | 'package'> | null = null
  const answer = () => {
    said ??= checked(ask(path))
    return said
  }
  return {
    path,
    distrusted,
    get version() {
      return answer().version
    },
    get package() {
      return answer().package
    },
  }
}

/** A version that nothing can be said of is none. */
function checked({ version, known }: Said): Pick<ProgramFacts, 'version' | 'package'> {
  return version !== undefined && upstreamVersion(version) !== null
    ? { version, package: known }
    : { version: null, package: null }
}

const MODULES = '/lib/modules'

function kernel(look: MachineLook): KernelFacts {
  const { GLOVEBOX_KERNEL: image, GLOVEBOX_KERNEL_MODULES: modules } = look.env
  return image === undefined && modules === undefined ? foundKernel(look) : chosenKernel(look, image, modules)
}

/** Debian's kernel for clouds, the newest: small, and has all that a machine here needs. Else any that has modules. */
function foundKernel(look: MachineLook): KernelFacts {
  const releases = look
    .list('/boot')
    .flatMap((name) => /^vmlinuz-(\d[\w.+~-]*-amd64)$/.exec(name)?.[1] ?? [])
    .filter((release) => look.real(`${MODULES}/${release}/modules.dep`) !== null)
    .sort((a, b) => Number(isForClouds(b)) - Number(isForClouds(a)) || compareDebian(b, a))
  const [release] = releases
  if (release === undefined) return NO_KERNEL
  return judged(look, `/boot/vmlinuz-${release}`, `${MODULES}/${release}`, false)
}

const isForClouds = (release: string) => release.endsWith('-cloud-amd64')

function chosenKernel(look: MachineLook, image: string | undefined, named: string | undefined): KernelFacts {
  const wrong = (why: string): KernelFacts => ({ ...NO_KERNEL, chosen: true, wrong: why })
  if (image === undefined) return wrong('GLOVEBOX_KERNEL_MODULES is set, and GLOVEBOX_KERNEL is not.')
  const release = /(?:^|\/)vmlinuz-([\w.+~-]+)$/.exec(image)?.[1]
  const modules = named ?? (release === undefined ? undefined : `${MODULES}/${release}`)
  if (modules === undefined)
    return wrong('GLOVEBOX_KERNEL is not called vmlinuz-VERSION, and GLOVEBOX_KERNEL_MODULES is not set.')
  for (const [name, path] of [
    ['GLOVEBOX_KERNEL', image],
    ['GLOVEBOX_KERNEL_MODULES', modules],
  ] as const)
    if (!path.startsWith('/')) return wrong(`${name} is not an absolute path.`)
  return judged(look, image, modules, true)
}

/** Who may write to the kernel or to its modules chooses what runs as the machine's root, and what its wall is. */
function judged(look: MachineLook, image: string, modules: string, chosen: boolean): KernelFacts {
  const [realImage, realModules] = [look.real(image), look.real(modules)]
  const list = look.real(`${modules}/modules.dep`)
  const parts = { image: realImage, modules: realModules, release: lastPart(realModules), chosen }
  if (realImage === null) return { ...parts, wrong: `There is no ${image}.` }
  if (realModules === null || list === null)
    return { ...parts, wrong: `${modules} has no modules.dep: it is no kernel's modules.` }
  const owners = chosen ? [0, look.uid] : [0]
  const wrong = distrust(look, realImage, owners) || distrust(look, list, owners)
  if (wrong !== '') return { ...parts, wrong }
  // Ubuntu's kernels are root's alone
  const unread = [realImage, list].find((file) => !look.readable(file))
  return { ...parts, wrong: unread === undefined ? '' : `${unread} can't be read by this user.` }
}

function lastPart(path: string | null): string | null {
  return path === null ? null : path.slice(path.lastIndexOf('/') + 1)
}
