import { BoundaryUnavailableError } from '../../errors/index.js'
import { dataPlace } from '../../host/index.js'

/** Where this user's saved machines lie, beside its images. @throws BoundaryUnavailableError when there is no place for one */
export function machinesPlace(uid: number, env: Readonly<Record<string, string | undefined>>): string {
  const place = dataPlace('machines', uid, env)
  if (place !== null) return place
  throw new BoundaryUnavailableError(
    'microvm.noPlace',
    'There is no place for saved virtual machines: neither HOME nor XDG_DATA_HOME is set.',
    'Set one.',
  )
}
