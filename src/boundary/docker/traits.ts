/** What an engine is, as far as sandboxes depend on it, and why one can't be used. Pure. */
import type { Info, Version } from './answers.js'
import type { EngineTraits } from './create-body.js'
import { EngineError, said } from './problems.js'
import type { ApiVersion } from './version.js'

export interface Traits extends EngineTraits {
  /** containers have a user namespace: ids inside are others on the host (`userns-remap`, rootless) */
  readonly remapped: boolean
  readonly runtimes: readonly string[]
  /** limits that are discarded here, with a warning at most, by the words of the policy */
  readonly unlimited: readonly ('memory' | 'cpus' | 'processes')[]
  /** containers live on while dockerd does not */
  readonly liveRestore: boolean
}

/** @throws EngineError when no sandbox can be had from it, whatever the policy */
export function traitsOf(api: ApiVersion, version: Version, info: Info): Traits {
  const foreign = (version.Components ?? []).find(({ Name }) => /podman/i.test(Name))
  if (foreign !== undefined)
    throw unusable(
      `What answers in the place of a Docker Engine is ${said(foreign.Name)}, which takes the same words and leaves some out.`,
      'Use `boundary: runc` with it, which needs no engine.',
    )
  if (info.OSType !== undefined && info.OSType !== null && info.OSType !== 'linux')
    throw unusable(`The Docker Engine runs ${said(info.OSType)} containers.`, 'Linux is needed.')
  if (/docker desktop/i.test(info.OperatingSystem ?? ''))
    throw unusable(
      "The Docker Engine runs in Docker Desktop's virtual machine, where none of this machine's files are.",
      'Use an engine of this machine (`docker context use default`), or run Glovebox in that machine.',
    )
  const options = (info.SecurityOptions ?? []).map((option) => /^name=([^,]*)/.exec(option)?.[1] ?? option)
  if (!options.includes('seccomp'))
    throw unusable(
      'The Docker Engine has no seccomp: no system call would be refused.',
      'Use a kernel and an engine that were built with it.',
    )
  return {
    api,
    cgroups: info.CgroupVersion === '2' ? 2 : 1,
    remapped: options.includes('userns') || options.includes('rootless'),
    runtimes: Object.keys(info.Runtimes ?? {}),
    unlimited: [
      ...(info.MemoryLimit === true ? [] : (['memory'] as const)),
      ...(info.CpuCfsQuota === true ? [] : (['cpus'] as const)),
      ...(info.PidsLimit === true ? [] : (['processes'] as const)),
    ],
    liveRestore: info.LiveRestoreEnabled === true,
  }
}

const unusable = (what: string, get: string) => new EngineError('docker.unusable', what, get)
