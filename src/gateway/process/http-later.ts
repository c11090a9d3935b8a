/** HTTP takes longer to load than all the rest: it is loaded when the gateway is up, while the job is being started. */
import type { Incoming } from './incoming.js'

let http: typeof import('./http.js') | null = null

export async function loadHttp(): Promise<typeof import('./http.js')> {
  http ??= await import('./http.js')
  return http
}

export async function passHttp(incoming: Incoming): Promise<void> {
  const { passHttp } = http ?? (await loadHttp())
  await passHttp(incoming)
}
