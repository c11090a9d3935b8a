/** Four jobs to watch: one is done, one asks for a host that its policy does not name, one falls silent, and one is one too many. */
import { Glovebox, parsePolicy } from 'glovebox'

const policy = parsePolicy({
  version: 1,
  network: { allow: [{ host: 'api.example.com', protocol: 'tls' }] },
  credentials: { TOKEN: { source: 'caller', hosts: ['api.example.com'], use: 'bearer' } },
})
const tenant = 'acme'
const options = { tenant, secrets: { TOKEN: 'example-token-that-nobody-has' } }
const chatty = parsePolicy({ version: 1, lifetime: { noOutput: '500ms' } })

/** `watch` gets the Glovebox before anything runs, and is waited for after it has closed. */
export async function runJobs(watch = async () => {}) {
  const glovebox = await Glovebox.start({ concurrency: { sandboxes: 1, queue: 2 } })
  const watching = watch(glovebox)
  await Promise.allSettled([
    glovebox.run(policy, ['true'], options),
    glovebox.run(policy, ['getent', 'hosts', 'tracker.example.net'], options),
    glovebox.run(chatty, ['sleep', '60'], { tenant }),
    glovebox.run(chatty, ['true'], { tenant }),
  ])
  await glovebox.close()
  await watching
}
