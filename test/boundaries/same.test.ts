/**
 * One policy and one job on every boundary: the same picture from the same image, the same answers from the network, and reports of
 * one shape that say the same.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hasOwnKernel } from '../../src/boundary/index.js'
import { Glovebox, parsePolicy, type Report } from '../../src/index.js'
import { given, Hosts, secretsFor } from '../credentials-live/hosts.js'
import { FarSide, local, PROBE, recordOf } from '../egress/jobs.js'
import { sharedFolder } from '../support/checkout.js'
import { image, noMachine } from '../support/machine-image.js'
import { SUITE_IS_ROOT } from '../support/users.js'
import { BUILT, withBoundaries } from './tools.js'

const lack = withBoundaries()
const [first, ...others] = BUILT

/** What of a report may differ from run to run, and from boundary to boundary. */
function comparable({ claims, network, usage, root: _, ...report }: Report) {
  return {
    ...report,
    id: '',
    boundary: '',
    startedAt: '',
    policySha256: '',
    usage: Object.keys(usage),
    claims: claims.map(({ id }) => id),
    network: network.map(({ protocol, name, verdict, rule }) => ({ protocol, name, verdict, rule })),
  }
}

const noImage = !SUITE_IS_ROOT
  ? 'only root makes it the quick way'
  : existsSync('/usr/bin/mmdebstrap')
    ? null
    : 'mmdebstrap is not installed (apt-get install mmdebstrap)'
/** A virtual machine has no folder of the host for a root: the same tree, as an image of the store. */
const IMAGE = `glovebox-same-test-${process.pid}`
const machine = noImage ?? noMachine()

/** Whose loopback is its own: what is tried there leaves no namespace. */
const hasOwnStack = (boundary: string) =>
  boundary === 'microvm' || hasOwnKernel(boundary as (typeof BUILT)[number])

/** Why the job is not tried on a boundary; `null`: it is. */
const lackFor = (boundary: string) =>
  boundary === 'microvm' ? machine : lack(boundary as (typeof BUILT)[number])

const root = sharedFolder()
before(() => {
  if (noImage !== null) return
  // `extract` runs nothing of the packages: the folder is what an image is, and the jobs need no more
  const packages = '--include=imagemagick,dash,python3'
  execFileSync('mmdebstrap', ['--quiet', '--variant=extract', packages, codename(), join(root, 'image')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (machine !== null) return
  const file = join(root, 'image.tar')
  execFileSync('tar', ['--create', `--file=${file}`, `--directory=${join(root, 'image')}`, '.'])
  image('import', file, IMAGE)
})
after(() => {
  if (machine === null) image('rm', IMAGE)
})

describe('a picture from an image made by mmdebstrap', { skip: noImage ?? false }, () => {
  const job = async (boundary: string) => {
    const policy = parsePolicy({
      version: 1,
      boundary,
      root: boundary === 'microvm' ? `image:${IMAGE}` : `dir:${join(root, 'image')}`,
      lifetime: { deadline: '5m' },
    })
    const glovebox = await Glovebox.start()
    try {
      const argv = [
        'convert-im6.q16',
        '-size',
        '300x200',
        'gradient:red-blue',
        '-resize',
        '50%',
        '-strip',
        'out.ppm',
      ]
      const result = await glovebox.run(policy, argv as [string, ...string[]], { outputs: ['out.ppm'] })
      assert.equal(result.reason, 'exited', `${result.message} ${Buffer.from(result.stderr)}`)
      assert.equal(result.exitCode, 0, Buffer.from(result.stderr).toString())
      return { picture: Buffer.from(result.outputs['out.ppm'] ?? []), report: comparable(result.report) }
    } finally {
      await glovebox.close()
    }
  }

  let expected: Awaited<ReturnType<typeof job>> | null = null
  test(`${first}: there is one`, async () => {
    expected = await job(first ?? '')
    assert.match(expected.picture.subarray(0, 15).toString(), /^P6\n150 100\n/)
  })
  for (const boundary of others)
    test(`${boundary}: the same picture and report`, async (t) => {
      const why = lackFor(boundary)
      if (why !== null) return t.skip(why)
      const found = await job(boundary)
      assert.ok(expected !== null && found.picture.equals(expected.picture))
      assert.deepEqual(found.report, expected.report)
    })
})

describe('a fetcher of pages under rules', () => {
  const far = new FarSide()
  after(() => far.close())

  const job = async (boundary: string, port: number) => {
    const glovebox = await Glovebox.start({
      network: { hosts: { 'host.test': ['127.0.0.1'] }, resolvers: ['127.0.0.1:9'] },
    })
    const policy = parsePolicy({
      version: 1,
      boundary,
      ...(boundary === 'microvm' ? { root: `image:${IMAGE}` } : {}),
      waive: SUITE_IS_ROOT ? [] : ['limits.memory'],
      lifetime: { deadline: '2m' },
      network: { allow: [local('host.test', port, 'http', { methods: ['GET'], paths: ['/page/**'] })] },
    })
    const attempts = [
      `http,host.test,${port},/page/1`,
      `http,host.test,${port},/private`,
      'http,other.test,80',
      'name,host.test',
      'name,other.test',
      'tcp,169.254.169.254,80',
      `tcp,127.0.0.2,${port}`,
    ]
    try {
      const result = await glovebox.run(policy, ['python3', 'probe.py', ...attempts], {
        inputs: { 'probe.py': Buffer.from(PROBE) },
      })
      assert.equal(result.reason, 'exited', `${result.message}`)
      const said = Buffer.from(result.stdout)
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'))
      return {
        heard: Object.fromEntries(said.map(([attempt, ok, detail]) => [attempt, [ok, detail]])),
        record: recordOf(result.report),
        report: comparable(result.report),
      }
    } finally {
      await glovebox.close()
    }
  }

  let port = 0
  let expected: Awaited<ReturnType<typeof job>> | null = null
  test(`${first}: what is allowed answers, and nothing else`, async () => {
    port = await far.serve(createServer((request, response) => response.end(`here is ${request.url}`)))
    expected = await job(first ?? '', port)
    assert.equal(expected.heard[`http,host.test,${port},/page/1`]?.[0], 'ok')
    assert.ok(expected.record.length >= 4, expected.record.join('\n'))
  })
  for (const boundary of others)
    test(`${boundary}: the same answers, verdicts and record`, async (t) => {
      const why = lackFor(boundary)
      if (why !== null) return t.skip(why)
      const found = await job(boundary, port)
      // gVisor's own stack has a loopback: what is tried there leaves no namespace, and reaches nobody who could write it down
      const heardOf = (line: string) => !hasOwnStack(boundary) || !line.endsWith('denyLoopback')
      assert.deepEqual(found.record, expected?.record.filter(heardOf))
      const page = `http,host.test,${port},/page/1`
      assert.deepEqual(found.heard[page], expected?.heard[page])
      // an address that nothing answers at is refused by another error where another network stack refuses it
      for (const attempt of Object.keys(expected?.heard ?? {}))
        assert.equal(found.heard[attempt]?.[0] === 'ok', expected?.heard[attempt]?.[0] === 'ok', attempt)
      const { network: _, ...report } = found.report
      const { network: __, ...expectedReport } = expected?.report ?? { network: [] }
      assert.deepEqual(report, expectedReport)
    })
})

/** Reads what it is granted, shows that it can't change it, asks the host that its credential is for, and leaves what it heard. */
const CLERK = `
import errno, os, ssl, urllib.request
port = os.environ['PORT']
def refused(act):
    try: act()
    except OSError as error: return 'refused' if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) else str(error)
    return 'done'
print(open('/in/below/form').read(), open('/in/link').read(), open('/one').read())
print(sorted(os.listdir('/in')), os.readlink('/in/link'), os.access('/in/tool', os.X_OK), os.access('/in/below/form', os.X_OK))
print(refused(lambda: open('/in/new', 'w')), refused(lambda: os.unlink('/one')), refused(lambda: os.chmod('/in/tool', 0o644)))
bundle = ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE'])
request = urllib.request.Request(f'https://desk.test:{port}/sign', headers={'Authorization': 'Bearer ' + os.environ['DESK']})
said = urllib.request.urlopen(request, context=bundle).read()
os.mkdir('/out/below')
open('/out/below/signed', 'wb').write(said)
print(said.decode(), os.environ['DESK'].startswith('sk-'))
`

describe('a clerk with grants, a credential and a folder to write to', { skip: noImage ?? false }, () => {
  const hosts = new Hosts('desk.test')
  after(() => hosts.close())
  const { DESK } = secretsFor('DESK')
  const folder = sharedFolder()
  const granted = join(folder, 'granted')

  const job = async (boundary: string, port: number) => {
    const out = join(folder, `out-${boundary}`)
    mkdirSync(out)
    const policy = parsePolicy({
      version: 1,
      boundary,
      root: boundary === 'microvm' ? `image:${IMAGE}` : `dir:${join(root, 'image')}`,
      env: { PORT: `${port}` },
      files: { read: [`${granted}:/in`, `${granted}/below/form:/one`], write: [`${out}:/out`] },
      lifetime: { deadline: '2m' },
      network: { allow: [local('desk.test', port, 'tls', { inspect: true })] },
      credentials: { DESK: given('desk.test', port, 'bearer') },
    })
    const glovebox = await Glovebox.start({ network: hosts.network })
    try {
      const result = await glovebox.run(policy, ['python3', '-c', CLERK], { secrets: { DESK } })
      const stdout = Buffer.from(result.stdout).toString()
      assert.equal(result.reason, 'exited', `${result.message}`)
      assert.equal(result.exitCode, 0, `${Buffer.from(result.stderr)}`)
      const { credentials, ...report } = comparable(result.report)
      const leases = credentials.map(({ name, uses, refused, ended }) => ({ name, uses, refused, ended }))
      return { stdout, left: readFileSync(join(out, 'below/signed'), 'utf8'), report, leases }
    } finally {
      await glovebox.close()
    }
  }

  let port = 0
  let expected: Awaited<ReturnType<typeof job>> | null = null
  test(`${first}: reads, is refused what is not for it, and leaves what it was told`, async () => {
    mkdirSync(join(granted, 'below'), { recursive: true })
    writeFileSync(join(granted, 'below/form'), 'to be signed')
    writeFileSync(join(granted, 'tool'), '#!/bin/sh\n')
    symlinkSync('below/form', join(granted, 'link'))
    chmodSync(join(granted, 'tool'), 0o755)
    port = await hosts.serve(({ headers }, response) => {
      response.end(headers.authorization === `Bearer ${DESK}` ? 'signed' : 'who is it?')
    })
    expected = await job(first ?? '', port)
    const lines = expected.stdout.split('\n')
    assert.equal(lines[0], 'to be signed to be signed to be signed')
    assert.equal(lines[1], "['below', 'link', 'tool'] below/form True False")
    // by another error where another kernel answers
    assert.equal(lines[2], 'refused refused refused')
    assert.equal(lines[3], 'signed False')
    assert.equal(expected.left, 'signed')
  })
  for (const boundary of others)
    test(`${boundary}: the same, word for word`, async (t) => {
      const why = lackFor(boundary)
      if (why !== null) return t.skip(why)
      assert.deepEqual(await job(boundary, port), expected)
    })
})

function codename(): string {
  const text = readFileSync('/etc/os-release', 'utf8')
  return /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1] ?? 'stable'
}
