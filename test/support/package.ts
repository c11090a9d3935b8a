/** The package as npm makes it, and as it is installed elsewhere: without scripts, a network or a compiler. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { neededPackages, ROOT, sharedFolder } from './checkout.js'

const TOOLS = ['sh', 'env']

export interface Packed {
  /** tarballs, by the package's name */
  readonly tarballs: Readonly<Record<string, string>>
  /** paths in ours, sorted */
  readonly files: readonly string[]
  readonly unpackedBytes: number
  readonly packedBytes: number
}

/** Why none can be made here; `false`: it can. */
export const NO_PACKAGE: string | false = (() => {
  const compilers = ['x86_64-linux-gnu-gcc', 'aarch64-linux-gnu-gcc']
  const foreign = compilers[process.arch === 'x64' ? 1 : 0] ?? ''
  if (spawnSync(foreign, ['--version']).status !== 0) return `there is no ${foreign} here`
  return npmPrograms() === null ? 'npm is not installed' : false
})()

let packed: Packed | null = null

/** This checkout's, and those that it needs, so that no registry has to be asked. */
export function packages(): Packed {
  if (packed !== null) return packed
  const folder = sharedFolder()
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), 'native', 'package'], { stdio: 'pipe' })
  const said = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT, process.env)
  const [ours] = JSON.parse(said)
  const tarballs: Record<string, string> = { glovebox: join(folder, ours.filename) }
  for (const name of neededPackages()) {
    const file = join(folder, `${name.replace('/', '-')}.tgz`)
    const renamed = ['--transform', `s,^${name},package,`]
    execFileSync('tar', ['czf', file, '-C', join(ROOT, 'node_modules'), ...renamed, name])
    tarballs[name] = file
  }
  const files = ours.files.map(({ path }: { path: string }) => path).sort()
  packed = { tarballs, files, unpackedBytes: ours.unpackedSize, packedBytes: ours.size }
  return packed
}

/** A project in `folder` with the package as npm puts it there; `umask`: of whoever installs it. */
export function install(folder: string, umask = '022'): { readonly env: NodeJS.ProcessEnv } {
  const { tarballs } = packages()
  const dependencies = Object.fromEntries(
    Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`]),
  )
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, dependencies }),
  )
  const env = { PATH: bareTools(folder), HOME: folder, npm_config_cache: join(folder, '.npm') }
  npm(['install', '--ignore-scripts', '--offline', '--no-audit', '--no-fund'], folder, env, umask)
  return { env }
}

/** A PATH with Node, npm and a shell, and nothing that could compile. */
function bareTools(folder: string): string {
  const tools = join(folder, 'tools')
  mkdirSync(tools)
  const programs = { node: process.execPath, ...npmPrograms() }
  for (const [name, file] of Object.entries(programs)) symlinkSync(file, join(tools, name))
  for (const name of TOOLS) symlinkSync(`/bin/${name}`, join(tools, name))
  assert.deepEqual(readdirSync(tools).sort(), ['env', 'node', 'npm', 'npx', 'sh'])
  return tools
}

function npm(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv, umask = '022'): string {
  const program = npmPrograms()?.npm ?? assert.fail('npm is not installed')
  const script = `umask ${umask}; exec "$@"`
  return execFileSync('/bin/sh', ['-c', script, 'sh', process.execPath, program, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function npmPrograms(): { npm: string; npx: string } | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const [npm_, npx] = [join(folder, 'npm'), join(folder, 'npx')]
    if (existsSync(npm_) && existsSync(npx)) return { npm: realpathSync(npm_), npx: realpathSync(npx) }
  }
  return null
}
