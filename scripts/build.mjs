/** npm run build [-- typescript|native|cli|gateway …]: makes dist/ from the sources; what is up to date is left alone. */
import { build, PARTS } from './build/all.mjs'
import { Failure, runScript } from './build/checkout.mjs'

await runScript('build', async () => {
  const asked = process.argv.slice(2)
  const unknown = asked.find((part) => !Object.hasOwn(PARTS, part))
  if (unknown !== undefined)
    throw new Failure(`there is no part ${unknown}; there are ${Object.keys(PARTS).join(', ')}.`)
  await build(asked.length > 0 ? asked : undefined)
})
