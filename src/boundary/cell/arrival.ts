/** From a request to cell to all that its sandbox is talked to by. */
import type { NetworkEnd } from '../boundary.js'
import type { EndedNews, Launcher, NetworkNews, PassedHandle, Stream } from './launcher.js'

export type Network = readonly (NetworkEnd & { readonly handle: PassedHandle })[]

export interface Arrived {
  readonly handles: ReadonlyMap<Stream, PassedHandle>
  /** empty without a network */
  readonly network: Network
  /** `null`: it has no network */
  readonly seen: NetworkNews | null
  /** nothing of it is left */
  readonly ended: Promise<EndedNews>
  /** ends it now */
  kill(): void
  /** what it has used until now */
  used(): Promise<EndedNews>
}

export interface Asked {
  readonly id: number
  readonly head: Buffer
  readonly request: Buffer
  /** what has to arrive, besides the ends of its network */
  readonly streams: readonly Stream[]
  readonly networked: boolean
}

/**
 * Resolves as soon as it can be talked to.
 * @param failure what it is called when it ends before
 */
export function arrival(
  launcher: Launcher,
  { id, head, request, streams, networked }: Asked,
  failure: (news: EndedNews) => Error,
): Promise<Arrived> {
  return new Promise((resolve, reject) => {
    const handles = new Map<Stream, PassedHandle>()
    const network: (NetworkEnd & { readonly handle: PassedHandle })[] = []
    let seen: NetworkNews | null = null
    let isHere = false
    let end: (news: EndedNews) => void
    const ended = new Promise<EndedNews>((settle) => {
      end = settle
    })
    launcher.start(id, head, request, {
      handle(name, handle, news) {
        if (name === 'connections' || name === 'names') network.push({ kind: name, handle })
        else handles.set(name, handle)
        seen = news ?? seen
        if (isHere || !streams.every((each) => handles.has(each)) || (networked && seen === null)) return
        isHere = true
        resolve({
          handles,
          network,
          seen,
          ended,
          kill: () => launcher.kill(id),
          used: () => launcher.used(id),
        })
      },
      ended(news) {
        end(news)
        if (isHere) return
        closeAll(handles.values())
        closeAll(network.map(({ handle }) => handle))
        reject(failure(news))
      },
    })
  })
}

/** Closing one that another end of the program has closed already does nothing. */
export function closeAll(handles: Iterable<PassedHandle>): void {
  for (const handle of handles) handle.close?.()
}
