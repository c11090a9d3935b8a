import type { HeldCredentials, Watched } from './held.js'
import { whose } from './held.js'
import { LiveGuard } from './live-guard.js'
import { Needles } from './scan/scanner.js'
import { type CredentialDenial, denied } from './verdicts.js'

export type BodyPiece = { readonly bytes: Buffer } | ({ readonly kind: 'denied' } & CredentialDenial)

/** A request's body, on its way to any host: nothing of it goes on that is, or stands for, a value which is not for there. */
export class RequestBodyGuard {
  readonly #guard: LiveGuard
  readonly #held: HeldCredentials

  /**
   * @param swapped names of credentials whose placeholder is swapped in this body, and so may stand in it
   * @param prompt both sides wait for each other in turn (`StreamGuard`)
   */
  constructor(held: HeldCredentials, swapped: readonly string[], prompt = false) {
    this.#held = held
    this.#guard = new LiveGuard(() => needlesFor(held, swapped), 'cut', prompt)
  }

  push(piece: Buffer, last = false): BodyPiece {
    const { bytes, hits, cut } = this.#guard.push(piece, last)
    const [hit] = hits
    if (!cut || hit === undefined) return { bytes }
    const { name, placeholder } = whose(hit.name)
    this.#held.find(name)?.lease.refuse()
    const hint = placeholder
      ? `credentials.${name} is not for the body of this request`
      : `the value of credentials.${name} got into the sandbox: change it at its source`
    return { kind: 'denied', ...denied(placeholder ? 'denyCredentialElsewhere' : 'denySecret', name, hint) }
  }
}

const made = new WeakMap<Watched, Map<string, Needles>>()

/** Made once for each set of names: to make them costs more than to look through a small body. */
function needlesFor({ watched }: HeldCredentials, swapped: readonly string[]): Needles {
  if (swapped.length === 0) return watched.all
  const known = made.get(watched) ?? new Map<string, Needles>()
  made.set(watched, known)
  const key = swapped.join()
  const needles =
    known.get(key) ??
    new Needles(
      watched.all.wanted.patterns.filter((pattern) => {
        const { name, placeholder } = whose(pattern.name)
        return !placeholder || !swapped.includes(name)
      }),
    )
  known.set(key, needles)
  return needles
}
