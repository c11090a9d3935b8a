/** A gateway, a namespace and a host, as whoever runs this; prints what passed and what was recorded. */
import { createServer } from 'node:http'
import { planOf, rule, Setting, summary, talk } from './setting.js'

const setting = new Setting({ hosts: { 'good.test': ['127.0.0.1'] } })
const host = await setting.serve(createServer((_request, response) => response.end('reached')))
const { attempts, value } = await setting.during(
  planOf([rule('good.test', { [host.port]: 'http' })]),
  async () => [
    (await setting.job.run(['curl', '-sS', '-m', '5', `http://good.test:${host.port}/`])).stdout,
    (await setting.job.run(['curl', '-sS', '-m', '5', `http://bad.test:${host.port}/`])).stdout,
    (await talk(setting.job, { host: '169.254.169.254', port: host.port }, [])).end,
  ],
)
console.log(JSON.stringify({ value, attempts: summary(attempts).sort() }))
await setting.close()
