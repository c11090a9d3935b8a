/** Certificates for the hosts of tests, and clients in the namespace that ask them. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sharedFolder } from '../support/checkout.js'
import type { Namespace } from './namespace.js'

export interface Identity {
  readonly key: string
  readonly cert: string
}

/** An authority of a test's own, and certificates that it signs. */
export class TestAuthority {
  readonly #folder = sharedFolder()
  readonly pem: string
  /** where it is, readable by every user */
  readonly file = join(this.#folder, 'ca.pem')
  #count = 0

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
    )
    this.pem = this.#read('ca.pem')
  }

  /** `names`: as openssl spells them, `DNS:a.test`; empty: none but the common name */
  sign(names: readonly string[], { from = '', to = '', commonName = 'host' } = {}): Identity {
    const id = this.#count++
    const extension = names.length === 0 ? 'basicConstraints=CA:FALSE' : `subjectAltName=${names.join(',')}`
    writeFileSync(join(this.#folder, `${id}.ext`), extension)
    this.#openssl(
      'req',
      '-new',
      ...KEY,
      '-subj',
      `/CN=${commonName}`,
      '-keyout',
      `${id}.key`,
      '-out',
      `${id}.csr`,
    )
    // `x509 -req` takes no dates before OpenSSL 3.4, `ca` always did
    writeFileSync(join(this.#folder, 'index.txt'), '')
    writeFileSync(join(this.#folder, 'ca.cnf'), CA_CONFIG)
    const dates = from === '' ? ['-days', '2'] : ['-startdate', from, '-enddate', to]
    const files = [
      '-keyfile',
      'ca.key',
      '-cert',
      'ca.pem',
      '-extfile',
      `${id}.ext`,
      '-in',
      `${id}.csr`,
      '-out',
      `${id}.pem`,
    ]
    this.#openssl('ca', '-batch', '-config', 'ca.cnf', '-notext', ...dates, ...files)
    return { key: this.#read(`${id}.key`), cert: this.#read(`${id}.pem`) }
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: 'pipe' })
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8')
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const CA_CONFIG = `[ca]
default_ca = it
[it]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
email_in_dn = no
[any]
commonName = supplied
`

export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

export interface Answered {
  /** 0: there was none */
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>
  readonly error: string
}

interface Place {
  readonly port: number
  readonly ca: string
  readonly name?: string
}

/** Over one connection of HTTP/1.1, one after the other. */
export function askHttp1(
  job: Namespace,
  { port, ca, name = 'good.test' }: Place,
  requests: readonly Asked[],
) {
  return job.evaluate(
    async (require, port, ca, name, requests) => {
      const { Agent, request } = require('node:https') as typeof import('node:https')
      const agent = new Agent({ keepAlive: true, maxSockets: 1, ca, ALPNProtocols: ['http/1.1'] })
      const answers: Answered[] = []
      for (const { method = 'GET', path = '/', headers = {}, body } of requests)
        answers.push(
          await new Promise<Answered>((resolve) => {
            const nothing = { status: 0, headers: {}, body: '', trailers: {} }
            const asking = request(
              {
                agent,
                host: name,
                servername: name,
                port,
                method,
                path,
                headers: headers as Record<string, string>,
                timeout: 4000,
              },
              (answer) => {
                let text = ''
                const { statusCode: status = 0, headers: had } = answer
                const done = (error: string) =>
                  resolve({ status, headers: had, body: text, trailers: answer.trailers, error })
                answer.setEncoding('latin1')
                answer.on('data', (chunk: string) => {
                  text += chunk
                })
                answer.on('end', () => done(''))
                answer.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
              },
            )
            asking.on('timeout', () => asking.destroy(new Error('silent')))
            asking.on('error', (error: NodeJS.ErrnoException) =>
              resolve({ ...nothing, error: error.code ?? error.message }),
            )
            asking.end(body)
          }),
        )
      agent.destroy()
      return answers
    },
    port,
    ca,
    name,
    requests,
  )
}

/** As streams of one connection of HTTP/2, all at once. */
export function askHttp2(
  job: Namespace,
  { port, ca, name = 'good.test' }: Place,
  requests: readonly Asked[],
) {
  return job.evaluate(
    async (require, port, ca, name, requests) => {
      const { connect } = require('node:http2') as typeof import('node:http2')
      const session = connect(`https://${name}:${port}`, { ca })
      let broken = ''
      session.on('error', (error: NodeJS.ErrnoException) => {
        broken = error.code ?? error.message
      })
      const ask = ({ method = 'GET', path = '/', headers = {}, body }: Asked) =>
        new Promise<Answered>((resolve) => {
          const nothing = { status: 0, headers: {}, body: '', trailers: {} }
          if (session.destroyed) return resolve({ ...nothing, error: broken })
          const all = { ':method': method, ':path': path, ...headers }
          const stream = session.request(all as Record<string, string>, { endStream: body === undefined })
          let [status, text, error] = [0, '', '']
          let [had, trailers] = [{}, {}]
          stream.setEncoding('latin1')
          stream.setTimeout(4000, () => stream.close(8))
          stream.on('response', (fields) => {
            status = fields[':status'] ?? 0
            had = { ...fields }
          })
          stream.on('trailers', (fields) => {
            trailers = { ...fields }
          })
          stream.on('data', (chunk: string) => {
            text += chunk
          })
          stream.on('error', (failure: NodeJS.ErrnoException) => {
            error = failure.code ?? failure.message
          })
          stream.on('close', () =>
            resolve({
              status,
              headers: had,
              body: text,
              trailers,
              error: error || (stream.rstCode ? `reset ${stream.rstCode}` : status ? '' : broken || 'closed'),
            }),
          )
          if (body !== undefined) stream.end(body)
        })
      const answers = await Promise.all(requests.map(ask))
      session.destroy()
      return answers
    },
    port,
    ca,
    name,
    requests,
  )
}
