/** Sites that a stranger might paste: one good page, and the bad ones that a preview service meets. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { World } from '../support/internet/world.js'

const photo = readFileSync(join(process.env.EXAMPLES ?? '', 'photo.jpg'))
/** On the host that makes the preview: a secret that no thumbnail may show. */
const secret = process.env.SECRET ?? ''

const page = (image: string) =>
  `<!doctype html><title>plain</title>
<meta property="og:title" content="A cup &amp; a saucer">
<meta name="description" content="What a preview is for.">
<meta property="og:image" content="${image}">`

const PAGES: Readonly<Record<string, string>> = {
  'good.test': page('/photo.jpg'),
  'mvg.test': page('/hostile.mvg'),
  'svg.test': page('/hostile.svg'),
  'rebound.test': page('http://rebound.test/photo.jpg'),
}

const mvg = (target: string) =>
  `push graphic-context\nviewbox 0 0 200 100\nimage over 0,0 200,100 '${target}'\npop graphic-context\n`
const svg = (...targets: string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="200" height="100">${targets
    .map((target) => `<image width="200" height="100" xlink:href="${target}"/>`)
    .join('')}</svg>`

export default (world: World): void => {
  world.http(80, (request, response) => {
    const host = request.headers.host ?? ''
    const { url = '/' } = request
    if (host === 'redirect.test')
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end()
    else if (url === '/photo.jpg') response.end(photo)
    else if (url === '/hostile.mvg') response.end(mvg(secret))
    else if (url === '/hostile.svg') response.end(svg(`file://${secret}`, 'http://10.99.0.1/internal.png'))
    else if (host === 'endless.test') {
      response.writeHead(200, { 'content-type': 'text/html' })
      const more = () => {
        while (!response.destroyed && response.write('<p>more</p>'.repeat(4096)));
        response.once('drain', more)
      }
      response.write('<title>Endless</title>')
      more()
    } else if (host === 'slow.test') {
      response.writeHead(200, { 'content-type': 'text/html' })
      const drip = setInterval(() => response.write('<'), 500)
      response.once('close', () => clearInterval(drip))
    } else if (PAGES[host] !== undefined)
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGES[host])
    else response.end('<title>Metadata of the host: secret</title>') // what a decoy would show
  })
}
