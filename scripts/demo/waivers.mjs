/** Which limits this host can't enforce for this user. Asked of `explain`, which starts nothing. */
import { Failure } from '../build/checkout.mjs'
import { glovebox } from './glovebox.mjs'

const WAIVABLE = ['limits.memory', 'limits.cpus', 'limits.processes']

export function waiversForThisHost() {
  const { stdout, stderr } = glovebox(['explain', '--policy', 'imagemagick', '--json'])
  if (stdout === '') throw new Failure(stderr.trim())
  const impossible = JSON.parse(stdout).claims.filter(({ status }) => status === 'impossible')
  const fatal = impossible.find(({ id }) => !WAIVABLE.includes(id))
  if (fatal !== undefined) throw new Failure(`${fatal.id}: ${fatal.refusal.why} ${fatal.refusal.get}`)
  return {
    waive: impossible.map(({ id }) => id),
    because: Object.fromEntries(impossible.map(({ id, refusal }) => [id, refusal.why])),
  }
}
