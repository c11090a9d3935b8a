/** What is in the package, all of it: nothing that was not meant to be, nothing that nobody can read. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { ROOT } from '../support/checkout.js'
import { NO_PACKAGE, packages } from '../support/package.js'

const below = (folder: string, wanted: (file: string) => boolean) =>
  readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)))
    .filter(wanted)

const MADE = [
  'dist/cli/LICENSES.txt',
  'dist/cli/build.cjs',
  'dist/cli/certificate.cjs',
  'dist/cli/credentials.cjs',
  'dist/cli/docker-launch.cjs',
  'dist/cli/docker-room.cjs',
  'dist/cli/doctor.cjs',
  'dist/cli/engine.cjs',
  'dist/cli/explain.cjs',
  'dist/cli/image.cjs',
  'dist/cli/machine-launch.cjs',
  'dist/cli/main.cjs',
  'dist/cli/shared.cjs',
  'dist/cli/tldts.cjs',
  'dist/cli/verify.cjs',
  'dist/cli/yaml.cjs',
  'dist/cli/zod.cjs',
  'dist/gateway/LICENSES.txt',
  'dist/gateway/main.cjs',
  'dist/native/LICENSES.txt',
  'dist/native/arm64/agent',
  'dist/native/arm64/cell',
  'dist/native/arm64/guest',
  'dist/native/arm64/probe',
  'dist/native/arm64/vmm',
  'dist/native/arm64/vmm-memory',
  'dist/native/manifest.json',
  'dist/native/x64/agent',
  'dist/native/x64/cell',
  'dist/native/x64/guest',
  'dist/native/x64/probe',
  'dist/native/x64/vmm',
  'dist/native/x64/vmm-memory',
]
const WRITTEN = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'bin/gateway.cjs',
  'bin/glovebox',
  'bin/package.json',
  'package.json',
  'scripts/build.mjs',
]

describe('the package', { skip: NO_PACKAGE }, () => {
  test('holds exactly this: the library, the command line, the programs with their sources, the documents', () => {
    const library = below('src', (file) => file.endsWith('.ts') && !file.startsWith('src/cli/')).flatMap(
      (file) => ['.js', '.d.ts'].map((ending) => `dist/${file.replace(/\.ts$/, ending)}`),
    )
    const sources = below('native', (file) => !/^native\/(test-syscalls|mutable)\//.test(file))
    const others = ['docs', 'etc', 'include', 'policies', 'scripts/build'].flatMap((folder) =>
      below(folder, () => true),
    )
    assert.deepEqual(packages().files, [...MADE, ...WRITTEN, ...library, ...sources, ...others].sort())
  })

  test('is a download of less than 6 MB', () => {
    const { packedBytes, unpackedBytes } = packages()
    assert.ok(packedBytes < 6e6 && unpackedBytes < 15e6, `${packedBytes} packed, ${unpackedBytes} unpacked`)
  })

  test('nothing in it runs when it is installed', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    for (const event of ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'])
      assert.equal(scripts[event], undefined, event)
    assert.ok(!existsSync(join(ROOT, 'binding.gyp')), 'npm would compile it')
  })

  test('the manifest names every program, with its hash, its size and what it was made with', () => {
    packages()
    const native = join(ROOT, 'dist/native')
    const manifest = JSON.parse(readFileSync(join(native, 'manifest.json'), 'utf8'))
    assert.deepEqual(Object.keys(manifest), ['x64', 'arm64'])
    for (const [arch, { madeWith, ...programs }] of Object.entries<Record<string, unknown>>(manifest)) {
      assert.match(String(madeWith), /gcc.*GNU ld/)
      const described = ['cell', 'agent', 'guest', 'probe', 'vmm', 'vmm-memory'].map((name) => {
        const content = readFileSync(join(native, arch, name))
        return [name, { sha256: createHash('sha256').update(content).digest('hex'), bytes: content.length }]
      })
      assert.deepEqual(programs, Object.fromEntries(described))
    }
  })

  test('the programs need nothing of the machine that they come to: no loader, no library', () => {
    packages()
    const machines = { x64: 0x3e, arm64: 0xb7 }
    for (const [arch, machine] of Object.entries(machines))
      for (const name of ['cell', 'agent', 'guest', 'probe', 'vmm', 'vmm-memory']) {
        const program = readFileSync(join(ROOT, 'dist/native', arch, name))
        assert.equal(program.readUInt32BE(0), 0x7f454c46, 'ELF')
        assert.equal(program.readUInt16LE(18), machine, `${arch}/${name} is for another machine`)
        const [start, count] = [Number(program.readBigUInt64LE(32)), program.readUInt16LE(56)]
        const kinds = Array.from({ length: count }, (_, each) => program.readUInt32LE(start + 56 * each))
        assert.ok(!kinds.includes(3), `${arch}/${name} asks for a loader (PT_INTERP)`)
      }
  })

  test('whoever gets it gets the licenses of all that is in it', () => {
    packages()
    const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
    assert.match(read('LICENSE'), /Apache License/)
    assert.match(read('dist/cli/LICENSES.txt'), /^yaml [\d.]+ \(ISC\)[\s\S]*^zod [\d.]+ \(MIT\)/m)
    assert.match(read('dist/gateway/LICENSES.txt'), /^ipaddr\.js [\d.]+ \(MIT\)/m)
    assert.match(read('dist/native/LICENSES.txt'), /GNU C Library[\s\S]*GNU LESSER GENERAL PUBLIC LICENSE/)
  })
})
