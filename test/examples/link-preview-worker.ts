/** Starts the example service and pastes each address into its page, in a real browser. argv: the example, a folder, addresses. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { startBrowser } from '../support/browser.js'

/** In the page: the thumbnail's middle pixel, as the browser decodes it. */
const MIDDLE_PIXEL = `(() => {
  const image = document.querySelector('.card img')
  if (image === null) return null
  const canvas = document.createElement('canvas')
  canvas.width = image.naturalWidth
  canvas.height = image.naturalHeight
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1)
  return { width: image.naturalWidth, rgb: [...data].slice(0, 3) }
})()`

const [example = '', folder = '', ...urls] = process.argv.slice(2)
const service = spawn(process.execPath, [join(example, 'server.mjs'), '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const ended = new Promise((resolve) => service.once('exit', resolve))
const address = String(await new Promise<Buffer>((resolve) => service.stdout.once('data', resolve))).trim()

const browser = await startBrowser(folder)
const results: Record<string, unknown> = {}
try {
  const context = await browser.newContext({ viewport: { width: 900, height: 1000 } })
  for (const [index, url] of urls.entries()) {
    const page = await context.newPage()
    await page.goto(address)
    await page.fill('input', url)
    await page.click('button')
    await page.waitForSelector('#tried:not([hidden])', { timeout: 60_000 })
    const texts = (selector: string) => page.locator(selector).allInnerTexts()
    results[url] = {
      card: await texts('.card strong, .card p'),
      problem: await texts('.problem'),
      rows: await page
        .locator('tbody tr')
        .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent))),
      pixel: await page.evaluate(MIDDLE_PIXEL),
    }
    if (process.env.SCREENSHOTS !== undefined)
      await page.screenshot({ path: join(process.env.SCREENSHOTS, `${index}.png`), fullPage: true })
    await page.close()
  }
} finally {
  await browser.close()
  service.kill('SIGTERM')
  await ended
}
process.stdout.write(JSON.stringify(results))
