/** 1,000 sandboxes with a network, 8 at once, each with traffic; prints what is left, as JSON. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Glovebox, parsePolicy } from '../../src/index.js'
import { hostOf } from '../../src/sandbox/index.js'
import { gatewaysOf } from '../gateway/setting.js'
import { family, pids, textOf } from '../run/tools.js'

const [folder = ''] = process.argv.slice(2)
const RUNS = 1000
const AT_ONCE = 8
const FIRST_LOOK = 200

let connections = 0
const web = createServer((socket) => {
  connections += 1
  socket.on('error', () => {})
  socket.once('data', () =>
    socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`),
  )
})
const port = await new Promise<number>((resolve) =>
  web.listen(0, '127.0.0.1', () => resolve((web.address() as { port: number }).port)),
)

const waive = hostOf().cgroups.controllers.includes('memory') ? [] : ['limits.memory']
const rule = { host: 'far.test', ports: [port], protocol: 'http', private: ['127.0.0.1/32'] }
const policy = parsePolicy({ version: 1, waive, lifetime: { deadline: '60s' }, network: { allow: [rule] } })
const SCRIPT = `curl -sS http://far.test:${port}/ | wc -c; curl -s http://denied.test/; curl -s http://203.0.113.1/; true`
/** of every run, whatever its turn */
const RECORD = ['203.0.113.1 denyReserved', 'denied.test denyName', 'far.test allow']

const descriptors = (pid: number | 'self') => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0 // the gateway's are not for an ordinary user to see
  }
}
const resident = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(textOf(pid, 'status'))?.[1] ?? 0)
const namespaces = (pid: number) => {
  try {
    return ['net', 'mnt', 'pid', 'user'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return []
  }
}

/** When nothing under way is counted any more. */
async function settled<T>(look: () => T): Promise<T> {
  let same = 0
  for (let last = ''; same < 10; ) {
    await sleep(50)
    const now = JSON.stringify(look())
    same = now === last ? same + 1 : 0
    last = now
  }
  return look()
}

const glovebox = await Glovebox.start({
  network: { hosts: { 'far.test': ['127.0.0.1'] }, resolvers: ['127.0.0.1:9'] },
})
const wrong: string[] = []
const own = new Set(namespaces(process.pid))
const foreign = new Set<string>()
let next = 0
async function until(count: number): Promise<void> {
  const one = async () => {
    while (next < count) {
      const number = next++
      const { reason, stdout, report } = await glovebox.run(policy, ['sh', '-c', SCRIPT])
      const record = report.network.map(({ name, address, verdict }) => `${name ?? address} ${verdict}`)
      const claim = report.claims.find(({ id }) => id === 'network.recorded')
      const said = `${reason} ${Buffer.from(stdout).toString().trim()} ${record.sort()} ${claim?.status}`
      if (said !== `exited 100000 ${RECORD} enforced`) wrong.push(`${number}: ${said}`)
      if (number % 50 === 0)
        for (const pid of family(process.pid))
          for (const each of namespaces(pid)) if (!own.has(each)) foreign.add(each)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}
const memory = () => ({
  supervisor: resident(process.pid),
  gateway: Math.max(...gatewaysOf(process.pid).map(resident)),
})
const counts = () => ({
  processes: family(process.pid).length,
  descriptors: descriptors('self'),
  gatewayDescriptors: gatewaysOf(process.pid).map(descriptors),
})

await until(FIRST_LOOK)
const first = { ...(await settled(counts)), ...memory() }
await until(RUNS)
const last = { ...(await settled(counts)), ...memory() }
await glovebox.close()
web.close()
const inForeign = () => pids().filter((pid) => namespaces(pid).some((each) => foreign.has(each)))
// the kernel gives numbers of namespaces again: another program's may be among them for a while
while (inForeign().length > 0) await sleep(50)
const unix = readFileSync('/proc/net/unix', 'utf8')
  .split('\n')
  .filter((row) => row.includes('glovebox'))
process.stdout.write(
  JSON.stringify({
    wrong: wrong.slice(0, 5),
    connections,
    namespacesSeen: foreign.size > 0,
    processes: await settled(() => family(process.pid).slice(1)),
    files: readdirSync(folder),
    unix,
    first,
    last,
  }),
)
