/** The attack: a path or a name that is markup, in a page that a reviewer opens. And the page itself, as a browser shows it. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { explanation, explanationPage } from '../../src/proof/index.js'
import { HOSTS } from '../plan/hosts.js'
import { CHROMIUM, startBrowser } from '../support/browser.js'
import { testFolder } from '../support/checkout.js'
import { BOUNDARY, planOf } from './plans.js'

const HOSTILE = '/srv/<script>alert(1)</script>"\'&<img src=x onerror=alert(1)>'

const RICH = {
  env: { LANG: 'C.UTF-8' },
  files: {
    read: ['/srv/fonts', { path: HOSTILE, inside: '/in/hostile' }, `/srv/${'long/'.repeat(30)}end`],
    write: ['/srv/out:/out', { path: '/srv/cache', inside: '/cache', live: true }],
  },
  network: {
    allow: [
      'api.example.com',
      { host: '*.cdn.example.com', maxDownload: '20MiB' },
      {
        host: 'files.example.com',
        ports: [80, 8080],
        protocol: 'http',
        methods: ['GET', 'HEAD'],
        paths: ['/pub/**'],
      },
      { host: 'db.corp.example', ports: [5432], private: ['10.2.0.0/16'] },
    ],
    public: { methods: ['GET'], maxUpload: '64KiB' },
    loopback: true,
  },
  credentials: {
    TOKEN: {
      source: { env: 'TOKEN' },
      hosts: ['api.example.com'],
      use: { header: 'X-Api-Key' },
      methods: ['GET'],
      paths: ['/open/**'],
      ttl: '60s',
      uses: 20,
    },
  },
  root: `dir:/srv/${'tree/'.repeat(12)}root`,
  waive: ['limits.memory'],
}

function pageOf(policy: object): { html: string; explained: ReturnType<typeof explanation> } {
  const plan = planOf(policy)
  const kernel = BOUNDARY.kernel(plan, HOSTS['root with cgroup v1'])
  const explained = explanation(plan, kernel, 'f'.repeat(64), ['A warning with <b>markup</b>.'])
  return { html: explanationPage(explained), explained }
}

test('the page is whole in itself, and no text in it is markup', () => {
  const { html } = pageOf(RICH)
  assert.doesNotMatch(html, /<(?:script|link|iframe|object|embed|img|form)|@import|url\(/i)
  // what is quoted in a tag is text, and its quotes are escaped
  const tags = html.replaceAll(/"[^"]*"/g, '""')
  assert.doesNotMatch(tags, /<[^<>]*\s(?:src|href|on\w+)=/i)
  assert.doesNotMatch(html, /<img|<b>markup/)
  assert.match(html, /&lt;script&gt;/)
  assert.match(html, /default-src &#39;none&#39;; style-src/)
})

test('a control or a bidi character in a path is spelled out', () => {
  assert.match(pageOf({ env: {}, files: { read: ['/srv/a\u202eb:/in/x'] } }).html, /\\u\{202e\}/)
})

/** In the page: each text's contrast to what is painted behind it, by WCAG's formula. Colours are opaque here. */
const CONTRASTS = `(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((part) => { const c = part / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor
      if ((parts(colour)[3] ?? 1) > 0) return colour
    }
    return 'rgb(255, 255, 255)'
  }
  const said = [...document.querySelectorAll('h1, h2, p, li, td, th, code, span, figcaption, svg text')]
    .filter((element) => element.getClientRects().length > 0 && element.textContent.trim() !== '')
  return said.map((element) => {
    const svg = element instanceof SVGElement
    const over = svg && element.classList.contains('number') ? element.previousElementSibling : null
    const core = svg && element.previousElementSibling?.classList.contains('core') ? element.previousElementSibling : null
    const back = over ?? core
    const [a, b] = [light(getComputedStyle(element)[svg ? 'fill' : 'color']), light(back ? getComputedStyle(back).fill : behind(element))]
    return { text: element.textContent.slice(0, 60), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }
  })
})()`

/** Of the picture that is shown: texts that leave it. */
const OUTSIDE = `[...document.querySelectorAll('svg')].filter((svg) => svg.getClientRects().length > 0).flatMap((svg) => {
  const frame = svg.getBoundingClientRect()
  return [...svg.querySelectorAll('text')].filter((text) => {
    const box = text.getBoundingClientRect()
    return box.right > frame.right + 1 || box.left < frame.left - 1 || box.bottom > frame.bottom + 1
  }).map((text) => text.textContent)
})`

/** Paper is A4 at 96 dots an inch, whatever the reader's screen is like. */
const LOOKS = [
  [380, 'light', 'screen'],
  [380, 'dark', 'screen'],
  [1280, 'light', 'screen'],
  [1280, 'dark', 'screen'],
  [794, 'light', 'print'],
  [794, 'dark', 'print'],
] as const

describe('in a browser', { skip: existsSync(CHROMIUM) ? false : `${CHROMIUM} is not installed` }, () => {
  let browser: Browser
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-test-'))
  before(async () => {
    browser = await startBrowser(folder)
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [width, colorScheme, media] of LOOKS)
    for (const [name, policy] of Object.entries({ rich: RICH, plain: {} }))
      test(`${name}, ${width} wide, ${colorScheme}, ${media}: all is there, fits and can be read, and nothing is loaded`, async (t) => {
        const { html, explained } = pageOf(policy)
        const file = join(testFolder(t), 'page.html')
        writeFileSync(file, html)
        const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
        const page = await context.newPage()
        await page.emulateMedia({ media })
        const [requests, problems]: [string[], string[]] = [[], []]
        page.on('request', (request) => requests.push(request.url()))
        page.on('console', (message) => problems.push(message.text()))
        page.on('pageerror', (error) => problems.push(String(error)))
        await page.goto(pathToFileURL(file).href)
        if (process.env.SCREENSHOTS !== undefined)
          await page.screenshot({
            path: join(process.env.SCREENSHOTS, `${name}-${width}-${colorScheme}-${media}.png`),
            fullPage: true,
          })
        assert.deepEqual(problems, [])
        assert.deepEqual(requests, [pathToFileURL(file).href])
        assert.ok(
          Number(await page.evaluate('document.documentElement.scrollWidth')) <= width,
          'scrolls sideways',
        )
        assert.deepEqual(await page.evaluate(OUTSIDE), [])
        const drawn = (await page.locator('svg:visible text').allTextContents()).join('')
        for (const { to } of explained.openings)
          assert.ok(drawn.replaceAll(' ', '').includes(to.replaceAll(' ', '')), `no opening ${to}`)
        const body = await page.locator('body').innerText()
        for (const { title, lines } of explained.parts)
          for (const text of [title, ...lines]) assert.ok(body.includes(text), text)
        for (const { sentence, id } of explained.claims) assert.ok(body.includes(`${sentence} ${id}`), id)
        const faint = ((await page.evaluate(CONTRASTS)) as { text: string; ratio: number }[]).filter(
          ({ ratio }) => !(ratio >= 4.5),
        )
        assert.deepEqual(faint, [])
        await context.close()
      })
})
