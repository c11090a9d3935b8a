/** node scripts/house.mjs [FOLDER]: checks the house rule in this checkout, or in a FOLDER with a src/ of its own. */
import { resolve } from 'node:path'
import { Failure, root, runScript } from './build/checkout.mjs'
import { check } from './house/check.mjs'

await runScript('house', async () => {
  const { problems, modules, imports } = await check(resolve(process.argv[2] ?? root))
  if (problems.length > 0) {
    throw new Failure(`${problems.length} wrong.\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
  console.log(`house: ${modules} modules and ${imports} imports stand as they should`)
})
