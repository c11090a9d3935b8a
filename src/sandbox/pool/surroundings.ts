import { totalmem } from 'node:os'
import { holdRoot } from '../roots.js'
import { Processors } from './processors.js'
import type { Surroundings } from './room.js'

const nowMs = () => Number(process.hrtime.bigint() / 1_000_000n)
const processors = new Processors(nowMs)

export const surroundings: Surroundings = {
  hold: (plan) => holdRoot(plan, process.geteuid?.() ?? 0),
  nowMs,
  hadTime: () => processors.hadTime(),
  memory: () => ({
    available: process.availableMemory(),
    total: Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
  }),
}
