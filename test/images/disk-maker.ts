/**
 * node disk-maker.js REFERENCE [BOUNDARY]: makes the disk of an image as a run would, and prints the root as its plan has it. A program
 * of its own, so that it can be somebody else's, and be killed.
 */
import { parsePolicy } from '../../src/policy/index.js'
import { hostOf, makeDisk } from '../../src/sandbox/index.js'
import { rootOf } from '../../src/sandbox/roots.js'

const [reference = '', boundary = 'microvm'] = process.argv.slice(2)
const root = rootOf(parsePolicy({ version: 1, boundary, root: `image:${reference}` }), hostOf())
try {
  const files = { root } as Parameters<typeof makeDisk>[0]['files']
  await makeDisk({ files }, (what) => process.stderr.write(`${what}\n`))
  process.stdout.write(JSON.stringify(root))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
