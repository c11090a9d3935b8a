/** Looks for a Docker Engine: at its socket, and by two questions. Only who wants the boundary `docker`, and doctor, does. */
import { readFileSync, statSync } from 'node:fs'
import { release } from 'node:os'
import { packageOf } from '../packages.js'
import { ask, NoAnswer } from './ask.js'
import { type Engine, type EngineFacts, engineOf, whereIs } from './facts.js'

const ANSWER_MS = 5000

/** @param dockerHost the caller's `DOCKER_HOST` */
export async function lookAtEngine(
  dockerHost = process.env.DOCKER_HOST,
  withinMs = ANSWER_MS,
): Promise<EngineFacts> {
  const where = whereIs(dockerHost)
  if (where.kind !== 'socket') return where
  const socket = where.path
  const why = ownerFault(socket)
  if (why !== '') return { kind: 'unusable', socket, why }
  try {
    const version = await ask(socket, '/version', withinMs)
    const engine = engineOf(version, await ask(socket, '/info', withinMs))
    if (typeof engine === 'string') return { kind: 'unusable', socket, why: engine }
    const elsewhere = engine.kernel !== release()
    return { kind: 'here', socket, engine, packages: packagesOf(engine, elsewhere), elsewhere }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    return notThere(socket, error)
  }
}

/** dpkg knows this machine's programs, and nothing of another's. */
function packagesOf(engine: Engine, elsewhere: boolean) {
  const component = (name: string) => engine.components.find((each) => each.name === name)?.version ?? null
  const known = (names: readonly string[], path: string, version: string | null) =>
    elsewhere ? null : packageOf({ read }, names, path, version)
  return {
    docker: known(['docker.io'], '/usr/sbin/dockerd', engine.version),
    containerd: known(['containerd'], '/usr/bin/containerd', component('containerd')),
    runc: known(['runc'], '/usr/sbin/runc', component('runc')),
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function notThere(socket: string, { errno, message }: NoAnswer): EngineFacts {
  if (errno === 'EACCES' || errno === 'EPERM') return { kind: 'forbidden', socket }
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return { kind: 'absent', socket, why: `There is no ${socket}.` }
  if (errno === 'ECONNREFUSED') return { kind: 'absent', socket, why: `Nobody listens on ${socket}.` }
  return { kind: 'unusable', socket, why: errno === null ? message : `${message} (${errno})` }
}

/** A socket that another user made, in a folder that everybody may write to, would get the job and its files. */
function ownerFault(socket: string): string {
  try {
    const { uid } = statSync(socket)
    return uid === 0 || uid === process.geteuid?.()
      ? ''
      : `The socket belongs to uid ${uid}: neither to root nor to this user.`
  } catch {
    return '' // the connection says why
  }
}
