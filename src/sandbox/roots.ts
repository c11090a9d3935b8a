/** Which tree a policy's root is on this host, now. */
import { lstatSync } from 'node:fs'
import { BoundaryUnavailableError, ImageError } from '../errors/index.js'
import type { HostFacts } from '../host/index.js'
import { ImageStore, storePlace } from '../images/index.js'
import type { Plan, RootPlan } from '../plan/index.js'
import { type BoundaryName, imageReference, type Policy } from '../policy/index.js'

const WRITE_BY_OTHERS = 0o002
const STICKY = 0o1000
const ENTER_AND_LIST_BY_OTHERS = 0o005

/** @throws BoundaryUnavailableError for a folder that can't be a root */
export function rootOf({ root, boundary }: Policy, host: HostFacts): RootPlan {
  if (root.kind === 'host') return root
  if (root.kind === 'image') return imageRoot(root.reference, boundary, host)
  requireUsable(root.path, host)
  return root
}

/** The store of this user. @throws ImageError when there is no place for one */
export function imageStore(uid: number): ImageStore {
  return new ImageStore(storePlace(uid, process.env))
}

/** As Node calls what Go calls otherwise. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

function imageRoot(reference: string, boundary: BoundaryName, { uid, arch }: HostFacts): RootPlan {
  const named = imageReference(reference)
  const store = imageStore(uid)
  const image = 'what' in named ? null : store.find(reference, named.digest)
  if (image === null)
    throw new ImageError(
      'image.notHere',
      `There is no image ${reference} in ${store.place}.`,
      '`glovebox image ls` shows those that are; `glovebox image pull` and `glovebox image import` get one.',
    )
  const architecture = image.platform?.split('/')[1]
  const own = ARCHITECTURES[arch]
  if (architecture !== undefined && own !== undefined && architecture !== own)
    throw new ImageError(
      'image.platform',
      `The image ${reference} is for ${image.platform}; this machine is ${own}.`,
      'Get the one for this machine.',
    )
  const { digest } = image
  // where it will be: whoever runs from it makes it first
  const disk = boundary === 'microvm' ? store.disk(digest) : null
  return { kind: 'image', reference, digest, path: store.tree(digest), disk }
}

/** Whoever removes the image meanwhile waits with its files. @throws ImageError when it is gone already */
export function holdRoot({ files: { root } }: Pick<Plan, 'files'>, uid: number): () => void {
  return root.kind === 'image' ? imageStore(uid).hold(root.digest) : () => {}
}

function requireUsable(path: string, { canTakeUids }: HostFacts): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() !== true)
    throw new BoundaryUnavailableError(
      'root.gone',
      `The root ${path} is no folder any more.`,
      'It was one when the policy was read.',
    )
  if ((found.mode & WRITE_BY_OTHERS) !== 0 && (found.mode & STICKY) === 0)
    throw new BoundaryUnavailableError(
      'root.writable',
      `Everybody on this host may write to the root ${path}: the job's programs would be anybody's.`,
      `\`chmod o-w ${path}\`, once you know what is in it.`,
    )
  if (canTakeUids && (found.mode & ENTER_AND_LIST_BY_OTHERS) !== ENTER_AND_LIST_BY_OTHERS)
    throw new BoundaryUnavailableError(
      'root.closed',
      `The root ${path} is closed to others, and started by root a job is somebody else.`,
      `\`chmod o+rx ${path}\`; the folder that it lies in may stay closed.`,
    )
}

export function sameRoot(a: RootPlan, b: RootPlan): boolean {
  return a.kind === b.kind && (a.kind !== 'image' || (b.kind === 'image' && a.digest === b.digest))
}
