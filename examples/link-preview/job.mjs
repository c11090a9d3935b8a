/**
 * Runs inside the sandbox: fetches the page that it is given, follows its redirects, and takes from it what a preview shows.
 * It does no checking of addresses of its own, and needs none: what it must not reach does not answer.
 * On standard output: {url, title, description, image}; the picture itself goes to out/image.
 */
import { mkdir, writeFile } from 'node:fs/promises'

const PAGE_BYTES = 1024 * 1024
const IMAGE_BYTES = 4 * 1024 * 1024
const HOPS = 5

const page = await get(process.argv[2], PAGE_BYTES)
const html = new TextDecoder().decode(page.bytes)
const found = {
  url: page.url,
  title: meta(html, 'og:title') ?? titleOf(html),
  description: meta(html, 'og:description') ?? meta(html, 'description'),
  image: false,
}
const image = meta(html, 'og:image')
if (image !== null) {
  try {
    const { bytes } = await get(new URL(image, page.url).href, IMAGE_BYTES)
    await mkdir('out', { recursive: true })
    await writeFile('out/image', bytes)
    found.image = true
  } catch (error) {
    console.error(`image: ${reason(error)}`) // a preview without a picture is one, too
  }
}
console.log(JSON.stringify(found))

/** At most `most` bytes of what lies there; a longer body is cut off, not waited for. */
async function get(first, most) {
  let url = first
  for (let hop = 0; hop <= HOPS; hop++) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { 'user-agent': 'glovebox-link-preview', accept: 'text/html,image/*' },
    }).catch((error) => {
      throw new Error(`${url}: ${reason(error)}`)
    })
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || location === null)
      return { url, bytes: await atMost(response, most) }
    await response.body?.cancel()
    url = new URL(location, url).href
    if (!/^https?:/.test(url)) throw new Error(`a redirect to ${url}`)
  }
  throw new Error('more redirects than anybody needs')
}

async function atMost(response, most) {
  if (!response.ok) throw new Error(`the site answered ${response.status}`)
  const parts = []
  let size = 0
  for await (const part of response.body ?? []) {
    parts.push(part)
    size += part.length
    if (size >= most) break
  }
  return Buffer.concat(parts).subarray(0, most)
}

function reason(error) {
  return error.cause?.code ?? error.cause?.message ?? error.message
}

function titleOf(text) {
  return clean(/<title[^>]*>([^<]{0,500})/i.exec(text)?.[1])
}

function meta(text, name) {
  for (const [tag] of text.matchAll(/<meta\s[^>]{0,2000}>/gi)) {
    const key = /\b(?:property|name)\s*=\s*["']([^"']{1,100})["']/i.exec(tag)?.[1]
    if (key?.toLowerCase() === name)
      return clean(/\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag)?.slice(1).join(''))
  }
  return null
}

function clean(text) {
  const plain = text
    ?.replace(/&amp;/g, '&')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ')
    .trim()
  return plain === undefined || plain === '' ? null : plain.slice(0, 500)
}
