/**
 * Where Glovebox runs as root: cell holds each container's first process, and makes its network. What it holds ends when this process does,
 * whatever becomes of the engine.
 */
import { statSync } from 'node:fs'
import { LaunchError } from '../../errors/index.js'
import type { HostFacts } from '../../host/index.js'
import { InForce, type Plan } from '../../plan/index.js'
import { frame, text, u32, u64 } from '../agent/wire.js'
import { type Arrived, arrival, closeAll } from '../cell/arrival.js'
import { clean } from '../cell/failure.js'
import { Launcher } from '../cell/launcher.js'
import { isNetworked, launchHead, networkFrame, placeMode, pointKind } from '../cell/request.js'

export type Held = Omit<Arrived, 'handles'>

/** What is done to a container, where an engine has no words for it. */
export type Holding = {
  /** as whom it runs, on the host */
  readonly owner: number
} & (
  | {
      /** its mounts are finished, and it has its network */
      readonly kind: 'container'
      /** contents of files, by their paths inside: in place of what the engine shows there */
      readonly files: Readonly<Record<string, Uint8Array>>
    }
  /** it has nothing but a network, which another container's sentry takes */
  | { readonly kind: 'network' }
  /** its mounts are the gofer's; `gofer`: as this host numbers it */
  | { readonly kind: 'sentry'; readonly gofer: number }
)

export class Keeper {
  readonly #host: HostFacts
  readonly #single: boolean
  #launcher: Launcher
  #count = 0

  constructor(host: HostFacts, single: boolean) {
    // a container's cgroup is the engine's
    this.#host = { ...host, cgroups: { ...host.cgroups, bases: [] } }
    this.#single = single
    this.#launcher = this.#newLauncher()
  }

  /**
   * `pid`: of the first process of `container`, which waits to be told what to do.
   * @throws LaunchError
   */
  async hold(pid: number, container: string, plan: Plan, holding: Holding): Promise<Held> {
    if (this.#launcher.ended) this.#launcher = this.#newLauncher()
    const launcher = this.#launcher
    const id = ++this.#count
    const networked = holding.kind !== 'sentry' && isNetworked(plan, InForce.all)
    const request = Buffer.concat([
      frame('P', u32(pid), u32(holding.owner), text(container)),
      ...holdingFrames(plan, holding),
      ...(networked
        ? [networkFrame(plan.network, { network: holding.kind === 'network' ? 'beyond' : 'here' })]
        : []),
    ])
    const head = launchHead(id, { ...plan, limits: { ...plan.limits, cpus: null } }, this.#host, id)
    const asked = { id, head, request, streams: ['control'] as const, networked }
    const { handles, ...held } = await arrival(
      launcher,
      asked,
      ({ text }) => launcher.damage() ?? unheld(text),
    )
    closeAll(handles.values()) // that it came is all it says
    return held
  }

  /** Ends all that is held. */
  close(): Promise<void> {
    return this.#launcher.close()
  }

  #newLauncher(): Launcher {
    return new Launcher(this.#host, { option: '--engine', path: 'docker', more: [] }, this.#single)
  }
}

function holdingFrames(plan: Plan, holding: Holding): Buffer[] {
  switch (holding.kind) {
    case 'container': {
      const files = Object.entries(holding.files).map(([path, content]) => frame('w', text(path), content))
      return [...scratchFrames(plan), ...files]
    }
    case 'network':
      return []
    case 'sentry':
      return [
        frame('G', u32(holding.gofer)),
        ...plan.files.scratch.places.map((place) => frame('W', text(place))),
      ]
  }
}

/** One file system for all its folders; outer ones first. */
function scratchFrames({ files: { scratch, read, live } }: Plan): Buffer[] {
  const places = [...scratch.places].sort((a, b) => a.split('/').length - b.split('/').length)
  const nested = [...read, ...live].filter(({ inside }) =>
    places.some((place) => inside.startsWith(`${place}/`)),
  )
  return [
    frame('s', u64(scratch.bytes), u64(scratch.inodes), ...places.map((place) => u32(placeMode(place)))),
    ...places.map((place) => frame('W', text(place))),
    ...nested.map(({ inside, host }) => frame('N', Buffer.from([kindOf(host)]), text(inside))),
  ]
}

function kindOf(path: string): number {
  return pointKind(statSync(path).isDirectory() ? 'folder' : 'file')
}

function unheld(said: string): LaunchError {
  if (said.includes('not in this pid namespace'))
    return new LaunchError(
      'launch.failed',
      'The container that the Docker Engine started is not among the processes that can be seen here: the engine is outside of this container.',
      'Run Glovebox beside the engine, or in a container with `--pid host`.',
    )
  return new LaunchError(
    'launch.failed',
    `The container could not be held: ${clean(said.trim())}.`,
    '`glovebox doctor` looks for what this host is missing.',
  )
}
