/** What the machine runs as root when it is up: the checks of the host that its kernel line names. The last line is their count. */
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { check, total } from './checks.mjs'
import { CHECKS } from './hosts.mjs'

const [, name = ''] = /glovebox\.host=(\S+)/.exec(readFileSync('/proc/cmdline', 'latin1')) ?? []
console.log(`Linux ${release()}, ${readFileSync('/sys/kernel/security/lsm', 'latin1')}`)
try {
  await CHECKS[name]()
} catch (error) {
  check('the checks come to their end', false, error.stack)
}
console.log(total())
