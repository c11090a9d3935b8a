export type {
  AttemptEvent,
  EndedEvent,
  GloveboxEvent,
  LeaseEvent,
  LimitEvent,
  LimitKey,
  MissedEvents,
  QueuedEvent,
  StartedEvent,
} from './event.js'
export { Events, type EventsOptions } from './events.js'
export type { RunEvents } from './run-events.js'
