/** A Docker of a test's own: its data, socket and containers lie in one folder, and end with the test file. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hostImage } from './host-image.js'
import { type Finished, finished } from './spawned.js'

const IMAGE = 'glovebox-test'
const CGROUP = `/glovebox-test-${process.pid}`

export class Docker {
  readonly #daemon: ChildProcess
  readonly #client: readonly string[]
  readonly #folder: string

  private constructor(folder: string) {
    const log = openSync(join(folder, 'log'), 'w')
    const place = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')]
    const socket = `unix://${join(folder, 'socket')}`
    const alone = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--cgroup-parent', CGROUP]
    this.#folder = folder
    this.#client = ['docker', '--host', socket]
    this.#daemon = spawn(
      'dockerd',
      [...place, '--host', socket, '--pidfile', join(folder, 'pid'), ...alone],
      { stdio: ['ignore', log, log], env: { PATH: process.env.PATH, HOME: folder } },
    )
    this.#daemon.on('error', () => {})
  }

  /** One that answers and has an image of this host's programs; or why there is none. */
  static async start(folder: string): Promise<Docker | string> {
    if (process.geteuid?.() !== 0) return 'dockerd takes root'
    if (!existsSync('/usr/sbin/dockerd')) return 'dockerd is not installed (apt-get install docker.io)'
    const docker = new Docker(folder)
    for (let tries = 0; tries < 300 && docker.#daemon.exitCode === null; tries++) {
      if ((await docker.#call(['version'])).status === 0) return docker.#import()
      await sleep(100)
    }
    const log = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').at(-1)
    await docker.stop()
    return `dockerd does not start here: ${log}`
  }

  /** A container of that image, without a network, gone when its command has ended. */
  run(flags: readonly string[], argv: readonly string[]): Promise<Finished> {
    return this.#call(['run', '--rm', '--network', 'none', ...flags, IMAGE, ...argv])
  }

  /** The engine's major version. */
  async version(): Promise<number> {
    return Number.parseInt((await this.#call(['version', '--format', '{{.Server.Version}}'])).stdout, 10)
  }

  /** A container's first process; 0 while there is none. */
  async pid(name: string): Promise<number> {
    return Number((await this.#call(['inspect', '--format', '{{.State.Pid}}', name])).stdout)
  }

  kill(name: string): Promise<Finished> {
    return this.#call(['kill', name])
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#daemon.once('exit', resolve))
    if (this.#daemon.exitCode === null && this.#daemon.kill()) await ended
    for (const mount of readFileSync('/proc/self/mounts', 'utf8').split('\n').reverse()) {
      const [, point = ''] = mount.split(' ')
      if (point.startsWith(`${this.#folder}/`)) spawnSync('umount', ['-l', point])
    }
    for (const hierarchy of ['', ...readdirSync('/sys/fs/cgroup')]) {
      const group = join('/sys/fs/cgroup', hierarchy, CGROUP)
      if (existsSync(group)) rmdirSync(group)
    }
  }

  async #import(): Promise<Docker | string> {
    const root = join(this.#folder, 'image')
    mkdirSync(root)
    hostImage(root)
    const script = `tar -C ${root} -c . | ${this.#client.join(' ')} import - ${IMAGE}`
    const { status, stderr } = await finished(['sh', '-c', script])
    if (status === 0) return this
    await this.stop()
    return `the image can't be imported: ${stderr.trim()}`
  }

  #call(args: readonly string[]): Promise<Finished> {
    return finished([...this.#client, ...args], { cwd: '/', timeout: 120_000 })
  }
}
