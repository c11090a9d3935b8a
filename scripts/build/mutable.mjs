/**
 * dist/mutable/: what only tests start, and no package has. The native programs and the gateway as they ship, but for one
 * question that each of their walls asks: whether it is to be left off.
 */
import { buildMutableGateway } from './gateway.mjs'
import { buildMutableNative } from './native.mjs'

export async function buildMutable() {
  const outcomes = [buildMutableNative(), await buildMutableGateway()]
  return outcomes.includes('built') ? 'built' : 'fresh'
}
