import { type HostAnswer, hostPath, type ResolveHostPath } from './host-path.js'
import { imageReference, referenceText } from './image-reference.js'
import type { PathAnswer } from './inside-path.js'
import { isWithin } from './paths.js'
import type { Places } from './places.js'
import type { Root, WriteGrant } from './policy.js'
import type { Problems } from './problems.js'
import { show } from './quote.js'

const HOST: Root = { kind: 'host' }

/** Where Glovebox keeps images and notes as root: a root that holds it would show it. */
const STATE = '/var/lib/glovebox'

interface Context {
  readonly places: Places
  readonly problems: Problems
  readonly resolve: ResolveHostPath
}

/** `host`, `dir:PATH` or `image:REFERENCE` in its canonical form. */
export function readRoot(written: unknown, { places, problems, resolve }: Context): Root {
  if (typeof written !== 'string' || written === 'host' || problems.within(['root'])) return HOST
  const [, kind, named = ''] = /^(dir|image):(.*)$/s.exec(written) ?? []
  const wrong = (code: string, { what, advice }: { what: string; advice: string }): Root => {
    problems.add(code, ['root'], `${show(named)} ${what}`, advice)
    return HOST
  }
  if (kind === 'image') {
    const reference = imageReference(named)
    if ('what' in reference) return wrong('policy.badImage', reference)
    return { kind: 'image', reference: referenceText(reference) }
  }
  const answer = folder(named, places.of(['root']).base, resolve)
  return 'path' in answer ? { kind: 'dir', path: answer.path } : wrong('policy.badHostPath', answer)
}

function folder(written: string, base: string, resolve: ResolveHostPath): PathAnswer {
  let real: HostAnswer | null = null
  const answer = hostPath(written, 'read', base, (path) => {
    real = resolve(path)
    return real
  })
  if (!('path' in answer)) return answer
  if (answer.kind !== 'directory')
    return { what: 'is not a folder.', advice: 'Write the folder that is to be the root.' }
  const { installation = null } = (real ?? {}) as { installation?: string }
  const held = [STATE, installation].find((place) => place !== null && isWithin(place, answer.path))
  if (held !== undefined)
    return {
      what: `holds ${held}, which is Glovebox's own.`,
      advice: 'Write a folder that was made to be a root.',
    }
  return answer
}

/** What one job wrote, the next would execute. */
export function checkRootWrites(root: Root, write: readonly WriteGrant[], problems: Problems): void {
  if (root.kind !== 'dir') return
  for (const [i, { host }] of write.entries()) {
    if (!isWithin(host, root.path) && !isWithin(root.path, host)) continue
    const what = `${show(host)} is written to, and is part of the root ${show(root.path)}.`
    problems.add('policy.contradiction', ['files', 'write', i], what, 'Choose a folder outside of the root.')
  }
}

export function rootText(root: Root): string {
  if (root.kind === 'host') return 'host'
  return root.kind === 'dir' ? `dir:${root.path}` : `image:${root.reference}`
}
