/** The channels of `node:diagnostics_channel`: whoever is in this process may listen, and nothing is made while nobody does. */
import { type Channel, channel } from 'node:diagnostics_channel'
import { EVENT_KINDS, type EventKind, type GloveboxEvent } from './event.js'

const CHANNELS: Readonly<Record<EventKind, Channel>> = {
  queued: channel('glovebox:queued'),
  started: channel('glovebox:started'),
  attempt: channel('glovebox:attempt'),
  lease: channel('glovebox:lease'),
  limit: channel('glovebox:limit'),
  ended: channel('glovebox:ended'),
}

export const isHeard = (kind: EventKind): boolean => CHANNELS[kind].hasSubscribers

export const isAnyHeard = (): boolean => EVENT_KINDS.some(isHeard)

/** What a subscriber throws Node throws again outside of this call, as an uncaught exception. */
export function publish(event: GloveboxEvent): void {
  if (isHeard(event.kind)) CHANNELS[event.kind].publish(event)
}
