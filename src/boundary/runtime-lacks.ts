/**
 * What keeps runc, gVisor or a Docker Engine from being a boundary here, and what gets it: the words of a boundary's own
 * `unavailable`, which decides alone, and of doctor, which says what a host has. Pure.
 */
import type { EngineFacts, HostFacts, IdRange, ProgramFacts } from '../host/index.js'
import { isSystrapRelease, missingWords, refusedWords } from './runsc-words.js'

export interface Lack {
  readonly what: string
  /** the command or change */
  readonly get: string
}

const DNF = ['fedora', 'rhel', 'centos', 'rocky', 'almalinux', 'amzn']

/** The command that installs a package here. Names are Debian's, which most others share. */
export function installAdvice(packageName: string, host: HostFacts): string {
  const { distribution } = host.surroundings()
  if (distribution === 'alpine') return `\`apk add ${packageName}\``
  if (DNF.includes(distribution ?? '')) return `\`dnf install ${packageName}\``
  return `\`apt-get install ${packageName}\``
}

/** Root needs the program; an ordinary user also a second id, which newuidmap gives. */
export function runcLack(host: HostFacts): Lack | null {
  return programLack('runc', host.runtimes().runc, host) ?? idsLack(host, 1)
}

/** … or a third: whoever opens files for the sentry is another than the sentry. */
export function runscLack(host: HostFacts): Lack | null {
  return programLack('runsc', host.runtimes().runsc, host) ?? idsLack(host, 2)
}

function idsLack(host: HostFacts, needed: 1 | 2): Lack | null {
  const { subordinateIds: ids } = host.runtimes()
  if (host.uid === 0) return null
  if (ids.newuidmap === null || ids.newgidmap === null)
    return {
      what: 'newuidmap and newgidmap are not installed: without root a container gets no second user.',
      get: `${installAdvice('uidmap', host)} installs them.`,
    }
  const counted = (ranges: readonly IdRange[]) => ranges.reduce((all, { count }) => all + count, 0)
  const lacking = counted(ids.uids) < needed ? 'subuid' : counted(ids.gids) < needed ? 'subgid' : null
  if (lacking !== null)
    return {
      what: `/etc/${lacking} gives this user (uid ${host.uid}) ${needed === 1 ? 'no ids' : 'fewer than two ids'} of its own.`,
      get: `As root, \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 "$(id -un ${host.uid})"\`, with a range that /etc/subuid gives nobody else.`,
    }
  return null
}

/** … and says which it is: to hear that it is started. */
export function programLack(
  name: string,
  facts: ProgramFacts,
  host: HostFacts,
  packageName = name,
): Lack | null {
  const lack = programAbsence(name, facts, host, packageName)
  if (lack !== null || facts.version !== null) return lack
  return {
    what: `${facts.path} does not say which version it is.`,
    get: `${installAdvice(packageName, host)} installs one that does.`,
  }
}

/** @param packageName that the program comes with, where it is called otherwise */
export function programAbsence(
  name: string,
  facts: ProgramFacts,
  host: HostFacts,
  packageName = name,
): Lack | null {
  if (facts.path === null)
    return { what: `${name} is not installed.`, get: `${installAdvice(packageName, host)} installs it.` }
  if (facts.distrusted !== '')
    return {
      what: `${facts.path} is not used: ${facts.distrusted}`,
      get: `Whoever may write there would choose what runs: ${installAdvice(packageName, host)}, or \`chown root:root\` and \`chmod go-w\` the path that is named.`,
    }
  return null
}

/** Engines that Glovebox can't give what a sandbox needs are refused by name, with the boundary that fits instead. */
export function engineLack(host: HostFacts): Lack | null {
  const { engine } = host
  if (engine === null) return { what: 'No Docker Engine was looked for.', get: '`glovebox doctor` looks.' }
  if (engine.kind === 'here') return fitLack(engine)
  if (engine.kind === 'remote')
    return {
      what: `DOCKER_HOST leads to another machine (${engine.address}): a sandbox there could have nothing of this one, neither its gateway nor its files.`,
      get: '`unset DOCKER_HOST` takes the engine of this machine; or run Glovebox on that one. `boundary: process` needs no engine.',
    }
  if (engine.kind === 'wrong')
    return { what: engine.why, get: 'Write `DOCKER_HOST=unix:///path`, or unset it.' }
  if (engine.kind === 'absent')
    return {
      what: `No Docker Engine is here: ${engine.why}`,
      get: `${installAdvice('docker.io', host)} installs one, \`systemctl start docker\` starts it. \`boundary: process\` needs none.`,
    }
  if (engine.kind === 'forbidden')
    return {
      what: `This user (uid ${host.uid}) may not connect to ${engine.socket}.`,
      get: `As root, \`usermod -aG docker "$(id -un ${host.uid})"\`, and log in again; who is in that group is as good as root on this host. \`boundary: runc\` and \`boundary: process\` need no such right.`,
    }
  return {
    what: `What listens on ${engine.socket} is not used: ${engine.why}`,
    get: 'Look which program that is, `ss -xlp`; or name the right one, `DOCKER_HOST=unix:///path`.',
  }
}

function fitLack({ engine, elsewhere }: Extract<EngineFacts, { kind: 'here' }>): Lack | null {
  if (engine.desktop)
    return {
      what: 'This engine is Docker Desktop: its containers run in a virtual machine, out of reach of the cgroups and the network that Glovebox makes here.',
      get: '`boundary: process` fits: on Linux beside it, elsewhere in one of its containers, with the flags in docs/hosts.md.',
    }
  if (elsewhere)
    return {
      what: `This engine runs containers on another kernel (${engine.kernel}) than this process has: in a virtual machine, or on another machine.`,
      get: 'Run Glovebox where the engine is. `boundary: process` needs no engine.',
    }
  if (engine.rootless)
    return {
      what: 'This engine runs without root: it lies in a network and a user namespace of its own, and can give a sandbox no network of Glovebox’s.',
      get: '`boundary: runc` and `boundary: process` give an ordinary user the same containment without an engine.',
    }
  return null
}

/** An engine that has gVisor's runtime, by words that leave none of it off. The words are the operator's: Glovebox writes none. */
export function engineRunscLack(host: HostFacts): Lack | null {
  return engineLack(host) ?? programLack('runsc', host.runtimes().runsc, host) ?? registeredLack(host)
}

function registeredLack(host: HostFacts): Lack | null {
  const { path, version } = host.runtimes().runsc
  const registered = host.engine?.kind === 'here' ? host.engine.engine.runsc : null
  const get = `Write \`${daemonWords(path ?? '/usr/bin/runsc', version)}\` in /etc/docker/daemon.json, then \`systemctl reload docker\`.`
  if (registered === null) return { what: 'The Docker Engine has no runtime that is called runsc.', get }
  if (registered.path !== path)
    return {
      what: `The Docker Engine's runtime runsc is ${registered.path ?? 'none that is named by a path'}, and ${path} is the one that is known here.`,
      get,
    }
  const [refused] = refusedWords(registered.args)
  if (refused !== undefined)
    return {
      what: `The Docker Engine's runtime runsc is started with ${JSON.stringify(refused)}, of which it is not known that it leaves the sandbox whole.`,
      get,
    }
  const [missing] = missingWords(registered.args, version)
  if (missing !== undefined)
    return { what: `The Docker Engine's runtime runsc is started without ${missing}.`, get }
  return null
}

/** What is to be written for it. */
function daemonWords(path: string, version: string | null): string {
  const runtimeArgs = isSystrapRelease(version) ? { runtimeArgs: missingWords([], version) } : {}
  return JSON.stringify({ runtimes: { runsc: { path, ...runtimeArgs } } })
}
