/** Volume: what passes is bounded. With small numbers in the plan, so that little has to be sent. */
import type { NetworkPlan, Plan } from '../../../plan/index.js'
import type { Pointless, Probe, Trial } from '../probe.js'
import { fitting, hello } from './bytes.js'
import { type NamedWay, namedWay, type Place, scene } from './place.js'
import { asked, askedOnce, byInspected, calleeOf, isInspected, said } from './said.js'

const UPLOAD = 64 << 10
const SENT = 1 << 20
const CONNECTIONS = 3
const TRIED = 8

const probe = (
  id: string,
  tries: string,
  trial: (way: NamedWay) => Trial | Pointless,
  only: readonly NamedWay['protocol'][],
): Probe => ({
  id: `budgets.${id}`,
  claim: 'network.budgets',
  threat: 'volume',
  tries,
  trial: ({ plan }) => {
    const way = namedWay(plan, only, (each) => !isInspected(each))
    return way === null ? byInspected(plan, trial) : trial(way)
  },
})

const ANY = ['tls', 'web', 'tcp', 'http'] as const
/** Bytes that nobody reads on the way. */
const FREE = ['tls', 'web', 'tcp'] as const

export const budgetProbes: readonly Probe[] = [
  probe(
    'upload',
    `send more than the sandbox may (here ${UPLOAD} bytes)`,
    (way) => upload(way, sandbox({ maxUploadBytes: UPLOAD })),
    FREE,
  ),
  probe(
    'upload-of-rule',
    `send more than the rule allows (here ${UPLOAD} bytes)`,
    (way) => upload(way, rules({ maxUploadBytes: UPLOAD })),
    FREE,
  ),
  probe(
    'connections',
    `hold more connections than the sandbox may (here ${CONNECTIONS})`,
    (way) => many(way, sandbox({ maxConnections: CONNECTIONS })),
    FREE,
  ),
  probe(
    'connections-of-rule',
    `hold more connections than the rule allows (here ${CONNECTIONS})`,
    (way) => many(way, rules({ maxConnections: CONNECTIONS })),
    FREE,
  ),
  probe(
    'download',
    'receive more than the sandbox may (here 16 bytes)',
    (way) => download(way, sandbox({ maxDownloadBytes: 16 })),
    ANY,
  ),
  probe(
    'download-of-rule',
    'receive more than the rule allows (here 16 bytes)',
    (way) => download(way, rules({ maxDownloadBytes: 16 })),
    ANY,
  ),
]

const bytesOf = (way: NamedWay) => (way.protocol === 'tcp' ? fitting(way) : hello([way.name]))

function upload(way: NamedWay, under: (plan: Plan) => Plan): Trial {
  if (isInspected(way)) return inspectedUpload(way, under)
  return scene(
    ({ resolver }) => [['tcp', `${way.name}@${resolver}`, `${way.port}`, bytesOf(way), `${SENT}`]],
    {
      under,
      arrived: ({ connections }) => connections.reduce((sum, { bytes }) => sum + bytes, 0) > UPLOAD,
    },
  )
}

function inspectedUpload(way: NamedWay, under: (plan: Plan) => Plan): Trial {
  return said(
    `a request with ${SENT} bytes`,
    async (place) => {
      const answer = await askedOnce(way, place, asked(way, { body: [Buffer.alloc(SENT, 'x')] }))
      return { reached: place.requests.reduce((sum, { bytes }) => sum + bytes, 0) > UPLOAD, answer }
    },
    { under },
  )
}

function many(way: NamedWay, under: (plan: Plan) => Plan): Trial {
  if (isInspected(way)) return manyInspected(way, under)
  return scene(
    ({ resolver }) => [
      {
        words: ['many', `${way.name}@${resolver}`, `${way.port}`, bytesOf(way), `${TRIED}`],
        reached: ({ detail }) => Number.parseInt(detail, 10) > CONNECTIONS,
      },
    ],
    { under },
  )
}

/** Each answered by the host, and kept. */
function manyInspected(way: NamedWay, under: (plan: Plan) => Plan): Trial {
  return said(
    `${TRIED} connections`,
    async (place) => {
      let reached = 0
      for (let count = 0; count < TRIED; count++) {
        const line = await place.talk.call(calleeOf(way, place))
        const { body } = await line.ask(asked(way))
        if (body.includes(place.bench.decoys.canary)) reached++
      }
      return { reached: reached > CONNECTIONS, answer: null, detail: `${reached}` }
    },
    { under },
  )
}

function download(way: NamedWay, under: (plan: Plan) => Plan): Trial {
  if (isInspected(way))
    return said(
      'a request',
      async (place) => {
        const answer = await askedOnce(way, place, asked(way))
        return { reached: answer.body.includes(place.bench.decoys.canary), answer }
      },
      { under },
    )
  return scene(({ resolver }: Place) => [['tcp', `${way.name}@${resolver}`, `${way.port}`, fitting(way)]], {
    under,
  })
}

type Budget = Partial<NetworkPlan['budget']>

const sandbox = (budget: Budget) => (plan: Plan) =>
  changed(plan, (network) => ({ ...network, budget: { ...network.budget, ...budget } }))

const rules = (budget: Budget) => (plan: Plan) =>
  changed(plan, (network) => ({
    ...network,
    rules: network.rules.map((rule) => ({ ...rule, budget: { ...rule.budget, ...budget } })),
  }))

function changed(plan: Plan, change: (network: NetworkPlan) => NetworkPlan): Plan {
  return plan.network === null ? plan : { ...plan, network: change(plan.network) }
}
