/**
 * What each boundary stands on, started bare, as its own user would: once with its own defaults and no more of the host than /usr, and once on
 * the same mounts as the boundary has. Neither has limits, a filter beyond the program's own, a user of its own, or a first process before the command.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parsePolicy } from '../../src/index.js'
import type { BoundaryName } from '../../src/policy/index.js'
import { explainPlan } from '../../src/sandbox/index.js'
import { process_, sameMounts, type Way } from './ways.js'

export const COMMAND = '/usr/bin/true'
const IMAGE = 'glovebox-bench'
/** As `runc spec` has it; runsc is told the same. */
const SPEC = ['runc', 'spec', '--bundle']

/** The first is what the goals are held to: the same mounts. Empty: what it stands on is not here to be started bare. */
export function bareWays(boundary: BoundaryName, folder: string): readonly Way[] {
  switch (boundary) {
    case 'process': {
      const { words } = explainPlan(parsePolicy({ version: 1, boundary }))
      const argv = ['/usr/bin/bwrap', ...sameMounts(words, join(folder, boundary)), '--', COMMAND]
      return [{ name: 'bwrap, the same mounts', once: process_(argv), argv }]
    }
    case 'runc':
      return twoBundles('runc', join(folder, boundary), shownBy(boundary), (bundle, id) => [
        ...['runc', 'run', '--bundle', bundle, id],
      ])
    case 'gvisor': {
      const flags = [`--root=${join(folder, 'runsc-state')}`, '--network=none', '--ignore-cgroups']
      return twoBundles('runsc', join(folder, boundary), shownBy('runc'), (bundle, id) => [
        ...['runsc', ...flags, 'run', '--bundle', bundle, id],
      ])
    }
    case 'docker':
      return dockerWays(join(folder, boundary), [])
    case 'docker+runsc':
      return dockerWays(join(folder, boundary), ['--runtime', 'runsc'])
    case 'microvm':
      return []
  }
}

/** What the boundary shows of the host, each at its own path, and where it has scratch. */
interface ShownHere {
  readonly host: readonly string[]
  readonly scratch: readonly string[]
}

const KERNEL = ['/proc', '/dev', '/sys', '/dev/pts']

/** Of the very words that the boundary is told. */
function shownBy(boundary: 'runc' | 'docker'): ShownHere {
  const { words, plan } = explainPlan(parsePolicy({ version: 1, boundary }))
  const told = JSON.parse(words.join('\n'))
  const mounts: readonly { from: string; to: string }[] = (told.mounts ?? told.HostConfig.Mounts).map(
    (each: Record<string, string>) => ({
      from: each.source ?? each.Source ?? '',
      to: each.destination ?? each.Target ?? '',
    }),
  )
  return {
    host: mounts.filter(({ from, to }) => from === to && !KERNEL.includes(to)).map(({ to }) => to),
    scratch: plan.files.scratch.places,
  }
}

function twoBundles(
  program: string,
  folder: string,
  shown: ShownHere,
  argv: (bundle: string, id: string) => readonly string[],
): readonly Way[] {
  const way = (name: string, bundle: string) => numbered(`${program} run, ${name}`, (id) => argv(bundle, id))
  return [
    way('the same mounts', bundleIn(join(folder, 'same'), shown)),
    way('its own defaults', bundleIn(join(folder, 'own'), { host: ['/usr'], scratch: [] })),
  ]
}

/** A container that stays, and one command more in it: what reuse costs there. */
export interface Exec extends Way {
  end(): void
}

const ASLEEP = ['/usr/bin/sleep', 'infinity']

/** `null`: not of a program that is started bare. */
export function execWay(boundary: 'runc' | 'gvisor', folder: string): Exec {
  const program = boundary === 'runc' ? 'runc' : 'runsc'
  const state = `--root=${join(folder, `${program}-exec`)}`
  const flags = boundary === 'runc' ? [state] : [state, '--network=none', '--ignore-cgroups']
  const bundle = bundleIn(join(folder, `${boundary}-exec`), shownBy('runc'), ASLEEP)
  const id = `glovebox-bench-exec-${process.pid}`
  const call = (...words: string[]) => execFileSync(program, [...flags, ...words], { stdio: 'ignore' })
  call('run', '--detach', '--bundle', bundle, id)
  return {
    name: `${program} exec`,
    once: process_([program, ...flags, 'exec', id, COMMAND]),
    end: () => call('delete', '--force', id),
  }
}

let count = 0

/** `id`: of a container that no other has. */
function numbered(name: string, argv: (id: string) => readonly string[]): Way {
  return { name, once: () => process_(argv(`glovebox-bench-${process.pid}-${count++}`))() }
}

function bundleIn(folder: string, { host, scratch }: ShownHere, argv: readonly string[] = [COMMAND]): string {
  rootIn(join(folder, 'rootfs'), { host, scratch })
  const [program = '', ...args] = SPEC
  execFileSync(program, [...args, folder])
  const file = join(folder, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  config.process.terminal = false
  config.process.args = argv
  for (const path of host)
    config.mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] })
  for (const path of scratch)
    config.mounts.push({ destination: path, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] })
  writeFileSync(file, JSON.stringify(config))
  return folder
}

/** A root of places to mount on. */
function rootIn(root: string, { host, scratch }: ShownHere): void {
  for (const path of ['/usr', '/etc', ...scratch, ...KERNEL]) mkdirSync(join(root, path), { recursive: true })
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
  for (const path of host) {
    const place = join(root, path)
    mkdirSync(statSync(path).isDirectory() ? place : dirname(place), { recursive: true })
    if (!statSync(path).isDirectory()) writeFileSync(place, '')
  }
}

/** `words`: beyond those of every `docker run`. */
function dockerWays(folder: string, words: readonly string[]): readonly Way[] {
  const shown = shownBy('docker')
  const root = join(folder, 'rootfs')
  rootIn(root, shown)
  if (!imported(IMAGE, root)) return []
  const binds = shown.host.flatMap((path) => ['--mount', `type=bind,src=${path},dst=${path},readonly`])
  const scratch = shown.scratch.filter((path) => path !== '/dev/shm').flatMap((path) => ['--tmpfs', path])
  const run = ['docker', 'run', '--rm', '--network', 'none', ...words]
  const name = ['docker run --network none', ...words].join(' ')
  const usr = ['--mount', 'type=bind,src=/usr,dst=/usr,readonly']
  return [
    numbered(`${name}, the same mounts`, (id) => [
      ...[...run, '--name', id, ...binds, ...scratch, IMAGE, COMMAND],
    ]),
    numbered(`${name}, its own defaults`, (id) => [...run, '--name', id, ...usr, IMAGE, COMMAND]),
  ]
}

function imported(name: string, root: string): boolean {
  const tar = spawnSync('tar', ['--create', '--file=-', `--directory=${root}`, '.'], { maxBuffer: 1 << 26 })
  const made = spawnSync('docker', ['import', '-', name], {
    input: tar.stdout,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  return tar.status === 0 && made.status === 0
}
