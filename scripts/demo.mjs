/**
 * npm run demo: one honest picture and two hostile ones go through `convert`, and a plugin phones home, each in a sandbox of its own. Shows
 * what came out, checks that it is what was promised (exit 1 if not), and leaves nothing behind.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runScript } from './build/checkout.mjs'
import { phoneHome } from './demo/phone-home.mjs'
import { eatMemory, makeSmaller, readHostFile } from './demo/scenes.mjs'
import { runAgainInScope } from './demo/scope.mjs'
import { end } from './demo/screen.mjs'
import { waiversForThisHost } from './demo/waivers.mjs'

await runScript('demo', async () => {
  const { waive, because } = waiversForThisHost()
  if (waive.length > 0) {
    const again = runAgainInScope()
    if (again !== null) return again
  }
  const folder = mkdtempSync(join(tmpdir(), 'glovebox-demo-'))
  try {
    console.log(`In ${folder}, which is removed at the end; glovebox is bin/glovebox of this checkout.`)
    for (const name of waive) console.log(`Waived here: ${name}. ${because[name]}`)
    const stage = { folder, waive }
    return end([makeSmaller(stage), readHostFile(stage), eatMemory(stage), await phoneHome(stage)])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
