import { totalmem } from 'node:os'
import { holdRoot } from '../roots.js'
import type { Surroundings } from './room.js'

export const surroundings: Surroundings = {
  hold: (plan) => holdRoot(plan, process.geteuid?.() ?? 0),
  nowMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  memory: () => ({
    available: process.availableMemory(),
    total: Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
  }),
}
