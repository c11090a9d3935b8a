/**
 * A line of JSON for each event, of this Glovebox alone.
 *
 *   npm install pino
 *   node examples/events/pino.mjs
 */
import pino from 'pino'
import { runJobs } from './jobs.mjs'

const log = pino()

/** What somebody should look at. */
const isBad = ({ kind, verdict, reason }) =>
  kind === 'missed' ||
  kind === 'limit' ||
  (kind === 'attempt' && verdict !== 'allow') ||
  (kind === 'ended' && reason !== 'exited')

await runJobs(async (glovebox) => {
  for await (const event of glovebox.events()) {
    if (isBad(event)) log.warn(event, event.kind)
    else log.info(event, event.kind)
  }
})
