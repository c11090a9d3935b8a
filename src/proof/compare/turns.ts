import type { Plan } from '../../plan/index.js'
import { rootName } from '../root.js'
import { credentialTurns } from './credentials.js'
import type { Turn } from './difference.js'
import { movedGrants } from './files.js'
import { opaqueRules } from './network-points.js'

/** What is different without one being less than the other; the same both ways. */
export function turns(old: Plan, now: Plan): Turn[] {
  return [
    ...values('out', 'boundary', old.boundary, now.boundary),
    ...values('out', 'root', rootName(old.files.root), rootName(now.files.root)),
    ...values('out', 'identity', identityWords(old), identityWords(now)),
    ...values('touch', 'workdir', old.files.workdir, now.files.workdir),
    ...scratchPlaces(old, now),
    ...movedGrants(old.files, now.files).map(
      ({ host, before, after }): Turn => ({
        part: 'touch',
        subject: 'files',
        what: `${host} is shown in another place`,
        before,
        after,
      }),
    ),
    ...credentialTurns(old, now),
    ...environment(old, now),
    ...network(old, now),
  ]
}

const identityWords = ({ identity: { uid, gid, hostName } }: Plan) =>
  `uid ${uid}, gid ${gid}, on a host named ${hostName}`

function values(part: Turn['part'], subject: string, before: string, after: string): Turn[] {
  return before === after ? [] : [{ part, subject, what: '', before, after }]
}

/** But those that come with the work directory or a write grant, which have lines of their own. */
function scratchPlaces(old: Plan, now: Plan): Turn[] {
  const own = ({ files }: Plan) =>
    files.scratch.places
      .filter((place) => place !== files.workdir && !files.write.some(({ inside }) => inside === place))
      .join(', ')
  return values('touch', 'scratch', own(old), own(now))
}

/** Never with its values, of which one may be a secret. */
function environment(old: Plan, now: Plan): Turn[] {
  const follows = (plan: Plan, name: string) => name === 'HOME' && plan.env.HOME === plan.files.workdir
  return Object.keys(old.env)
    .filter((name) => now.env[name] !== undefined && now.env[name] !== old.env[name])
    .filter((name) => !(follows(old, name) && follows(now, name)))
    .map((name) => ({
      part: 'touch',
      subject: 'env',
      what: `${name} has another value`,
      before: null,
      after: null,
    }))
}

function network({ network: old }: Plan, { network: now }: Plan): Turn[] {
  if (old === null || now === null) return []
  const [before, after] = [opaqueRules(old), opaqueRules(now)].map((texts) => texts.sort().join('\n'))
  return [
    ...values('reach', 'network.resolver', old.resolver, now.resolver),
    ...values('reach', 'network.allow', before ?? '', after ?? ''),
  ]
}
