/**
 * A link preview service: paste a URL, get its title, description and picture, and see what the sandboxes tried on the way.
 *
 *   node examples/link-preview/server.mjs [PORT]
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { Glovebox, GloveboxError } from 'glovebox'
import { preview } from './preview.mjs'

const PAGE = readFileSync(join(import.meta.dirname, 'page.html'))
const BODY_BYTES = 4096
const AT_ONCE = 4
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

const glovebox = await Glovebox.start()
let running = 0

const server = createServer(async (request, response) => {
  try {
    if (request.method === 'GET' && request.url === '/')
      return send(response, 200, 'text/html; charset=utf-8', PAGE)
    if (request.method !== 'POST' || request.url !== '/preview')
      return send(response, 404, 'text/plain', 'There is nothing here.\n')
    if (running >= AT_ONCE) return json(response, { status: 503, problem: 'Busy. Try again.', attempts: [] })
    running++
    try {
      // who closes the page gives up its sandboxes
      const gone = new AbortController()
      response.once('close', () => gone.abort())
      json(response, await preview(glovebox, (await bodyOf(request)).url, gone.signal))
    } finally {
      running--
    }
  } catch (error) {
    if (error instanceof GloveboxError) console.error(`${error.code}: ${error.message}`)
    else console.error(error)
    json(response, { status: 500, problem: 'The preview could not be made.', attempts: [] })
  }
})

server.listen(Number(process.argv[2] ?? 8080), '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/`),
)
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, async () => {
    server.close()
    server.closeAllConnections()
    await glovebox.close()
  })

async function bodyOf(request) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > BODY_BYTES) return {}
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString()) ?? {}
  } catch {
    return {}
  }
}

function json(response, { status, ...body }) {
  send(response, status, 'application/json', JSON.stringify(body))
}

function send(response, status, type, body) {
  if (!response.headersSent) response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body)
}
