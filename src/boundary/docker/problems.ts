/** What can go wrong between Glovebox and a Docker Engine, in sentences. Pure. */
import { LaunchError, visible } from '../../errors/index.js'

export type EngineProblem =
  | 'docker.noEngine'
  | 'docker.permission'
  | 'docker.tooOld'
  | 'docker.tooNew'
  | 'docker.lost'
  | 'docker.timeout'
  | 'docker.answer'
  | 'docker.noImage'
  | 'docker.gone'
  | 'docker.conflict'
  | 'docker.noRuntime'
  /** its runsc can't be started in a network namespace of this kernel */
  | 'docker.sentry'
  | 'docker.unusable'
  | 'docker.refused'

/** The engine, or the way to it; never the job. */
export class EngineError extends LaunchError {
  declare readonly code: EngineProblem

  constructor(code: EngineProblem, what: string, advice = '') {
    super(code, what, advice)
  }
}

export function isProblem(error: unknown, ...codes: readonly EngineProblem[]): boolean {
  return error instanceof EngineError && codes.includes(error.code)
}

/** Text of the engine's, for one line of a message. */
export function said(text: string): string {
  return visible(text.trim().replaceAll(/\s+/g, ' ').replace(/\.$/, '').slice(0, 300))
}

const RESTARTED =
  'It was stopped or restarted: `journalctl -u docker` says why. What was running is gone; run it again.'

/** Of the connection: `asked` is what was asked for, e.g. `POST /containers/create`. */
export function connectionProblem(socket: string, asked: string, code: string, detail: string): EngineError {
  const at = visible(socket)
  if (code === 'ENOENT')
    return new EngineError(
      'docker.noEngine',
      `There is no Docker Engine at ${at}.`,
      'Start it (`systemctl start docker`), or install one (`apt-get install docker.io`).',
    )
  if (code === 'ECONNREFUSED' || code === 'ENOTSOCK')
    return new EngineError(
      'docker.noEngine',
      `Nobody answers at ${at}: dockerd does not run.`,
      'Start it: `systemctl start docker`.',
    )
  if (code === 'EACCES' || code === 'EPERM')
    return new EngineError(
      'docker.permission',
      `This user may not talk to the Docker Engine at ${at}.`,
      'Members of the group docker may (`usermod -aG docker USER`, then log in again); each of them is as good as root on this machine.',
    )
  if (['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE'].includes(code))
    return new EngineError('docker.lost', `The Docker Engine ended the connection at ${asked}.`, RESTARTED)
  if (code.startsWith('HPE_'))
    return new EngineError(
      'docker.answer',
      `What answers at ${at} does not speak HTTP (${said(detail)}).`,
      'Is it the socket of a Docker Engine?',
    )
  return new EngineError(
    'docker.lost',
    `The Docker Engine at ${at} can't be talked to: ${said(detail)}.`,
    '`docker version` says whether it answers others.',
  )
}

/** Of an engine that answered before. */
export const lostAt = (socket: string) => ({
  what: `The Docker Engine at ${visible(socket)} was lost while the job ran: it was stopped, restarted or killed.`,
  get: '`journalctl -u docker` says why; run it again.',
})

export function tooSlow(asked: string, ms: number): EngineError {
  return new EngineError(
    'docker.timeout',
    `The Docker Engine did not answer ${asked} within ${ms / 1000} s.`,
    'Is the machine overloaded, or dockerd stuck? `docker info` answers at once on a sound one.',
  )
}

/** An answer that can't be what the API says. */
export function badAnswer(asked: string, what: string): EngineError {
  return new EngineError(
    'docker.answer',
    `The Docker Engine's answer to ${asked} can't be used: ${said(what)}.`,
    'Is it a Docker Engine (`docker version`), and not something that answers in its place?',
  )
}

export function diskFull(asked: string): EngineError {
  return new EngineError(
    'docker.refused',
    `There is no room left where the Docker Engine keeps images and containers: it can't do ${asked}.`,
    '`docker info` says where that is, `docker system df` what takes it up; nothing of this was kept.',
  )
}

/** An answer with the status of an error; `message` is the engine's. */
export function refusal(asked: string, status: number, message: string): EngineError {
  const text = said(message)
  const runtime = /(?:unknown or invalid runtime name|unknown runtime specified):? (\S+)/i.exec(message)
  if (runtime !== null)
    return new EngineError(
      'docker.noRuntime',
      `The Docker Engine has no runtime ${said(runtime[1] ?? '')}.`,
      'Name it under "runtimes" in /etc/docker/daemon.json and reload dockerd (`runsc install` does so for gVisor).',
    )
  if (/cannot run with network enabled in root network namespace/.test(message))
    return new EngineError(
      'docker.sentry',
      'The runsc of this engine takes every network namespace for the host’s own: its releases before August 2024 do since Linux 6.10.',
      'Install a newer release of gVisor; or register it with `--network=none`, for policies without a network; or cover /proc/sys/net for containerd, see docs/docker.md.',
    )
  if (/no space left on device/i.test(message)) return diskFull(asked)
  if (status === 404 && /no such image/i.test(message))
    return new EngineError(
      'docker.noImage',
      `The Docker Engine no longer has the image it was told to run: ${text}.`,
      'Something removed it meanwhile (`docker image prune`?); run it again.',
    )
  if (status === 404)
    return new EngineError(
      'docker.gone',
      `The Docker Engine knows nothing of what ${asked} was about: ${text}.`,
      'Somebody else removed it (`docker events` shows who does); run it again.',
    )
  if (status === 409)
    return new EngineError(
      'docker.conflict',
      `The Docker Engine can't do ${asked} now: ${text}.`,
      '`docker ps -a` shows what is in the way.',
    )
  if (status === 403)
    return new EngineError(
      'docker.permission',
      `The Docker Engine does not allow ${asked}: ${text}.`,
      'An authorization plugin of the engine forbids it; ask whoever runs the engine.',
    )
  return new EngineError(
    'docker.refused',
    `The Docker Engine refused ${asked} (${status}): ${text}.`,
    '`glovebox doctor` looks for what this host is missing, and `journalctl -u docker` has what the engine says.',
  )
}
