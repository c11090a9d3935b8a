/** Debian's docker-registry on loopback, with TLS of an authority of its own and one user, for one test. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const PROGRAM = '/usr/bin/docker-registry'

/** For the `skip` of a test. */
export const NO_REGISTRY =
  [PROGRAM, '/usr/bin/htpasswd', '/usr/bin/openssl', '/usr/bin/skopeo'].find((path) => !existsSync(path)) ??
  null

export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** for HOME: it knows the registry's authority, and with `login` its user */
  home(name: string, login: 'right' | 'wrong' | 'none'): string
  /** an OCI layout's image, as `NAME:TAG` */
  push(layout: string, reference: string, more?: readonly string[]): void
  stop(): Promise<void>
}

export async function registry(t: TestContext, folder: string): Promise<Registry> {
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const at = (name: string) => join(folder, name)
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=registry.test', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', at('key.pem'), '-out', at('ca.crt')],
    ],
    { stdio: 'ignore' },
  )
  writeFileSync(at('users'), execFileSync('htpasswd', ['-Bbn', 'someone', 'correct']))
  writeFileSync(
    at('registry.yaml'),
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: at('stored') }, redirect: { disable: true } },
      http: { addr: host, secret: 'test', tls: { certificate: at('ca.crt'), key: at('key.pem') } },
      auth: { htpasswd: { realm: 'test', path: at('users') } },
    }),
  )
  const child = spawn(PROGRAM, ['serve', at('registry.yaml')], { stdio: 'ignore', env: {} })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
  }
  t.after(stop)
  await reachable(port)
  return {
    host,
    home(name, login) {
      const home = at(name)
      const certificates = join(home, '.config/containers/certs.d', host)
      mkdirSync(certificates, { recursive: true, mode: 0o755 })
      execFileSync('cp', [at('ca.crt'), certificates])
      if (login !== 'none') {
        const auth = Buffer.from(`someone:${login === 'right' ? 'correct' : 'guessed'}`).toString('base64')
        mkdirSync(join(home, '.docker'), { mode: 0o755 })
        writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ auths: { [host]: { auth } } }), {
          mode: 0o644,
        })
      }
      return home
    },
    push(layout, reference, more = []) {
      const login = ['--dest-creds', 'someone:correct', '--dest-cert-dir', folder]
      execFileSync('skopeo', [
        '--insecure-policy',
        'copy',
        '--quiet',
        ...login,
        ...more,
        `oci:${layout}`,
        `docker://${host}/${reference}`,
      ])
    },
    stop,
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (there) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the registry did not come up')
}
