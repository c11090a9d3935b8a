/**
 * The attack: a program of any kind reaches a host that its policy does not name. A regression would show as a connection at the
 * far side. No program here knows of Glovebox: there is no proxy variable and no certificate of ours.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sharedFolder, testFolder } from '../support/checkout.js'
import { onInternet } from '../support/internet/index.js'
import { asEachNetworkUser, SUITE_IS_ROOT, type TestUser, USERS } from '../support/users.js'

const WORLD = fileURLToPath(new URL('clients-world.js', import.meta.url))
const ALLOWED = '93.184.216.34'
const OTHER = '93.184.216.99'
const ELSEWHERE = ['other.test', OTHER, '169.254.169.254', '10.99.0.1']
const ZONE = { 'allowed.test': [[ALLOWED]], 'other.test': [[OTHER]] }

const SITES = sharedFolder()
makeCertificates()
makeRepository()
const PGDATA = makeDatabase()

interface Client {
  readonly name: string
  readonly program: string
  readonly ports?: readonly number[]
  /** argv inside that reaches `host`; `ca.pem` lies in the work directory */
  argv(host: string): string[]
  readonly says: RegExp
  /** the far side's server is a program of its own, which does not say who came */
  readonly untold?: true
  readonly inputs?: readonly string[]
  readonly flags?: readonly string[]
}

const CLIENTS: readonly Client[] = [
  {
    name: 'curl',
    program: '/usr/bin/curl',
    argv: (host) => ['curl', '-sS', '-m', '10', '--cacert', 'ca.pem', `https://${host}/page`],
    says: /hello from allowed\.test GET \/page/,
  },
  {
    name: 'Python',
    program: '/usr/bin/python3',
    argv: (host) => [
      '/usr/bin/python3',
      '-c',
      `import ssl, urllib.request as u; print(u.urlopen("https://${host}/page", timeout=10, context=ssl.create_default_context(cafile="ca.pem")).read())`,
    ],
    says: /hello from allowed\.test GET \/page/,
  },
  {
    name: 'Node',
    program: process.execPath,
    argv: (host) => [
      process.execPath,
      '-e',
      `require('https').get({host: '${host}', path: '/page', ca: require('fs').readFileSync('ca.pem'), timeout: 10000}, (r) => r.pipe(process.stdout)).on('error', (e) => { console.error(e.code); process.exit(1) })`,
    ],
    says: /hello from allowed\.test GET \/page/,
    flags: process.execPath.startsWith('/usr/') ? [] : ['--read', join(process.execPath, '../..')],
  },
  {
    name: 'git',
    program: '/usr/bin/git',
    argv: (host) => [
      'sh',
      '-c',
      `git -c http.sslCAInfo="$PWD/ca.pem" clone -q https://${host}/repository.git got && cat got/file`,
    ],
    says: /from the repository/,
  },
  {
    name: 'openssl s_client',
    program: '/usr/bin/openssl',
    argv: (host) => [
      'sh',
      '-c',
      `printf 'GET /page HTTP/1.0\\r\\nHost: ${host}\\r\\n\\r\\n' | openssl s_client -quiet -verify_return_error -CAfile ca.pem -servername ${host} -connect ${host}:443`,
    ],
    says: /hello from allowed\.test GET \/page/,
  },
  {
    name: 'psql',
    program: '/usr/bin/psql',
    ports: [5432],
    argv: (host) => [
      'psql',
      '-At',
      `host=${host} user=tester dbname=postgres connect_timeout=10`,
      '-c',
      "select 'from the ' || 'database'",
    ],
    says: /from the database/,
    untold: true,
  },
  {
    name: 'Java',
    program: '/usr/bin/java',
    argv: (host) => [
      'java',
      '-Xmx128m',
      '-Djavax.net.ssl.trustStore=trust.p12',
      'Fetch.java',
      `https://${host}/page`,
    ],
    says: /hello from allowed\.test GET \/page/,
    inputs: existsSync('/usr/bin/keytool') ? [makeTrustStore(), makeFetch()] : [],
    flags: ['--memory', '1GiB', '--processes', '256', '--cpus', '2'],
  },
]

for (const client of CLIENTS) {
  const missing = existsSync(client.program) ? null : `${client.program} is not installed`
  asEachNetworkUser(
    `${client.name} reaches the host that the policy names, unmodified, and no other`,
    async (user, t) => {
      const folder = testFolder(t, 0o755)
      const good = await reach(user, folder, client, 'allowed.test')
      assert.match(good.stdout, client.says, good.stderr)
      assert.equal(good.status, 0, good.stderr)
      const bad = await reach(user, folder, client, ...ELSEWHERE)
      assert.deepEqual(bad.stdout.trimEnd().split('\n').slice(-1), ['reached: 0'], bad.stdout)
      assert.deepEqual(bad.seen, [])
      assert.deepEqual(
        [...new Set(good.seen.map((seen) => (seen.kind === 'tcp' ? seen.address : seen.name)))].sort(),
        client.untold === true ? ['allowed.test'] : [ALLOWED, 'allowed.test'],
      )
    },
    () => missing,
  )

  const [self] = USERS
  test(`${client.name} reaches the other host, too, where nothing keeps it (the control)`, {
    skip: missing ?? false,
  }, async (t) => {
    assert.ok(self)
    const argv = ['sh', '-c', `cd ${SITES} && exec "$@"`, 'sh', ...client.argv('other.test')]
    const { seen, stdout } = await onInternet(self, testFolder(t, 0o755), argv, {
      zone: ZONE,
      sites: WORLD,
      env: worldEnv(client),
    })
    if (client.untold === true) assert.match(stdout, client.says)
    else assert.ok(seen.some((each) => each.kind === 'tcp' && each.address === OTHER))
  })
}

/** One host: the client itself. Several: one after the other, and in the end how many it reached. */
function reach(user: TestUser, folder: string, client: Client, ...hosts: readonly string[]) {
  const { ports = [443], inputs = [], flags = [] } = client
  const allow = ports.flatMap((port) => ['--allow-host', `allowed.test:${port}`])
  const own = [join(SITES, 'ca.pem'), ...inputs].flatMap((file) => ['--input', file])
  const commands = hosts.map((host) => client.argv(host).map(quoted).join(' '))
  const counted = `reached=0; for command; do eval "$command" && reached=$((reached + 1)); done; echo "reached: $reached"`
  const [first = ''] = hosts
  const command = hosts.length === 1 ? client.argv(first) : ['sh', '-c', counted, 'sh', ...commands]
  const argv = user.cli(['run', ...allow, ...own, '--deadline', '60s', ...flags, '--', ...command])
  return onInternet(user, folder, argv, { zone: ZONE, sites: WORLD, env: worldEnv(client) })
}

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

function worldEnv({ name }: Client): NodeJS.ProcessEnv {
  return { SITES, PGDATA: name === 'psql' ? PGDATA : '' }
}

function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: SITES, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA')
  writeFileSync(join(SITES, 'names'), 'subjectAltName=DNS:allowed.test,DNS:other.test\n')
  openssl('req', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=allowed.test')
  openssl(
    ...'x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out leaf.pem'.split(
      ' ',
    ),
  )
  for (const name of ['leaf.key', 'ca.key']) chmodSync(join(SITES, name), 0o644)
}

/** Served as plain files, which is all that a clone needs. */
function makeRepository(): void {
  const work = join(SITES, 'work')
  mkdirSync(join(SITES, 'www'), { recursive: true })
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Test', '-c', 'user.email=test@mail.test', ...args], {
      cwd,
      env,
      stdio: 'pipe',
    })
  mkdirSync(work)
  git(work, 'init', '-q', '-b', 'main')
  writeFileSync(join(work, 'file'), 'from the repository\n')
  git(work, 'add', 'file')
  git(work, 'commit', '-q', '-m', 'A file')
  git(SITES, 'clone', '-q', '--bare', 'work', 'www/repository.git')
  git(join(SITES, 'www/repository.git'), 'update-server-info')
}

/** Empty where there is none to be had. */
function makeDatabase(): string {
  if (!existsSync('/usr/lib/postgresql')) return ''
  const [version = ''] = readdirSync('/usr/lib/postgresql').sort().reverse()
  const data = join(SITES, 'database')
  mkdirSync(data)
  const drop = SUITE_IS_ROOT ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  if (SUITE_IS_ROOT) execFileSync('chown', ['65534:65534', data])
  const initdb = [
    `/usr/lib/postgresql/${version}/bin/initdb`,
    '-D',
    data,
    '-U',
    'tester',
    '-A',
    'trust',
    '--no-sync',
  ]
  const [file = '', ...args] = [...drop, ...initdb]
  execFileSync(file, args, {
    cwd: '/',
    stdio: 'pipe',
    env: { PATH: process.env.PATH, LC_ALL: 'C', HOME: '/' },
  })
  writeFileSync(join(data, 'pg_hba.conf'), 'host all all all trust\n')
  return data
}

function makeTrustStore(): string {
  const file = join(SITES, 'trust.p12')
  const args = '-importcert -noprompt -alias test -storetype PKCS12 -storepass changeit'.split(' ')
  execFileSync('keytool', [...args, '-file', join(SITES, 'ca.pem'), '-keystore', file], { stdio: 'pipe' })
  chmodSync(file, 0o644)
  return file
}

function makeFetch(): string {
  const file = join(SITES, 'Fetch.java')
  const body = `import java.net.*;
class Fetch {
  public static void main(String[] args) throws Exception {
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    URLConnection made = new URI(args[0]).toURL().openConnection();
    made.setConnectTimeout(10000);
    System.out.write(made.getInputStream().readAllBytes());
    System.out.flush();
  }
}
`
  writeFileSync(file, body)
  return file
}
