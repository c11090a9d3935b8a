/**
 * Whether a wall stands that the gateway's process keeps. In what ships each does: nothing can say otherwise. The build of the
 * gateway for tests that show which probe notices a missing one has another text in place of this module (scripts/build/gateway.mjs).
 */
export const held = (_mechanism: string): boolean => true
