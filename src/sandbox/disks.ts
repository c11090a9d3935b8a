/** The disk of a plan's image, made when first a machine needs it. */
import { imageDisk, type Tell } from '../images/index.js'
import type { Plan } from '../plan/index.js'
import { hostOf } from './explain-plan.js'
import { SandboxWork } from './image/index.js'
import { imageStore } from './roots.js'

/** Resolves when it is there; at once for a plan that needs none. @throws ImageError */
export async function makeDisk(
  { files: { root } }: Pick<Plan, 'files'>,
  tell: Tell = () => {},
  signal: AbortSignal | null = null,
): Promise<void> {
  if (root.kind !== 'image' || root.disk === null) return
  const host = hostOf()
  await imageDisk(imageStore(host.uid), root.digest, new SandboxWork(host, signal), { tell, signal })
}
