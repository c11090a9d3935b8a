/** A network namespace as a job's is, without the sandbox around it: every address is local, and a few ports are listened on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, sharedFolder } from '../support/checkout.js'
import type { Finished } from '../support/spawned.js'

const SETUP = `
ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo || exit 9
mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && mount --bind "$3" /etc/nsswitch.conf || exit 8
shift 3; exec "$@"`

/** Why none can be made here; `false`: it can. */
export const NO_NAMESPACE: string | false = (() => {
  const tried = spawnSync('unshare', [
    '--user',
    '--map-root-user',
    '--net',
    '--mount',
    'ip',
    'link',
    'set',
    'lo',
    'up',
  ])
  return tried.status === 0
    ? false
    : 'unshare (util-linux), ip (iproute2) or user namespaces are not to be had'
})()

interface Reply {
  readonly number: number
  readonly value?: unknown
  readonly error?: string
}

export class Namespace {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (reply: Reply, handle: unknown) => void>()
  #next = 0
  readonly #up: Promise<void>

  constructor(resolver: string) {
    const folder = sharedFolder()
    const files = {
      'resolv.conf': `nameserver ${resolver}\noptions timeout:2 attempts:1\n`,
      hosts: '127.0.0.1 localhost\n::1 localhost\n',
      'nsswitch.conf': 'hosts: files dns\n',
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const paths = Object.keys(files).map((name) => join(folder, name))
    const node = [process.execPath, join(ROOT, 'dist/test/gateway/inside.js')]
    const namespaces = ['--user', '--map-root-user', '--net', '--mount', '--kill-child']
    this.#child = spawn('unshare', [...namespaces, 'sh', '-c', SETUP, 'sh', ...paths, ...node], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    })
    this.#up = new Promise((resolve, reject) => {
      this.#waiting.set(-1, () => resolve())
      this.#child.on('exit', (status) => reject(new Error(`the namespace ended: ${status}`)))
    })
    this.#child.on('message', (message, handle) => {
      const reply = message as Reply
      this.#waiting.get(reply.number)?.(reply, handle)
      this.#waiting.delete(reply.number)
    })
  }

  /** A listening socket for a port of every address; 0: any port. */
  async listen(port = 0): Promise<{ readonly port: number; readonly handle: object }> {
    const { value, handle } = await this.#ask({ what: 'listen', port })
    return { port: value as number, handle: handle as object }
  }

  async names(address: string): Promise<object> {
    return (await this.#ask({ what: 'names', address })).handle as object
  }

  async run(argv: readonly string[], input = '', timeoutMs = 20_000): Promise<Finished> {
    return (await this.#ask({ what: 'run', argv, input, timeoutMs })).value as Finished
  }

  /** Calls a function in there; it sees nothing of where it is written, and gives plain data. */
  async evaluate<Args extends readonly unknown[], Result>(
    code: (require: NodeJS.Require, ...args: Args) => Promise<Result> | Result,
    ...args: Args
  ): Promise<Result> {
    return (await this.#ask({ what: 'evaluate', code: code.toString(), args })).value as Result
  }

  close(): void {
    this.#child.removeAllListeners('exit')
    if (this.#child.connected) this.#child.disconnect()
    this.#child.kill('SIGKILL')
  }

  async #ask(asked: object): Promise<{ value: unknown; handle: unknown }> {
    await this.#up
    const number = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, ({ value, error }, handle) => {
        if (error === undefined) resolve({ value, handle })
        else reject(new Error(error))
      })
      this.#child.send({ number, ...asked })
    })
  }
}
