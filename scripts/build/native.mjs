/**
 * The small C programs → dist/native/{x64,arm64}/{cell,agent,guest,probe,vmm,vmm-memory}, static, stripped, the same bytes from the same sources, and
 * dist/native/manifest.json, which the start of Glovebox holds them to.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Failure, filesBelow, fingerprint, root, stamp, writeWhole } from './checkout.mjs'
import { writeLicenses } from './native-licenses.mjs'
import { compilerFor, hostArchitecture, howToGet, TARGETS, toolsFor } from './targets.mjs'

const NATIVE = join(root, 'dist/native')

/** Each is native/NAME.c, native/NAME/**.c, or both. Any other C file directly in native/ or in native/common/ is linked into all. */
const PROGRAMS = ['cell', 'agent', 'guest', 'probe', 'vmm', 'vmm-memory']
/** Of those, what is no program but loaded into another one: it has nothing besides its own. */
const LIBRARIES = ['vmm-memory']
const RECIPE = ['scripts/build/native.mjs', 'scripts/build/targets.mjs']

const FLAGS = [
  '-std=c11',
  // empty, so that a file which defines it too (without a value) says the same thing
  '-D_GNU_SOURCE=',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wshadow',
  '-Wvla',
  '-Wformat=2',
  '-Wstrict-prototypes',
  '-Wmissing-prototypes',
  '-Wconversion',
  '-Wno-sign-conversion',
  '-Wcast-qual',
  '-Wpointer-arith',
  '-Wnull-dereference',
  '-Wlogical-op',
  '-Wduplicated-cond',
  '-Wundef',
  '-fstack-protector-strong',
  // Ubuntu's gcc defines it by itself, and defining it twice is a warning
  '-U_FORTIFY_SOURCE',
  '-D_FORTIFY_SOURCE=2',
  '-fPIE',
  '-static-pie',
  '-ffunction-sections',
  '-fdata-sections',
  '-Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack,--build-id=none',
  '-s',
  `-ffile-prefix-map=${root}=.`,
]

/** As they ship, but for WALL (native/walls.h), which lets tests leave a mechanism off. */
const MUTABLE = join(root, 'dist/mutable/native')
const MUTABLE_SOURCES = ['native/mutable/walls.c']

/** The programs of this machine's architecture. */
export const buildNative = () => buildProgramsOf([hostArchitecture()])

/** The programs of every architecture that the package is for, and the licenses of what is linked into them. */
export async function buildPackage() {
  const outcome = buildProgramsOf(Object.keys(TARGETS))
  if (outcome !== 'absent') writeLicenses()
  return outcome
}

/** For the tests alone; no package has them. */
export function buildMutableNative() {
  const arch = hostArchitecture()
  const everything = filesBelow('native', (file) => /\.[ch]$/.test(file))
  const inputs = fingerprint([...everything, ...RECIPE], arch, toolsFor(arch))
  const note = stamp('mutable-native')
  if (note.says(inputs) && existsSync(join(MUTABLE, 'manifest.json'))) return 'fresh'
  const manifest = { [arch]: {} }
  for (const name of PROGRAMS) {
    const finished = join(MUTABLE, arch, name)
    const walls = LIBRARIES.includes(name) ? [] : MUTABLE_SOURCES
    compile(arch, name, [...sourcesOf(name, everything), ...walls], finished, ['-DGLOVEBOX_MUTABLE'])
    manifest[arch][name] = description(finished)
  }
  writeWhole(join(MUTABLE, 'manifest.json'), JSON.stringify(manifest))
  note.write(inputs)
  return 'built'
}

/** What the manifest names afterwards is of these sources: programs of another architecture that are not, go. */
function buildProgramsOf(wanted) {
  const everything = filesBelow('native', (file) => /\.[ch]$/.test(file))
  const programs = PROGRAMS.map((name) => ({ name, sources: sourcesOf(name, everything) })).filter(
    ({ sources }) => sources.length > 0,
  )
  if (programs.length === 0) return 'absent'

  const manifest = {}
  let outcome = 'fresh'
  for (const arch of Object.keys(TARGETS)) {
    const asked = wanted.includes(arch)
    const madeWith = asked || existsSync(join(NATIVE, arch)) ? toolsFor(arch) : null
    if (madeWith === null && asked) throw new Failure(`${compilerFor(arch)} is missing. ${howToGet(arch)}`)
    const inputs = fingerprint([...everything, ...RECIPE], arch, madeWith)
    const note = stamp(`native-${arch}`)
    const complete = programs.every(({ name }) => existsSync(join(NATIVE, arch, name)))
    if (!(complete && madeWith !== null && note.says(inputs))) {
      rmSync(join(NATIVE, arch), { recursive: true, force: true })
      if (!asked) continue
      for (const { name, sources } of programs) compile(arch, name, sources, join(NATIVE, arch, name))
      note.write(inputs)
      outcome = 'built'
    }
    manifest[arch] = { madeWith }
    for (const { name } of programs) manifest[arch][name] = description(join(NATIVE, arch, name))
  }
  const text = `${JSON.stringify(manifest, null, 2)}\n`
  const file = join(NATIVE, 'manifest.json')
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeWhole(file, text)
  return outcome
}

function sourcesOf(name, everything) {
  const own = everything.filter((file) => file === `native/${name}.c` || inFolder(file, `native/${name}`))
  if (own.length === 0 || LIBRARIES.includes(name)) return own
  const shared = everything.filter(
    (file) =>
      inFolder(file, 'native/common') ||
      (/^native\/[^/]+\.c$/.test(file) && !PROGRAMS.includes(basename(file, '.c'))),
  )
  return [...own, ...shared]
}

/** A library needs no other, and can be loaded anywhere. */
function flagsFor(name) {
  if (!LIBRARIES.includes(name)) return FLAGS
  const ofPrograms = ['-fPIE', '-static-pie', '-D_FORTIFY_SOURCE=2', '-fstack-protector-strong']
  return [...FLAGS.filter((flag) => !ofPrograms.includes(flag)), '-fPIC', '-shared', '-nostdlib']
}

const inFolder = (file, folder) => file.startsWith(`${folder}/`) && file.endsWith('.c')

function compile(arch, name, sources, finished, more = []) {
  const draft = `${finished}.${process.pid}.tmp`
  mkdirSync(dirname(finished), { recursive: true })
  const { PATH, TMPDIR } = process.env
  const gcc = spawnSync(
    compilerFor(arch),
    [...flagsFor(name), ...more, '-Inative', '-o', draft, ...sources],
    {
      cwd: root,
      encoding: 'utf8',
      // none of the caller's CPATH, LIBRARY_PATH or language: what is made is the same for everybody
      env: { PATH, LC_ALL: 'C', ...(TMPDIR === undefined ? {} : { TMPDIR }) },
    },
  )
  if (gcc.status !== 0) {
    rmSync(draft, { force: true })
    throw new Failure(`native/${name} does not compile for ${arch}.\n${gcc.stderr}`)
  }
  chmodSync(draft, 0o755) // whatever the caller's umask: npm packs the mode that it finds
  // a rename, because a running program's file cannot be written to
  renameSync(draft, finished)
}

function description(file) {
  const program = readFileSync(file)
  return { sha256: createHash('sha256').update(program).digest('hex'), bytes: program.length }
}
