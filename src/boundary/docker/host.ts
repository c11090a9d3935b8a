/** The machine as a container of the engine finds it: its limits and its ids are the engine's to give, not this process's. Pure. */
import type { Engine, HostFacts } from '../../host/index.js'

/** The engine; `null`: none was looked for, or it can't be used. */
export function engineIn({ engine }: HostFacts): Engine | null {
  return engine?.kind === 'here' ? engine.engine : null
}

export function asContained(host: HostFacts): HostFacts {
  const engine = engineIn(host)
  return {
    ...host,
    // one that it has alone: by another than root, too
    canTakeUids: true,
    // no engine shows a folder under other owners
    canIdmap: false,
    // the engine's own profile, if any, is put on by the engine
    securityModule: null,
    cgroups: {
      version: engine?.cgroupVersion ?? null,
      bases: [],
      controllers: engine?.controllers ?? [],
      missing: 'The Docker Engine of this host can not set it (`docker info` warns of it).',
    },
  }
}
