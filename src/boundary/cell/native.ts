/** The native programs of this installation: where they lie, and whether they are the ones that belong to it. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { LaunchError } from '../../errors/index.js'

/**
 * `probe` attacks a sandbox from inside, `guest` is the first process of a virtual machine, `vmm` starts one, with `vmm-memory` in it; the others
 * are what every sandbox is made with.
 */
const NAMES = ['cell', 'agent', 'guest', 'probe', 'vmm', 'vmm-memory'] as const
const OF_A_START = ['cell', 'agent'] as const
const OF_A_MACHINE = ['agent', 'guest', 'vmm', 'vmm-memory'] as const
type ProgramName = (typeof NAMES)[number]

interface Expected {
  /** hex */
  readonly sha256: string
  readonly bytes: number
}

type Manifest = Readonly<Record<string, Readonly<Record<ProgramName, Expected>>>>

/** Absolute paths by name, and what lies there. */
export type NativePrograms = Readonly<Record<ProgramName, string>> & {
  readonly expected: Readonly<Record<ProgramName, Expected>>
}

const AGAIN =
  'Install glovebox again (in a checkout: `npm run build`). If it was updated while this program ran, start this program again.'

/** Of this process's lifetime: what it expects must not change when the package is updated under it. */
let found: NativePrograms | null = null

/** The programs for this machine's architecture. @throws LaunchError when there are none */
export function nativePrograms(): NativePrograms {
  found ??= look(nativeFolder(import.meta.dirname), process.arch)
  return found
}

/** Others than this installation's, in a folder that somebody named. @throws LaunchError when there are none */
export function programsBelow(folder: string): NativePrograms {
  return look(join(folder, 'native'), process.arch)
}

/** The built programs lie in `native/` beside this module's own tree, whether it is bundled or not. */
function nativeFolder(from: string): string {
  for (let at = from; ; at = dirname(at)) {
    const folder = join(at, 'native')
    if (existsSync(join(folder, 'manifest.json'))) return folder
    if (at === dirname(at)) break
  }
  throw new LaunchError(
    'launch.notBuilt',
    'The native programs (cell, agent, guest, probe, vmm) are not built.',
    'In a checkout, `npm run setup` builds them (it needs a C compiler). A package has them: install it again.',
  )
}

function look(folder: string, arch: string): NativePrograms {
  const file = join(folder, 'manifest.json')
  const manifest = parsed(file)
  const expected = Object.hasOwn(manifest, arch) ? manifest[arch] : undefined
  if (expected === undefined)
    throw new LaunchError(
      'launch.architecture',
      `Glovebox has no native programs for ${arch} here; ${file} names ${Object.keys(manifest).join(', ') || 'none'}.`,
      'It runs on x64 and arm64. In a checkout, `npm run build` makes those of this machine.',
    )
  if (!NAMES.every((name) => isExpected(expected?.[name])))
    throw damaged(`${file} is damaged: it does not say what the programs for ${arch} are.`)
  const at = (name: ProgramName) => join(folder, arch, name)
  const paths = Object.fromEntries(NAMES.map((name) => [name, at(name)])) as Record<ProgramName, string>
  return { ...paths, expected }
}

function parsed(file: string): Manifest {
  const text = readFileSync(file, 'utf8')
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Manifest
  } catch {
    // said below
  }
  throw damaged(`${file} is damaged: it is no JSON object.`)
}

function isExpected(value: Partial<Expected> | null | undefined): boolean {
  return /^[0-9a-f]{64}$/.test(value?.sha256 ?? '') && Number.isInteger(value?.bytes)
}

/**
 * Says why a launcher did not come up: the first program that is not what the manifest says, or that this user can't
 * start; `null` when both are right. Takes 10 ms, so only when a start has failed.
 */
export function findDamage(programs: NativePrograms): LaunchError | null {
  for (const name of OF_A_START) {
    const error = wrongContent(programs[name], programs.expected[name])
    if (error !== null) return error
  }
  // cell alone is started from its file: the agent is copied into memory first
  return notExecutable(programs.cell)
}

/** What a machine is made with, before it is: no launcher looks at these. @throws LaunchError naming the first that is not as it was built */
export function requireIntact(programs: NativePrograms): void {
  for (const name of OF_A_MACHINE) {
    const error = wrongContent(programs[name], programs.expected[name])
    if (error !== null) throw error
  }
}

/** Of this process or machine, not of the file. */
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

function wrongContent(file: string, expected: Expected): LaunchError | null {
  let content: Buffer
  try {
    content = readFileSync(file)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (SHORTAGES.has(code)) return null
    return damaged(code === 'ENOENT' ? `${file} is missing.` : `${file} can't be read by this user: ${code}.`)
  }
  if (content.length !== expected.bytes)
    return damaged(`${file} is not as it was built: ${content.length} bytes instead of ${expected.bytes}.`)
  // loading node:crypto takes 5 ms, which a start that succeeds need not pay
  const { createHash } = process.getBuiltinModule('node:crypto')
  const sha256 = createHash('sha256').update(content).digest('hex')
  if (sha256 === expected.sha256) return null
  return damaged(`${file} is not as it was built: its SHA-256 is ${sha256} instead of ${expected.sha256}.`)
}

function notExecutable(file: string): LaunchError | null {
  try {
    accessSync(file, constants.X_OK)
    return null
  } catch {
    const mode = (statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
    const lost = (mode & 0o111) !== 0o111
    return new LaunchError(
      'launch.notExecutable',
      lost
        ? `${file} can't be executed by this user: its mode is 0${mode.toString(8)}.`
        : `${file} can't be executed by this user, although its mode is 0${mode.toString(8)}.`,
      lost
        ? `\`chmod 755 ${file}\`, or install glovebox again with a tool that keeps modes.`
        : 'Is the file system mounted noexec? Then install glovebox on another. Or does AppArmor or SELinux forbid it?',
    )
  }
}

const damaged = (what: string) => new LaunchError('launch.damaged', what, AGAIN)
