/** The ways to start `/bin/true` that are compared: what Glovebox does, what it stands on, and its peers. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { explainPlan } from '../../src/sandbox/index.js'

export interface Way {
  readonly name: string
  readonly once: () => Promise<unknown>
  /** what has to be there before, for each; it is not timed */
  readonly ready?: () => Promise<unknown>
  /** the same as a command of its own, for its peak memory; absent where there is none */
  readonly argv?: readonly string[]
}

export interface Bench {
  readonly glovebox: Glovebox
  readonly library: readonly Way[]
  /** without NODE_EXTRA_CA_CERTS */
  readonly commandLine: readonly Way[]
  /** with it, naming this host's certificates; empty where there are none */
  readonly withExtraCertificates: readonly Way[]
  readonly peers: readonly Way[]
  /** peers that this machine does not have */
  readonly absent: readonly string[]
  close(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../../..')
const COMMAND = '/bin/true'
/** Debian's bundle, which many companies' machines name in NODE_EXTRA_CA_CERTS. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** One process, from spawn to the close of its streams: three pipes each, as `run` has them. */
export function process_(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): () => Promise<void> {
  const [program = '', ...args] = argv
  return () =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
      let said = ''
      child.stderr.on('data', (chunk) => {
        said += chunk
      })
      child.stdout.resume()
      child.stdin.end()
      child.on('error', reject)
      child.on('close', (code) =>
        code === 0 ? resolve() : reject(new Error(`${program}: ${code}: ${said}`)),
      )
    })
}

export async function prepare(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const waive = explainPlan(parsePolicy({ version: 1 })).plan.claims.flatMap(({ id, status }) =>
    status === 'impossible' ? [id] : [],
  )
  const document = { version: 1, ...(waive.length > 0 ? { waive } : {}) }
  const policy = parsePolicy(document)
  const bwrap = ['/usr/bin/bwrap', ...sameMounts(explainPlan(policy).words, folder), '--', COMMAND]
  const json = join(folder, 'policy.json')
  const yaml = join(folder, 'policy.yaml')
  writeFileSync(json, JSON.stringify(document))
  writeFileSync(yaml, `version: 1\n${waive.length > 0 ? `waive: [${waive.join(', ')}]\n` : ''}`)
  const nodeBwrap = `require('child_process').spawn(${JSON.stringify(bwrap[0])},${JSON.stringify(bwrap.slice(1))},{stdio:'inherit'}).on('exit',process.exit)`
  const cli = join(ROOT, 'bin/glovebox')
  const asCommand = (name: string, argv: readonly string[]): Way => ({ name, once: process_(argv), argv })
  const commandLine = [
    asCommand('node -e 0', ['node', '-e', '0']),
    asCommand('node -e, spawning that bubblewrap', ['node', '-e', nodeBwrap]),
    asCommand('glovebox run, flags', [cli, 'run', ...waive.flatMap((id) => ['--waive', id]), '--', COMMAND]),
    asCommand('glovebox run, JSON policy', [cli, 'run', '--policy', json, '--', COMMAND]),
    asCommand('glovebox run, YAML policy', [cli, 'run', '--policy', yaml, '--', COMMAND]),
  ]
  const { NODE_EXTRA_CA_CERTS: _, ...plain } = process.env
  const inEnvironment = (env: NodeJS.ProcessEnv): Way[] =>
    commandLine.map((way) => ({ ...way, once: process_(way.argv ?? [], env) }))
  const glovebox = await Glovebox.start()
  const { peers, absent } = peerWays(folder)
  return {
    glovebox,
    library: [
      asCommand('bare spawn', [COMMAND]),
      asCommand('bubblewrap, the same mounts', bwrap),
      { name: 'Glovebox run()', once: () => glovebox.run(policy, [COMMAND]) },
    ],
    commandLine: inEnvironment(plain),
    withExtraCertificates: existsSync(CERTIFICATES)
      ? inEnvironment({ ...plain, NODE_EXTRA_CA_CERTS: CERTIFICATES })
      : [],
    peers,
    absent,
    async close() {
      await glovebox.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** What the plan tells bubblewrap, with plain folders for what cell stages, and without its descriptors. */
export function sameMounts(words: readonly string[], folder: string): string[] {
  const made: string[] = ['--unshare-net']
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--seccomp' || word === '--info-fd') at++
    else if (word === '--bind' && words[at + 1] === '/sys/e') {
      made.push('--tmpfs', '/etc')
      at += 2
    } else if (word.startsWith('/sys/s/')) {
      const place = join(folder, word.slice('/sys/s/'.length))
      mkdirSync(place, { recursive: true })
      made.push(place)
    } else made.push(word)
  }
  return made
}

function peerWays(folder: string): { peers: Way[]; absent: string[] } {
  const peers: Way[] = []
  const absent: string[] = []
  const offer = (name: string, argv: readonly string[] | null) => {
    const works =
      argv !== null &&
      spawnSync(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', timeout: 60_000 }).status === 0
    if (works) peers.push({ name, once: process_(argv), argv })
    else absent.push(name)
  }
  const found = (program: string) => {
    const place = ['/usr/bin', '/usr/sbin', '/usr/local/bin']
      .map((path) => join(path, program))
      .find(existsSync)
    return place ?? null
  }
  const nsjail = found('nsjail')
  offer(
    'nsjail, its own defaults',
    nsjail === null ? null : [nsjail, '-q', '-Mo', '--chroot', '/', '--', COMMAND],
  )
  const srt = existsSync(join(ROOT, 'node_modules/.bin/srt'))
    ? join(ROOT, 'node_modules/.bin/srt')
    : found('srt')
  offer('sandbox-runtime, command line', srt === null ? null : [srt, COMMAND])
  const runsc = found('runsc')
  offer(
    'runsc do (gVisor)',
    runsc === null
      ? null
      : [runsc, '--network=none', '--ignore-cgroups', `--root=${folder}/runsc`, 'do', COMMAND],
  )
  const docker = found('docker')
  const images =
    docker !== null && spawnSync(docker, ['images', '-q', 'glovebox-bench'], { encoding: 'utf8' })
  const image = images ? images.stdout.trim() : ''
  offer(
    'docker run --rm --network none',
    docker !== null && image !== '' ? [docker, 'run', '--rm', '--network', 'none', image, 'true'] : null,
  )
  return { peers, absent }
}
