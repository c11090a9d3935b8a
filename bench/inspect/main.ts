/** npm run bench -- inspect [--runs N]: what it costs a request that TLS is looked into. It stands beside the tests, whose hosts and clients it uses. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../../test/gateway/inspect-cost.js')
const { status } = spawnSync(process.execPath, [program, ...process.argv.slice(2)], { stdio: 'inherit' })
process.exit(status ?? 1)
