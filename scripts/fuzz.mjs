/**
 * npm run fuzz [-- WORD…]: the fuzz tests, round after round with new seeds, until GLOVEBOX_FUZZ_SECONDS (600)
 * have passed or one fails. Each file is told its share of that time in the same variable; one that is not told
 * (in npm test) runs for about a second.
 */
import { spawnSync } from 'node:child_process'
import { Failure, filesBelow, root, runScript } from './build/checkout.mjs'

await runScript('fuzz', () => {
  const seconds = Number(process.env.GLOVEBOX_FUZZ_SECONDS ?? 600)
  if (!(seconds > 0)) throw new Failure('GLOVEBOX_FUZZ_SECONDS is a number of seconds.')
  const words = process.argv.slice(2)
  const files = filesBelow('dist/test', (file) => file.endsWith('.fuzz.test.js')).filter(
    (file) => words.length === 0 || words.some((word) => file.includes(word)),
  )
  if (files.length === 0)
    throw new Failure('there is no fuzz test (dist/test/**/*.fuzz.test.js). Run npm run build.')

  const end = performance.now() + seconds * 1000
  const env = {
    ...process.env,
    GLOVEBOX_FUZZ_SECONDS: String(Math.max(1, Math.floor(seconds / files.length))),
  }
  let rounds = 0
  do {
    for (const file of files) {
      const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', file], {
        cwd: root,
        env,
        stdio: 'inherit',
      })
      // the dots say that something failed; fast-check's seed, which repeats it, is in the error
      if (status !== 0) throw new Failure(`${file} failed; its error above has the seed that repeats it.`)
    }
    rounds += 1
  } while (performance.now() < end)
  console.log(`fuzz: ${files.length} files, ${rounds} rounds, nothing found`)
})
