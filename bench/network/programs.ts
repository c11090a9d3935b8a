/** The programs of the bench: its load, its host, and the proxies that are installed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

export type Running = ChildProcess
export const PROTOCOLS = ['tcp', 'tls', 'http'] as const
export type Ports = Readonly<Record<(typeof PROTOCOLS)[number], number>>

export interface ForwardProxy {
  readonly name: string
  readonly port: number
}

const SOURCES = join(import.meta.dirname, '../../../bench/network')

/** @returns the client's path */
export function compile(folder: string): string {
  for (const name of ['client', 'server'])
    execFileSync('gcc', ['-O2', '-pthread', '-o', join(folder, name), join(SOURCES, `${name}.c`)])
  execFileSync('chmod', ['0755', folder])
  return join(folder, 'client')
}

/** @returns where plain relays in Node listen, one for each of the servers */
export async function relays(ports: Ports, running: Running[]): Promise<Ports> {
  const script = join(SOURCES, 'relay.mjs')
  return listening(running, (protocol) => [process.execPath, script, `${ports[protocol]}`])
}

export function servers(folder: string, running: Running[]): Promise<Ports> {
  return listening(running, (protocol) => [join(folder, 'server'), protocol])
}

/** Starts one program for each protocol; each prints its port. */
async function listening(
  running: Running[],
  command: (protocol: keyof Ports) => readonly [string, ...string[]],
): Promise<Ports> {
  const ports = await Promise.all(
    PROTOCOLS.map(async (protocol) => {
      const [program, ...args] = command(protocol)
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      running.push(child)
      const said = await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve))
      return [protocol, Number(said.toString())] as const
    }),
  )
  return Object.fromEntries(ports) as unknown as Ports
}

/** Those that are installed, as plain forward proxies that keep and check nothing. */
export async function proxies(folder: string, running: Running[]): Promise<ForwardProxy[]> {
  const found: ForwardProxy[] = []
  for (const { name, program, config, argv } of KNOWN) {
    if (!existsSync(program)) {
      console.error(`bench: ${name} is not installed (apt-get install ${name}); it is left out.`)
      continue
    }
    const port = await freePort()
    const file = join(folder, `${name}.conf`)
    writeFileSync(file, config(port, folder))
    running.push(spawn(program, argv(file), { stdio: 'ignore', cwd: folder }))
    await answers(port)
    found.push({ name, port })
  }
  return found
}

const KNOWN = [
  {
    name: 'squid',
    program: '/usr/sbin/squid',
    argv: (file: string) => ['-N', '-f', file],
    config: (port: number, folder: string) =>
      [
        `http_port 127.0.0.1:${port}`,
        'http_access allow all',
        'cache deny all',
        'access_log none',
        'cache_log /dev/null',
        'pinger_enable off',
        'shutdown_lifetime 0 seconds',
        `pid_filename ${folder}/squid.pid`,
        `coredump_dir ${folder}`,
        '',
      ].join('\n'),
  },
  {
    name: 'tinyproxy',
    program: '/usr/bin/tinyproxy',
    argv: (file: string) => ['-d', '-c', file],
    config: (port: number) =>
      `Port ${port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 100\nLogLevel Critical\n`,
  },
]

export function stopAll(running: readonly Running[]): void {
  for (const each of running) each.kill('SIGKILL')
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const at = server.address()
      server.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0))
    })
  })
}

async function answers(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing answers on port ${port}`)
}
