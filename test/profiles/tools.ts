/** What the tests of the built-in profiles share: a profile's own first line, pasted; a secret and a server of the host's. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from '../support/checkout.js'
import { onInternet, type Zone } from '../support/internet/index.js'
import { type Finished, finished } from '../support/spawned.js'
import { type TestUser, USERS } from '../support/users.js'

/** What the profile's file says to paste, without its `glovebox run`. */
export function usage(profile: string): string[] {
  const text = readFileSync(join(ROOT, 'policies', `${profile}.yaml`), 'utf8')
  const [, line] = /^#\n# {3}glovebox run (.*)$/m.exec(text) ?? []
  if (line === undefined) throw new Error(`policies/${profile}.yaml does not open with a usage line`)
  return line.split(' ')
}

interface Where {
  readonly flags?: readonly string[]
  /** the working directory; the job's files lie there and are written there */
  readonly folder: string
}

/** `glovebox run FLAGS ARGS` as this user. */
export function run(
  user: TestUser,
  args: readonly string[],
  { flags = [], folder }: Where,
): Promise<Finished> {
  return finished(user.as(user.cli(['run', ...flags, ...args])), {
    cwd: folder,
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
}

/** The line of the profile, word for word. */
export const pasted = (user: TestUser, profile: string, where: Where) => run(user, usage(profile), where)

interface Internet extends Where {
  readonly zone: Zone
  readonly sites: string
  readonly env: NodeJS.ProcessEnv
}

/** The same where the far side of a small internet plays every host. */
export function runOnline(user: TestUser, args: readonly string[], where: Internet) {
  const { flags = [], folder, ...internet } = where
  return online(user, user.cli(['run', ...flags, ...args]), { folder, ...internet })
}

export function online(user: TestUser, argv: readonly string[], { folder, ...internet }: Internet) {
  return onInternet(user, folder, ['sh', '-c', 'cd "$0" && exec "$@"', folder, ...argv], internet)
}

/** As root and as an ordinary user; skipped where one of the programs is not installed. */
export function withPrograms(
  programs: readonly string[],
  name: string,
  body: (user: TestUser, t: TestContext) => Promise<void>,
): void {
  for (const user of USERS.slice(0, 2)) {
    const skip = user.skip ?? whyWithout(programs) ?? false
    test(`${name} (started by ${user.name})`, { skip }, (t) => body(user, t))
  }
}

/** The same attack without a sandbox, once. */
export function control(
  programs: readonly string[],
  name: string,
  body: (t: TestContext) => Promise<void>,
): void {
  test(`${name} (the control)`, { skip: whyWithout(programs) ?? false }, body)
}

function whyWithout(programs: readonly string[]): string | null {
  const missing = programs.find((program) => !existsSync(program))
  return missing === undefined ? null : `${missing} is not installed`
}

const PREFIX = dirname(dirname(process.execPath))

/** As policies/node.yaml says, where node lies outside /usr. */
export const NODE_FLAGS: readonly string[] =
  PREFIX === '/usr' ? [] : ['--read', PREFIX, '--env', `PATH=${PREFIX}/bin:/usr/local/bin:/usr/bin:/bin`]

export const SECRET = 'the-words-of-the-host'

/** A file of the host's that every user of it can read. */
export function secretIn(folder: string): string {
  const file = join(folder, 'secret.txt')
  writeFileSync(file, `${SECRET}\n`, { mode: 0o644 })
  return file
}

/** A web server on the host's loopback, where an admin page would be. `asked`: what it was asked for. */
export async function hostServer(
  t: TestContext,
): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(200, { 'content-type': 'image/png' }).end(PIXEL)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** A picture of one pixel. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)
