/**
 * An S3-compatible host that serves nobody whose signature does not hold. It verifies with the library that the SDKs of AWS sign with,
 * chunks by the formula of AWS's documentation, and stores in memory. A server with the same checks that is maintained is in neither npm
 * nor Debian.
 */
import { createHash, createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Arrived } from './hosts.js'

export interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
}

export interface S3Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Buffer
}

/** What a request is refused for; the sentence goes to whoever asked, and holds nothing that is secret. */
class Refused extends Error {}

const must = (holds: boolean, why: string): void => {
  if (!holds) throw new Refused(why)
}

export class S3Host {
  readonly #objects = new Map<string, Buffer>()
  readonly #uploads = new Map<string, Map<number, Buffer>>()
  readonly #keys: S3Keys
  readonly #region: string
  /** kinds of payload that came, each once */
  readonly payloads = new Set<string>()

  constructor(keys: S3Keys, region: string) {
    this.#keys = keys
    this.#region = region
  }

  async answer(arrived: Arrived): Promise<S3Answer> {
    try {
      const signed = await this.#verified(arrived)
      return this.#serve(arrived, payload(arrived, signed))
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const body = `<Error><Code>SignatureDoesNotMatch</Code><Message>${error.message}</Message></Error>`
      return { status: 403, headers: { 'content-type': 'application/xml' }, body }
    }
  }

  async #verified(arrived: Arrived): Promise<Signed> {
    const line =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
    const found = line.exec(arrived.headers.authorization ?? '')
    must(found !== null, 'not signed in its head')
    const [, id = '', day = '', region = '', service = '', names = '', signature = ''] = found ?? []
    const header = (name: string) => String(arrived.headers[name] ?? '')
    const at = header('x-amz-date')
    const [year, month, date, hour, minute, second] = (
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(at) ?? []
    )
      .slice(1)
      .map(Number) as number[]
    const when = Date.UTC(year ?? 0, (month ?? 1) - 1, date ?? 0, hour ?? 0, minute ?? 0, second ?? 0)
    must(Math.abs(Date.now() - when) < 300_000, 'signed at another time')
    must(at.startsWith(day), 'signed for another day')
    must(id === this.#keys.accessKeyId, 'another access key')
    must(region === this.#region && service === 's3', 'another region or service')
    must(header('x-amz-security-token') === this.#keys.sessionToken, 'another session')
    const signedNames = names.split(';')
    const wanted = ['host', ...Object.keys(arrived.headers).filter((name) => name.startsWith('x-amz-'))]
    must(
      wanted.every((name) => signedNames.includes(name)),
      'a header is not signed',
    )
    const expected = await this.#expected(arrived, signedNames, new Date(when))
    must(expected.endsWith(`Signature=${signature}`), 'another signature')
    this.payloads.add(header('x-amz-content-sha256').replace(/^[0-9a-f]{64}$/, 'SHA-256'))
    return { signature, at, scope: `${day}/${region}/${service}/aws4_request`, key: this.#key(day) }
  }

  async #expected(arrived: Arrived, names: readonly string[], signingDate: Date): Promise<string> {
    const { accessKeyId, secretAccessKey } = this.#keys
    const signer = new SignatureV4({
      credentials: { accessKeyId, secretAccessKey },
      region: this.#region,
      service: 's3',
      sha256: Hash as never,
      uriEscapePath: false,
      applyChecksum: false,
    })
    const { pathname, searchParams } = new URL(arrived.url, 'https://any.test')
    const query: Record<string, string[]> = {}
    for (const [key, value] of searchParams) query[key] = [...(query[key] ?? []), value]
    const header = (name: string) => (name === 'host' ? arrived.host : String(arrived.headers[name] ?? ''))
    const request = {
      method: arrived.method,
      protocol: 'https:',
      hostname: 'any.test',
      path: pathname,
      query,
      headers: Object.fromEntries(names.map((name) => [name, header(name)])),
    }
    const signed = await signer.sign(request as never, {
      signingDate,
      signableHeaders: new Set(names),
      unsignableHeaders: new Set<string>(),
    })
    return (signed as unknown as { headers: Record<string, string> }).headers.authorization ?? ''
  }

  #key(day: string): Buffer {
    const first = Buffer.from(`AWS4${this.#keys.secretAccessKey}`)
    return [day, this.#region, 's3', 'aws4_request'].reduce(hmac, first)
  }

  #serve({ method, url }: Arrived, body: Buffer): S3Answer {
    const { pathname: spelled, searchParams } = new URL(url, 'https://any.test')
    const pathname = decodeURIComponent(spelled)
    const xml = (text: string) => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: text,
    })
    const etag = { etag: `"${createHash('md5').update(body).digest('hex')}"` }
    const upload = searchParams.get('uploadId')
    if (method === 'POST' && searchParams.has('uploads')) {
      this.#uploads.set(pathname, new Map())
      return xml(
        `<InitiateMultipartUploadResult><UploadId>up${pathname.length}</UploadId></InitiateMultipartUploadResult>`,
      )
    }
    if (method === 'PUT' && upload !== null) {
      this.#uploads.get(pathname)?.set(Number(searchParams.get('partNumber')), body)
      return { status: 200, headers: etag, body: '' }
    }
    if (method === 'POST' && upload !== null) {
      const parts = [...(this.#uploads.get(pathname) ?? [])].sort(([a], [b]) => a - b)
      this.#objects.set(pathname, Buffer.concat(parts.map(([, part]) => part)))
      return xml('<CompleteMultipartUploadResult><ETag>"all"</ETag></CompleteMultipartUploadResult>')
    }
    if (method === 'PUT') {
      this.#objects.set(pathname, body)
      return { status: 200, headers: etag, body: '' }
    }
    if (method === 'DELETE') return { status: this.#objects.delete(pathname) ? 204 : 404, body: '' }
    if (searchParams.has('list-type')) {
      const prefix = `${pathname.replace(/\/$/, '')}/${searchParams.get('prefix') ?? ''}`
      const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix))
      const contents = keys.map(
        (key) => `<Contents><Key>${key.split('/').slice(2).join('/')}</Key></Contents>`,
      )
      return xml(
        `<ListBucketResult><KeyCount>${keys.length}</KeyCount>${contents.join('')}</ListBucketResult>`,
      )
    }
    const object = this.#objects.get(pathname)
    return object === undefined
      ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
      : { status: 200, body: object }
  }
}

interface Signed {
  readonly signature: string
  readonly at: string
  readonly scope: string
  readonly key: Buffer
}

/** The body as it was before it was sent, once its hash, or each of its chunks, holds. */
function payload({ headers, body }: Arrived, signed: Signed): Buffer {
  const said = String(headers['x-amz-content-sha256'] ?? '')
  if (said === 'UNSIGNED-PAYLOAD') return body
  if (!said.startsWith('STREAMING-')) {
    must(said === sha256(body), 'another body')
    return body
  }
  const { data, trailers } = chunks(
    body,
    said.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD') ? signed : null,
  )
  must(data.length === Number(headers['x-amz-decoded-content-length']), 'another length')
  if (said.endsWith('-TRAILER')) {
    const named = String(headers['x-amz-trailer'] ?? '')
    must(named !== '' && named in trailers, 'no trailer')
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(data))
    if (named === 'x-amz-checksum-crc32') must(trailers[named] === sum.toString('base64'), 'another checksum')
  }
  return data
}

function chunks(body: Buffer, signed: Signed | null) {
  const pieces: Buffer[] = []
  let previous = signed?.signature ?? ''
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    must(end !== -1, 'a chunk that ends nowhere')
    const [size = '', extension = ''] = body.toString('latin1', at, end).split(';')
    const length = Number.parseInt(size, 16)
    const data = body.subarray(end + 2, end + 2 + length)
    if (signed !== null) {
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', signed.at, signed.scope, previous, sha256(''), sha256(data)]
      previous = hmac(signed.key, text.join('\n')).toString('hex')
      must(extension === `chunk-signature=${previous}`, 'another signature of a chunk')
    }
    if (length === 0) {
      const lines = body
        .toString('latin1', end + 2)
        .split('\r\n')
        .filter((line) => line !== '')
      return {
        data: Buffer.concat(pieces),
        trailers: Object.fromEntries(lines.map((line) => line.split(':'))),
      }
    }
    pieces.push(data)
    at = end + 2 + length + 2
  }
}

const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('hex')
const hmac = (key: Buffer, data: string) => createHmac('sha256', key).update(data).digest()

class Hash {
  readonly #hash
  constructor(secret?: Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data)
  }
  async digest() {
    return Uint8Array.from(this.#hash.digest())
  }
  reset() {}
}
