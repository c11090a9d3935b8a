/** The small C programs → dist/native/{cell,agent}, static, stripped, the same bytes from the same sources. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Failure, filesBelow, fingerprint, root, stamp, writeWhole } from './checkout.mjs'

/** Each is native/NAME.c, native/NAME/**.c, or both. Any other C file directly in native/ or in native/common/ is linked into both. */
const PROGRAMS = ['cell', 'agent']

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

export async function buildNative() {
  const everything = filesBelow('native', (file) => /\.[ch]$/.test(file))
  const programs = PROGRAMS.map((name) => ({ name, sources: sourcesOf(name, everything) })).filter(
    ({ sources }) => sources.length > 0,
  )
  if (programs.length === 0) return 'absent'

  const inputs = fingerprint([...everything, 'scripts/build/native.mjs'], compilerVersion())
  const note = stamp('native')
  const complete = programs.every(({ name }) => existsSync(join(root, 'dist/native', name)))
  if (complete && note.says(inputs)) return 'fresh'

  mkdirSync(join(root, 'dist/native'), { recursive: true })
  const manifest = {}
  for (const { name, sources } of programs) manifest[name] = compile(name, sources)
  for (const name of PROGRAMS) {
    if (!(name in manifest)) rmSync(join(root, 'dist/native', name), { force: true })
  }
  writeWhole(join(root, 'dist/native/manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  note.write(inputs)
  return 'built'
}

function sourcesOf(name, everything) {
  const own = everything.filter((file) => file === `native/${name}.c` || inFolder(file, `native/${name}`))
  if (own.length === 0) return []
  const shared = everything.filter(
    (file) =>
      inFolder(file, 'native/common') ||
      (/^native\/[^/]+\.c$/.test(file) && !PROGRAMS.includes(basename(file, '.c'))),
  )
  return [...own, ...shared]
}

const inFolder = (file, folder) => file.startsWith(`${folder}/`) && file.endsWith('.c')

function compilerVersion() {
  try {
    return execFileSync('gcc', ['-dumpfullversion', '-dumpmachine'], { encoding: 'utf8' })
  } catch {
    throw new Failure('gcc is missing. Run npm run setup.')
  }
}

function compile(name, sources) {
  const finished = join(root, 'dist/native', name)
  const draft = `${finished}.${process.pid}.tmp`
  const gcc = spawnSync('gcc', [...FLAGS, '-Inative', '-o', draft, ...sources], {
    cwd: root,
    encoding: 'utf8',
  })
  if (gcc.status !== 0) {
    rmSync(draft, { force: true })
    throw new Failure(`native/${name} does not compile.\n${gcc.stderr}`)
  }
  const program = readFileSync(draft)
  // a rename, because a running program's file cannot be written to
  renameSync(draft, finished)
  return { sha256: createHash('sha256').update(program).digest('hex'), bytes: program.length }
}
