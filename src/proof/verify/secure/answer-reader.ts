/** Reads one answer of HTTP/1.1, to its end or as far as it comes. */
import type { Answer } from '../../probes/index.js'

const MAX_BYTES = 4 << 20
const HEAD_END = '\r\n\r\n'

interface Head {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** bytes; `chunked`; `null`: until it is closed */
  readonly length: number | 'chunked' | null
}

export class AnswerReader {
  readonly answer: Promise<Answer>
  #tell: (answer: Answer) => void = () => {}
  readonly #method: string
  #bytes: Buffer = Buffer.alloc(0)
  #head: Head | null = null

  constructor(method: string) {
    this.#method = method
    this.answer = new Promise((resolve) => {
      this.#tell = resolve
    })
  }

  push(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (this.#bytes.length > MAX_BYTES) {
      this.end('EMSGSIZE')
      return
    }
    while (this.#head === null) {
      const end = this.#bytes.indexOf(HEAD_END)
      if (end === -1) return
      const head = headOf(this.#bytes.toString('latin1', 0, end), this.#method)
      this.#bytes = this.#bytes.subarray(end + HEAD_END.length)
      // 1xx: others follow
      if (head.status < 100 || head.status > 199 || head.status === 101) this.#head = head
    }
    const { length } = this.#head
    const whole =
      length === 'chunked' ? unchunked(this.#bytes).whole : length !== null && this.#bytes.length >= length
    if (whole) this.#conclude(true, null)
  }

  /** `null`: it was closed in an orderly way */
  end(problem: string | null): void {
    this.#conclude(problem === null && this.#head?.length === null, problem)
  }

  #conclude(whole: boolean, problem: string | null): void {
    const { status = null, headers = [], length = null } = this.#head ?? {}
    const body = length === 'chunked' ? unchunked(this.#bytes).body : this.#bytes
    this.#tell({ status, headers, body, whole, problem: whole ? null : (problem ?? 'ECONNRESET') })
  }
}

function headOf(text: string, method: string): Head {
  const [first = '', ...lines] = text.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 0)
  const headers = lines.map((line) => {
    const at = line.indexOf(':')
    return [line.slice(0, at), line.slice(at + 1).trim()] as const
  })
  const of = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1]
  const length = of('content-length')
  if (method === 'HEAD' || status === 204 || status === 304 || status === 101)
    return { status, headers, length: 0 }
  if (of('transfer-encoding')?.toLowerCase().endsWith('chunked') === true)
    return { status, headers, length: 'chunked' }
  return { status, headers, length: length === undefined ? null : Number(length) }
}

function unchunked(bytes: Buffer): { readonly body: Buffer; readonly whole: boolean } {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n', at)
    const size = end === -1 ? Number.NaN : Number.parseInt(bytes.toString('latin1', at, end), 16)
    if (size === 0)
      return {
        body: Buffer.concat(parts),
        whole: bytes.indexOf(HEAD_END, end - 1) !== -1 || bytes.indexOf('\r\n', end + 2) !== -1,
      }
    if (!(size > 0)) return { body: Buffer.concat(parts), whole: false }
    parts.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}
