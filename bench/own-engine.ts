/** A Docker Engine of one's own, for benchmarks and tests: daemon, data, socket and containers lie in one folder, and end with it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The host's id of root in a container with a user namespace. */
export const REMAPPED_BASE = 300_000
const RUNSC = '/usr/bin/runsc'
let made = 0

export interface OwnEngineOptions {
  /** its containers have a user namespace */
  readonly remapped?: boolean
  /** a program that it finds in the place of the host's runc */
  readonly runc?: string
  /** its runsc starts on any kernel, see `#withCover` */
  readonly sentries?: boolean
  /** by which words it starts runsc */
  readonly runsc?: readonly string[]
}

export class OwnEngine {
  readonly folder: string
  readonly socket: string
  readonly #cgroup: string
  readonly #options: OwnEngineOptions
  #daemon: ChildProcess | null = null

  /** Nothing runs until {@link up}. `folder`: an empty one, which goes with {@link end}. */
  constructor(folder: string, options: OwnEngineOptions = {}) {
    this.folder = folder
    this.socket = join(folder, 'socket')
    this.#cgroup = `/glovebox-engine-${process.pid}${made++ === 0 ? '' : `-${made}`}`
    this.#options = options
  }

  /** Why this machine can't have one; `null`: it can. */
  static lack(): string | null {
    if (process.geteuid?.() !== 0) return 'dockerd takes root'
    return existsSync('/usr/sbin/dockerd') ? null : 'dockerd is not installed (apt-get install docker.io)'
  }

  /** Control groups of containers, in any hierarchy. */
  groupsLeft(): string[] {
    const found = spawnSync('find', ['/sys/fs/cgroup', '-type', 'd', '-path', `*${this.#cgroup}/*`])
    return found.stdout.toString().split('\n').filter(Boolean)
  }

  /** What it said last. */
  lastWords(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8').trim().split('\n').at(-1) ?? ''
  }

  /** The daemon alone; containers that a killed one left are its business. */
  async up(): Promise<boolean> {
    const log = openSync(join(this.folder, 'log'), 'a')
    const at = (name: string) => join(this.folder, name)
    const args = [
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid')],
      ...['--host', `unix://${this.socket}`, '--cgroup-parent', this.#cgroup],
      ...['--iptables=false', '--ip6tables=false', '--bridge=none', '--shutdown-timeout=5'],
      ...this.#runtimes(),
    ]
    const env = { PATH: process.env.PATH, HOME: this.folder }
    const [program, ...rest] = this.#argv(args)
    const daemon = spawn(program, rest, { stdio: ['ignore', log, log], env })
    daemon.on('error', () => {})
    this.#daemon = daemon
    for (let tries = 0; tries < 600 && daemon.exitCode === null && daemon.signalCode === null; tries++) {
      if (await this.#answers()) return true
      await sleep(100)
    }
    return false
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const asked = request({ socketPath: this.socket, path: '/_ping' }, (response) => {
        response.resume()
        resolve(response.statusCode === 200)
      })
      asked.on('error', () => resolve(false))
      asked.end()
    })
  }

  #runtimes(): string[] {
    const { runsc = [] } = this.#options
    if (!existsSync(RUNSC)) return []
    if (runsc.length === 0) return ['--add-runtime', `runsc=${RUNSC}`]
    const file = join(this.folder, 'daemon.json')
    writeFileSync(file, JSON.stringify({ runtimes: { runsc: { path: RUNSC, runtimeArgs: runsc } } }))
    return ['--config-file', file]
  }

  #argv(args: readonly string[]): [string, ...string[]] {
    const { remapped = false, sentries = false, runc } = this.#options
    if (remapped) return this.#withIds(args)
    if (sentries) return this.#withCover(args)
    if (runc === undefined) return ['dockerd', ...args]
    const script = 'mount --bind "$0" "$(command -v runc)" && exec dockerd "$@"'
    return ['unshare', '--mount', 'sh', '-c', script, runc, ...args]
  }

  /**
   * Debian's runsc takes any network namespace for the host's own since Linux 6.10, by a file of /proc/sys/net: where that is covered it does not.
   * dockerd itself needs what is there, so it is covered for containerd alone, whom the engine's mounts have to reach.
   */
  #withCover(args: readonly string[]): [string, ...string[]] {
    const at = (name: string) => join(this.folder, name)
    writeFileSync(at('containerd.toml'), 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
    const script = `rm -f "$0/containerd.sock"
      unshare --mount --propagation slave sh -c 'mount -t tmpfs -o ro,mode=0555,size=4k none /proc/sys/net && exec setpriv --pdeathsig KILL containerd --config "$0/containerd.toml" --root "$0/containerd" --state "$0/state" --address "$0/containerd.sock"' "$0" &
      tries=0
      until [ -S "$0/containerd.sock" ] || [ $tries -gt 300 ]; do tries=$((tries+1)); sleep 0.1; done
      exec dockerd --containerd "$0/containerd.sock" "$@"`
    return ['unshare', '--mount', '--propagation', 'shared', 'sh', '-c', script, this.folder, ...args]
  }

  /** The ids that it gives out are in files that only it sees. */
  #withIds(args: readonly string[]): [string, ...string[]] {
    const file = join(this.folder, 'ids')
    writeFileSync(file, `nobody:${REMAPPED_BASE}:65536\nnogroup:${REMAPPED_BASE}:65536\n`)
    const script =
      'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec dockerd --userns-remap=nobody:nogroup "$@"'
    return ['unshare', '--mount', 'sh', '-c', script, file, ...args]
  }

  /** The daemon ends; by SIGTERM its containers with it. */
  async down(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon
    this.#daemon = null
    if (daemon === null || daemon.exitCode !== null || daemon.signalCode !== null) return
    const ended = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill(signal)
    await ended
    // containerd dies with it; where nobody waits for orphans its number stays, and the next one would wait for it in vain
    if (signal === 'SIGKILL')
      for (const file of ['pid', 'exec/containerd/containerd.pid'])
        rmSync(join(this.folder, file), { force: true })
  }

  /** Nothing of it is left. */
  async end(): Promise<void> {
    await this.down('SIGTERM')
    await this.#endRest()
    for (const mount of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
      const [, point = ''] = mount.split(' ')
      if (point.startsWith(`${this.folder}/`)) spawnSync('umount', ['-l', point])
    }
    for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
      const group = join('/sys/fs/cgroup', hierarchy, this.#cgroup)
      if (existsSync(group)) rmdirSync(group)
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** What outlived a killed dockerd: all that is in our cgroup, and whatever was started for this folder. */
  async #endRest(): Promise<void> {
    const below = `*${this.#cgroup}/*`
    const isOurs = (pid: string) => {
      try {
        // of the dead that nobody waits for it is empty
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(this.folder)
      } catch {
        return false
      }
    }
    const contained = () => {
      const found = spawnSync('find', ['/sys/fs/cgroup', '-path', below, '-name', 'cgroup.procs'])
      return found.stdout.toString().split('\n').filter(Boolean).flatMap(numbersIn)
    }
    // one that is starting a container makes groups for it until it is dead
    const left = () => [
      ...readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isOurs(pid)),
      ...contained(),
    ]
    for (let pids = left(); pids.length > 0; pids = left()) {
      for (const pid of new Set(pids)) kill(Number(pid))
      await sleep(50)
    }
    spawnSync('find', ['/sys/fs/cgroup', '-depth', '-type', 'd', '-path', below, '-delete'])
  }
}

/** That group may be gone meanwhile. */
function numbersIn(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** That one may be gone meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {}
}
