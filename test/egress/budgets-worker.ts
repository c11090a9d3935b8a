/** Jobs that send, load, connect or wait more than their policy lets them, and the same below it; see jobs.ts. */
import { createServer as createHttp } from 'node:http'
import { Glovebox } from '../../src/index.js'
import { FarSide, local, play, policyOf, probed } from './jobs.js'

const far = new FarSide()
const glovebox = await Glovebox.start({
  network: { hosts: { 'host.test': ['127.0.0.1'] }, resolvers: ['127.0.0.1:9'] },
})
const echoing = await far.echoing()
const heard = { upload: 0, body: 0 }
const counting = await far.tcp((socket) => {
  let count = 0
  socket.on('data', ({ length }) => {
    count += length
    heard.upload = Math.max(heard.upload, count)
  })
  socket.on('end', () => socket.end(`${count}`))
})
const sized = await far.tcp((socket) => {
  socket.once('data', (asked) => socket.end(Buffer.alloc(Number(`${asked}`))))
})
const web = await far.serve(
  createHttp((request, response) => {
    let count = 0
    request.on('error', () => {})
    request.on('data', ({ length }) => {
      count += length
      heard.body = Math.max(heard.body, count)
    })
    if (request.url !== '/endless') return void request.on('end', () => response.end(`${count}`))
    const more = () => {
      while (response.write(Buffer.alloc(4096)));
    }
    response.on('drain', more)
    more()
  }),
)

const rule = (port: number, protocol: 'tcp' | 'http' | 'tls', more = {}) =>
  local('host.test', port, protocol, more)
/** What came of these attempts under this network: what was heard of each, and what is on record. */
async function under(network: object, attempts: readonly string[]) {
  const { heard, record, stderr } = await probed(glovebox, policyOf(network), attempts)
  return { heard: attempts.map((attempt) => heard[attempt] ?? stderr), record }
}

await play({
  /** of the rule, of the sandbox, and in clear HTTP */
  async up() {
    const tcp = rule(counting, 'tcp')
    const attempts = [`upload,host.test,${counting},60000`, `upload,host.test,${counting},2000000`]
    const clear = [`chunked,host.test,${web},3`, `chunked,host.test,${web},-1`]
    const seen = await Promise.all([
      under({ allow: [{ ...tcp, maxUpload: '100KiB' }] }, attempts),
      under({ allow: [tcp], maxUpload: '100KiB' }, attempts),
      under({ allow: [rule(web, 'http', { maxUpload: '100KiB' })] }, clear),
    ])
    return { seen, heard }
  },

  async down() {
    const tcp = rule(sized, 'tcp')
    const attempts = [`down,host.test,${sized},60000`, `down,host.test,${sized},2000000`]
    const clear = [`http,host.test,${web}`, `drain,host.test,${web},/endless`]
    return Promise.all([
      under({ allow: [{ ...tcp, maxDownload: '100KiB' }] }, attempts),
      under({ allow: [tcp], maxDownload: '100KiB' }, attempts),
      under({ allow: [rule(web, 'http', { maxDownload: '100KiB' })] }, clear),
    ])
  },

  async connections() {
    const at = (count: number) => `hold,host.test,${echoing},${count}`
    return Promise.all([
      under({ allow: [rule(echoing, 'tcp', { maxConnections: 3 })] }, [at(3), at(9)]),
      under({ allow: [rule(echoing, 'tcp')], maxConnections: 3 }, [at(3), at(9)]),
      under({ allow: [rule(echoing, 'tcp')], maxRate: 3 }, [at(3), `flood,host.test,${echoing}`]),
    ])
  },

  async times() {
    const idle = { allow: [rule(echoing, 'tcp')], timeouts: { idle: '2s' } }
    const head = { allow: [rule(web, 'http')], timeouts: { head: '2s' } }
    const tls = { allow: [rule(echoing, 'tls')], timeouts: { head: '2s' } }
    return Promise.all([
      under(idle, [`trickle,host.test,${echoing},30`]),
      under(idle, [`quiet,host.test,${echoing}`]),
      under(head, [`http,host.test,${web}`]),
      under(head, [`loris,host.test,${web}`]),
      under(tls, [`hello,host.test,${echoing},1000`]),
      under(tls, [`hello,host.test,${echoing},40`]),
    ])
  },

  /** where the connection is one of IPv6, the kernel makes jumbograms of so much */
  async bulk() {
    const taking = await far.tcp((socket) => {
      let count = 0
      socket.on('data', ({ length }) => (count += length))
      socket.on('end', () => socket.end(`${count}`))
    })
    return Promise.all([
      under({ allow: [rule(taking, 'tcp')] }, [`upload,host.test,${taking},20000000`]),
      under({ allow: [rule(sized, 'tcp')] }, [`down,host.test,${sized},20000000`]),
    ])
  },

  async heads() {
    const clear = { allow: [rule(web, 'http')] }
    return Promise.all([
      under(clear, [`header,host.test,${web},8000`]),
      under(clear, [`header,host.test,${web},40000`]),
      under(clear, [`header,host.test,${web},4000000`]),
    ])
  },
})
await glovebox.close()
far.close()
