/**
 * What an engine is told for a plan: word for word, for fixed machines. Where a change is meant, write the files anew and read the diff:
 *
 *     GLOVEBOX_GOLDEN=write node scripts/test.mjs docker/golden && npx biome check --write test/boundary/docker/golden
 */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { rlimits } from '../../../src/boundary/agent/rlimits.js'
import { createBody, type EngineTraits, type Parts } from '../../../src/boundary/docker/create-body.js'
import { etcAs, identityOf } from '../../../src/boundary/docker/identity.js'
import { labelsOf } from '../../../src/boundary/docker/owner.js'
import { dockerRoot, openFolders, type TreeListing } from '../../../src/boundary/docker/root.js'
import { boundaryNamed } from '../../../src/boundary/index.js'
import { ownEtc } from '../../../src/boundary/root/own-etc.js'
import { MASKED_PROC_FILES, MASKED_PROC_FOLDERS, SHOWN_ETC } from '../../../src/boundary/root/shown.js'
import { planFor } from '../../../src/sandbox/index.js'
import { HOSTS, type HostName } from '../../plan/hosts.js'
import { NO_CEILING, parse } from '../../policy/harness.js'
import { ROOT } from '../../support/checkout.js'

interface Case {
  readonly policy: object
  readonly host: HostName
  readonly engine: EngineTraits & { readonly remapped: boolean }
  readonly parts?: Partial<Parts>
  readonly tree?: TreeListing
}

const OLD = { api: [1, 41], cgroups: 1, remapped: false } as const
const NEW = { api: [1, 50], cgroups: 2, remapped: false } as const

const CASES: Readonly<Record<string, Case>> = {
  'plain, Docker 20.10': { policy: {}, host: 'root with cgroup v1', engine: OLD },
  'plain, Docker 28 with a user namespace': {
    policy: {},
    host: 'an ordinary user with cgroup v2',
    engine: { ...NEW, remapped: true },
  },
  'grants, Docker 28': {
    policy: {
      workdir: '/out',
      files: { read: ['/srv/fonts', '/srv/in/a:/tmp/in/a'], write: [{ path: '/srv/out:/out', live: true }] },
      limits: { memory: '1GiB', cpus: 0.5, processes: 100, openFiles: 64, scratch: '8MiB' },
    },
    host: 'root with cgroup v1',
    engine: NEW,
  },
  'a tree, Docker 20.10, in a network, gVisor': {
    policy: {
      root: 'dir:/srv/root',
      files: { read: ['/srv/fonts:/opt/fonts'] },
      network: { allow: ['api.test.example.com'] },
    },
    host: 'root on arm64, before merged /usr',
    engine: OLD,
    parts: { runtime: 'runsc', network: { container: 'c'.repeat(64) } },
    tree: {
      '/': {
        bin: 'link:usr/bin',
        usr: 'directory',
        etc: 'directory',
        opt: 'link:/usr/opt',
        tmp: 'directory',
        core: 'other',
        run: 'directory',
      },
      '/etc': { passwd: 'link:/usr/passwd', fonts: 'directory', issue: 'file', mtab: 'link:../proc/mounts' },
    },
  },
  'waived, Docker 20.10': {
    policy: { waive: ['limits.memory', 'limits.cpus', 'limits.processes'] },
    host: 'root with cgroup v1',
    engine: OLD,
  },
}

const FOLDER = join(ROOT, 'test/boundary/docker/golden')
const WRITE = process.env.GLOVEBOX_GOLDEN === 'write'
const boundary = boundaryNamed('process') ?? assert.fail('no process boundary')
const fileOf = (name: string) => `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`

function told({ policy, host: hostName, engine, parts, tree = {} }: Case): Record<string, unknown> {
  const host = HOSTS[hostName]
  const resolveHostPath = (path: string) =>
    ({ path, kind: path.endsWith('/a') ? 'file' : 'directory' }) as const
  const plan = planFor(
    parse({ version: 1, ...policy }, { ceiling: NO_CEILING, resolveHostPath }),
    boundary,
    host,
  )
  const identity = identityOf(plan, engine.remapped, 0.5)
  const etc = etcAs(ownEtc(plan), plan.identity, identity)
  const own = Object.fromEntries(
    Object.keys(etc).map((name) => [`/etc/${name}`, `/run/glovebox/docker/0/${name}`]),
  )
  const knowledge = { shownEtc: SHOWN_ETC, own }
  const { places, shown } = dockerRoot(plan, host, knowledge, tree)
  const body = createBody(plan, engine, {
    image: `sha256:${'1'.repeat(64)}`,
    shown,
    runtime: 'runc',
    cpus: host.cpus,
    identity,
    seccomp: '{}',
    rlimits: rlimits(plan, host),
    masked: [...MASKED_PROC_FILES, ...MASKED_PROC_FOLDERS],
    labels: labelsOf('boot.1.2.3', 'instance', 'sandbox'),
    network: 'own',
    argv: ['--carried'],
    ...parts,
  })
  return JSON.parse(
    JSON.stringify({
      open: openFolders(plan, knowledge),
      places,
      etc: { passwd: etc.passwd, group: etc.group },
      body,
    }),
  )
}

describe('what an engine is told, word for word', () => {
  for (const [name, each] of Object.entries(CASES))
    test(name, () => {
      const path = join(FOLDER, fileOf(name))
      if (WRITE) {
        mkdirSync(FOLDER, { recursive: true })
        writeFileSync(path, `${JSON.stringify(told(each), null, 2)}\n`)
      }
      assert.deepEqual(told(each), JSON.parse(readFileSync(path, 'utf8')))
    })

  test('no file without a test', () => {
    assert.deepEqual(readdirSync(FOLDER).sort(), Object.keys(CASES).map(fileOf).sort())
  })
})
