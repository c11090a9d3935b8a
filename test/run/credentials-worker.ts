/** Runs with credentials, as whoever starts this; prints what each came to. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { leaks, makeWorld, NEXT, VALUE, type World } from './credentials-world.js'

const world = await makeWorld(process.argv.includes('--waive') ? ['limits.memory'] : [])
const { url, folder } = world
const CALLER = { T: { source: 'caller' } }
const secrets = { T: VALUE }
const curl = ['curl', '-sS', url]
/** Asks until the answer is another than the first, some seconds at most. */
const untilOther = [
  'sh',
  '-c',
  `first=$(curl -s -w %{http_code} ${url}); echo "$first"; i=0
  while now=$(curl -s -w %{http_code} ${url}); [ "$now" = "$first" ] && [ $i -lt 100 ]; do i=$((i+1)); sleep 0.1; done; echo "$now"`,
]

/** What no run says whose values can't be had. */
const started = ['echo', 'started']

type Scenario = (world: World) => Promise<unknown>

const USED: Readonly<Record<string, Scenario>> = {
  'a value of the caller': ({ outcome }) => outcome(CALLER, curl, { secrets }),
  'the variable holds a placeholder': async ({ outcome }) => {
    const [reason, text] = await outcome(CALLER, ['sh', '-c', 'echo "$T"; env | grep -c ^T='], { secrets })
    return [reason, text?.replace(/glovebox_\w{32}/, 'PLACEHOLDER')]
  },
  'two runs have two placeholders': async ({ outcome }) => {
    const both = await Promise.all([1, 2].map(() => outcome(CALLER, ['sh', '-c', 'echo "$T"'], { secrets })))
    return both[0]?.[1] !== both[1]?.[1]
  },
  'a file that is replaced': async ({ outcome, secretFile }) => {
    const file = secretFile(`${VALUE}\n`, 'replaced')
    const waiting = setTimeout(() => secretFile(NEXT, 'replaced'), 1500)
    const came = await outcome({ T: { source: { file } } }, untilOther)
    clearTimeout(waiting)
    return came.map((each) => each.replace(/^T \d+ /, 'T N '))
  },
  'a file that others may read from now on': async ({ outcome, secretFile }) => {
    const file = secretFile(VALUE, 'opened')
    const waiting = setTimeout(() => chmodSync(file, 0o644), 1500)
    const came = await outcome({ T: { source: { file } } }, untilOther)
    clearTimeout(waiting)
    return came.map((each) => each.replace(/^T \d+ \d+ /, 'T N N ').replace(folder, 'FOLDER'))
  },
  'a file that is unlinked': async ({ outcome, secretFile }) => {
    const file = secretFile(VALUE, 'unlinked')
    const waiting = setTimeout(() => rmSync(file), 1500)
    const came = await outcome({ T: { source: { file } } }, untilOther)
    clearTimeout(waiting)
    return came.map((each) => each.replace(/^T \d+ \d+ /, 'T N N ').replace(folder, 'FOLDER'))
  },
  'a file that has two lines from now on': async ({ outcome, secretFile }) => {
    const file = secretFile(VALUE, 'two-lines')
    const waiting = setTimeout(() => secretFile(`${VALUE}\n${NEXT}\n`, 'two-lines'), 1500)
    const came = await outcome({ T: { source: { file } } }, untilOther)
    clearTimeout(waiting)
    return came.map((each) => each.replace(/^T \d+ \d+ /, 'T N N ').replace(folder, 'FOLDER'))
  },
  'revoked while it runs': async ({ glovebox, policy }) => {
    const run = glovebox.run(policy(CALLER), untilOther, { secrets })
    run.stdout.once('data', () => void run.revoke('T'))
    const result = await run
    const [lease] = result.report.credentials
    return [result.text().trim(), lease?.ended, (lease?.refused ?? 0) > 0]
  },
  'revoked before it has started': async ({ glovebox, policy }) => {
    const run = glovebox.run(policy(CALLER), ['curl', '-s', '-w', '%{http_code}', url], { secrets })
    await run.revoke('T')
    const result = await run
    return [result.text().trim(), result.report.credentials[0]?.ended]
  },
  'revoked by a name that is none': async ({ glovebox, policy }) => {
    const run = glovebox.run(policy(CALLER), ['true'], { secrets })
    const said = await run.revoke('X').catch((error: Error) => error.message)
    await run
    return said
  },
  'so many uses': ({ outcome }) =>
    outcome(
      { T: { source: 'caller', uses: 1 } },
      ['sh', '-c', `curl -s ${url}; curl -s -w %{http_code} ${url}`],
      {
        secrets,
      },
    ),
  'refused before it began: what its caller gave is redacted all the same': async ({ glovebox }) => {
    const run = glovebox.run({} as never, ['echo', VALUE], { secrets })
    const soon = run.redact(VALUE)
    const error = await run.catch(({ code }) => code)
    const wrapped = run.redact(Buffer.from(`u:${VALUE}`).toString('base64'))
    return [error, soon, run.redact(VALUE), wrapped.includes('[secret T]'), run.knowsValues()]
  },
  'ended before its values were known: its report has no arguments': async ({ glovebox, policy }) => {
    const command = ['/usr/bin/sleep', '60']
    const signal = AbortSignal.timeout(500)
    const held = policy({ T: { source: { command, timeout: '60s' } } })
    const run = glovebox.run(held, ['echo', VALUE, 'b'], { signal })
    const { report } = await run
    return [report.result.reason, report.command, run.knowsValues(), ...leaks(JSON.stringify(report))]
  },
  'control: ended when they were known': async ({ glovebox, policy }) => {
    const run = glovebox.run(policy(CALLER), ['echo', 'a', 'b'], { secrets })
    const { report } = await run
    return [report.result.reason, report.command, run.knowsValues()]
  },
  'cancelled while a command hangs': async ({ outcome }) => {
    const command = ['/usr/bin/sleep', '60']
    const signal = AbortSignal.timeout(500)
    return outcome({ T: { source: { command, timeout: '60s' } } }, started, { signal })
  },
}

const exchanged = (more: object = {}) => ({
  T: {
    source: {
      exchange: {
        endpoint: `${world.tokens}/token`,
        subject: 'caller',
        client: { id: 'glovebox' },
        revocation: `${world.tokens}/revoke`,
        ...more,
      },
    },
  },
})
const subject = { secrets: { T: 'subject-of-this-run' } }
/** What the server of tokens was asked meanwhile. */
const during = async (asked: string[], act: () => Promise<unknown>) => {
  const before = asked.length
  const came = await act()
  return [came, asked.slice(before)]
}

/** One after another: they look at what the server of tokens was asked. */
const MINTED: Readonly<Record<string, Scenario>> = {
  'a token that is exchanged, and revoked at the end': ({ outcome, asked }) =>
    during(asked, () => outcome(exchanged(), curl, subject)),
  'a token whose lease ends first is revoked then': async ({ glovebox, policy, asked }) =>
    during(asked, async () => {
      const credentials = { T: { ...exchanged().T, uses: 1 } }
      const cancel = new AbortController()
      const argv = ['sh', '-c', `curl -s ${url}; curl -s ${url}; sleep 50`]
      const before = asked.length
      const run = glovebox.run(policy(credentials), argv, { ...subject, signal: cancel.signal })
      const look = setInterval(() => {
        if (asked.slice(before).some((each) => each.startsWith('/revoke'))) cancel.abort()
      }, 20)
      const { reason } = await run
      clearInterval(look)
      return reason
    }),
  'a server that does not revoke': ({ outcome, answers, asked }) =>
    during(asked, async () => {
      answers['/revoke'] = (response) => response.writeHead(503).end()
      const came = await outcome(exchanged(), ['true'], subject)
      delete answers['/revoke']
      return came
    }),
  'a token for a run that is refused': ({ outcome, asked }) =>
    during(asked, () => outcome(exchanged(), curl, { ...subject, inputs: { x: '/nonexistent.invalid' } })),
  'a token, where the command holds what it is exchanged from': ({ outcome, asked }) =>
    during(asked, () => outcome(exchanged(), ['echo', 'subject-of-this-run'], subject)),
}

const INSIDE: Readonly<Record<string, Scenario>> = {
  'an argument': ({ outcome }) => outcome(CALLER, ['echo', `token ${VALUE}`], { secrets }),
  'an argument, in Base64': ({ outcome }) =>
    outcome(CALLER, ['echo', Buffer.from(`u:${VALUE}`).toString('base64')], { secrets }),
  'the environment': ({ outcome }) => outcome(CALLER, ['true'], { secrets }, { env: { COPY: VALUE } }),
  'the work directory': ({ outcome }) => outcome(CALLER, ['true'], { secrets }, { workdir: `/${VALUE}` }),
  'the name of an input': ({ outcome }) =>
    outcome(CALLER, ['true'], { secrets, inputs: { [VALUE]: new Uint8Array() } }),
  'the standard input': ({ outcome }) =>
    outcome(CALLER, ['cat'], { secrets, stdin: Buffer.from(`a${VALUE}b`) }),
  'the bytes of an input': ({ outcome }) =>
    outcome(CALLER, ['cat', 'x'], { secrets, inputs: { x: Buffer.from(`a${VALUE}b`) } }),
  'a file that is an input, across pieces': ({ outcome }) => {
    const file = join(folder, 'large')
    writeFileSync(file, `${'a'.repeat(256 * 1024 - 5)}${VALUE}`)
    return outcome(CALLER, ['cat', 'x'], { secrets, inputs: { x: file } })
  },
}

const jwt = (claims: object) =>
  ['{}', JSON.stringify(claims), 'signature'].map((each) => Buffer.from(each).toString('base64url')).join('.')
const says = (token: object) => (response: import('node:http').ServerResponse) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ token_type: 'Bearer', ...token }))
}
const AUDIENCE = {
  access_token: jwt({ aud: 'others' }),
  issued_token_type: 'urn:ietf:params:oauth:token-type:jwt',
}
const shell = (script: string) => ({ T: { source: { command: ['/bin/sh', '-c', script], timeout: '1s' } } })
const role = (path: string) => ({
  T: {
    source: {
      assumeRole: {
        role: 'arn:aws:iam::123456789012:role/jobs',
        actions: ['s3:GetObject'],
        resources: ['arn:aws:s3:::bucket/*'],
        region: 'eu-west-1',
        using: 'caller',
        endpoint: `${world.tokens}${path}`,
      },
    },
    use: { 'aws-sigv4': { region: 'eu-west-1', service: 's3' } },
  },
})
const keys = { secrets: { T: `AKIDEXAMPLE12:${VALUE}` } }
const BAD: Readonly<Record<string, Scenario>> = {
  'a variable that is not set': ({ outcome }) => outcome({ T: { source: { env: 'NOT_SET_HERE' } } }, started),
  'no value of the caller': ({ outcome }) => outcome(CALLER, started),
  'a value that nothing asks for': ({ outcome }) =>
    outcome(CALLER, started, { secrets: { ...secrets, U: VALUE } }),
  'an empty value': ({ outcome }) => outcome(CALLER, started, { secrets: { T: '' } }),
  'a value of two lines': ({ outcome }) => outcome(CALLER, started, { secrets: { T: `${VALUE}\n${NEXT}` } }),
  'a value of two lines, which the command holds too': async ({ glovebox, policy }) => {
    const run = glovebox.run(policy(CALLER), ['echo', NEXT], { secrets: { T: `${VALUE}\n${NEXT}` } })
    await run.catch(() => {})
    return run.redact(`echo ${NEXT} ${VALUE}`)
  },
  'a command that fails': ({ outcome }) =>
    outcome(shell(`echo ${VALUE}; echo ${VALUE} >&2; exit 3`), started),
  'a command that hangs': ({ outcome }) => outcome(shell(`echo ${VALUE}; sleep 60`), started),
  'a command that says too much': ({ outcome }) => outcome(shell(`yes ${VALUE}`), started),
  'a file that others can read': async ({ outcome, secretFile }) => {
    const file = secretFile(VALUE, 'open')
    chmodSync(file, 0o644)
    return (await outcome({ T: { source: { file } } }, started)).map((each) => each.replace(folder, 'FOLDER'))
  },
  'a token for another audience': ({ outcome, answers }) => {
    answers['/audience'] = says(AUDIENCE)
    return outcome(exchanged({ endpoint: `${world.tokens}/audience`, audience: 'me' }), started, subject)
  },
  'a token that is not valid yet': ({ outcome, answers }) => {
    answers['/early'] = says({
      ...AUDIENCE,
      access_token: jwt({ nbf: Math.floor(Date.now() / 1000) + 3600 }),
    })
    return outcome(exchanged({ endpoint: `${world.tokens}/early` }), started, subject)
  },
  'a token that has expired, to exchange': ({ outcome }) =>
    outcome(exchanged(), started, { secrets: { T: jwt({ exp: 1 }) } }),
  'STS that throttles for ever': ({ outcome, answers }) => {
    answers['/slow'] = (response) =>
      response.writeHead(400).end(`<Error><Code>Throttling</Code><Message>${VALUE}</Message></Error>`)
    return outcome(role('/slow'), started, keys)
  },
  'STS that is down': ({ outcome, answers }) => {
    answers['/down'] = (response) => void response.destroy()
    return outcome(role('/down'), started, keys)
  },
  'STS whose clock is another': ({ outcome, answers }) => {
    answers['/clock'] = (response) => {
      response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString())
      response.writeHead(403).end('<Error><Code>SignatureDoesNotMatch</Code></Error>')
    }
    return outcome(role('/clock'), started, keys)
  },
}

const seen: Record<string, unknown> = {}
const note = async (scenarios: Readonly<Record<string, Scenario>>, names: readonly string[]) => {
  for (const name of names) seen[name] = await scenarios[name]?.(world)
}
/** Waiting is most of it. */
const together = (scenarios: Readonly<Record<string, Scenario>>) =>
  Promise.all(Object.keys(scenarios).map((name) => note(scenarios, [name])))
await together(USED)
await note(MINTED, Object.keys(MINTED))
await together({ ...INSIDE, ...BAD })
console.log(JSON.stringify(seen))
await world.close()
process.exit()
