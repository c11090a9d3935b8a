import { UsageError } from '../errors/index.js'

/** What whoever comes too late is told. */
export const closedError = (): UsageError =>
  new UsageError('glovebox.closed', 'This Glovebox is closed.', 'Start another with Glovebox.start().')
