/** The architectures that Glovebox runs on, by Node's name for them, and the compiler for each, here or from elsewhere. */
import { spawnSync } from 'node:child_process'
import { Failure } from './checkout.mjs'

/** `debian`: its name for the architecture, in the names of packages. */
export const TARGETS = {
  x64: { triplet: 'x86_64-linux-gnu', debian: 'amd64' },
  arm64: { triplet: 'aarch64-linux-gnu', debian: 'arm64' },
}

export function hostArchitecture() {
  if (Object.hasOwn(TARGETS, process.arch)) return process.arch
  throw new Failure(
    `Glovebox runs on ${Object.keys(TARGETS).join(' and ')} only; this machine is ${process.arch}.`,
  )
}

export const compilerFor = (arch) => (arch === process.arch ? 'gcc' : `${TARGETS[arch].triplet}-gcc`)

/** Debian's packages that compile for `arch` here: of a foreign one, the cross compiler and its C library. */
export function packagesFor(arch) {
  if (arch === process.arch) return ['gcc', 'libc6-dev', 'linux-libc-dev']
  const { triplet, debian } = TARGETS[arch]
  const compiler = `gcc-${triplet.replaceAll('_', '-')}`
  return [compiler, `libc6-dev-${debian}-cross`, `linux-libc-dev-${debian}-cross`]
}

export const howToGet = (arch) =>
  arch === process.arch ? 'Run npm run setup.' : 'Run npm run setup -- --for package.'

/** What decides the bytes beside the sources: compiler, linker, C library and headers with versions; `null`: no compiler. */
export function toolsFor(arch) {
  const compiler = firstLine(compilerFor(arch), '--version')
  if (compiler === null) return null
  const linker = firstLine(compilerFor(arch), '-print-prog-name=ld')
  const [, ...libraries] = packagesFor(arch)
  return [compiler, firstLine(linker, '--version'), ...libraries.map(versionOf)].filter(
    (tool) => tool !== null,
  )
}

function versionOf(name) {
  return firstLine('dpkg-query', '--show', name)?.replace(/(:\w+)?\t/, ' ') ?? null
}

function firstLine(program, ...args) {
  const { status, stdout } = spawnSync(program ?? '', args, {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
  return status === 0 ? stdout.split('\n', 1)[0] : null
}
