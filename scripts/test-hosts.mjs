/**
 * npm run test:hosts: what this machine's kernel lacks or has otherwise. Makes a Debian 12 from Debian's packages, starts it in
 * QEMU once for each host of scripts/test-hosts/hosts.mjs, and runs what scripts/test-hosts/inside has for it. Needs root, for mmdebstrap,
 * and `apt-get install qemu-system-x86 mmdebstrap e2fsprogs`.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build, PARTS } from './build/all.mjs'
import { Failure, runScript } from './build/checkout.mjs'
import { HOSTS } from './test-hosts/hosts.mjs'
import { start } from './test-hosts/machine.mjs'
import { makePicture, needPrograms } from './test-hosts/picture.mjs'

const HELP = `npm run test:hosts [-- FLAGS]

Glovebox's process boundary on other hosts than this one: Debian 12 in QEMU, once for each of them. Exits 1 unless all holds.

  --host NAME      only this one (repeatable)
  --quick          without the verifications, which take minutes each
  --list           the hosts, and what each shows; runs nothing
  --folder FOLDER  keep the Debian, the disk and what was said there, and use that Debian again (default: a temporary folder)
  --help           this

Without hardware virtualisation a host takes from some minutes to half an hour, on two processors.`

await runScript('test:hosts', async () => {
  const { help, list, host, folder, quick = false } = flags()
  if (help || list) {
    console.log(help ? HELP : HOSTS.map(({ name, shows }) => `${name.padEnd(18)} ${shows}`).join('\n'))
    return 0
  }
  const hosts = host === undefined ? HOSTS : host.map(named)
  if (process.getuid() !== 0) throw new Failure('mmdebstrap needs root to make the picture.')
  if (process.arch !== 'x64') throw new Failure('the machine is an x86_64 one, and gets this Node.')
  needPrograms()
  await build(Object.keys(PARTS))
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const place = folder ?? mkdtempSync(join(tmpdir(), 'glovebox-hosts-'))
  try {
    return await test(place, hosts, quick ? ' glovebox.quick' : '')
  } finally {
    if (folder === undefined) rmSync(place, { recursive: true, force: true })
  }
})

function flags() {
  const options = {
    host: { type: 'string', multiple: true },
    quick: { type: 'boolean' },
    list: { type: 'boolean' },
    folder: { type: 'string' },
    help: { type: 'boolean' },
  }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new Failure(`${error.message} See --help.`)
  }
}

function named(name) {
  const host = HOSTS.find((each) => each.name === name)
  if (host === undefined)
    throw new Failure(`no host is called ${name}: there are ${HOSTS.map((each) => each.name).join(', ')}.`)
  return host
}

async function test(folder, hosts, words) {
  console.log('making the picture …')
  makePicture(folder)
  const results = []
  for (const host of hosts) results.push(await tried(folder, host, words))
  console.log(`\n${'host'.padEnd(18)} passed failed minutes`)
  for (const { name, passed, failed, whole, minutes } of results)
    console.log(
      `${name.padEnd(18)} ${String(passed).padStart(6)} ${String(failed).padStart(6)} ${minutes.toFixed(1).padStart(7)}${whole ? '' : '  did not come to its end'}`,
    )
  const sum = (count) => results.reduce((all, result) => all + result[count], 0)
  console.log(`passed: ${sum('passed')}, failed: ${sum('failed')}`)
  return results.every(({ passed, failed, whole }) => whole && passed > 0 && failed === 0) ? 0 : 1
}

/** `whole`: its checks said themselves that they are at their end, and counted as we did */
async function tried(folder, { name, kernel }, words) {
  const began = Date.now()
  const said = join(folder, `${name}.log`)
  const output = join(folder, `${name}.console`)
  for (const file of [said, output]) rmSync(file, { force: true })
  console.log(`\n${name}: starting`)
  let passed = 0
  let failed = 0
  let whole = false
  const accelerator = await start(folder, output, `${kernel} glovebox.host=${name}${words}`, (line) => {
    console.log(`${name}: ${line}`)
    appendFileSync(said, `${line}\n`)
    if (line.startsWith('ok ')) passed += 1
    else if (line.startsWith('FAILED ')) failed += 1
    else whole ||= line === `passed: ${passed}, failed: ${failed}`
  })
  const minutes = (Date.now() - began) / 60_000
  console.log(`${name}: off after ${minutes.toFixed(1)} minutes (${accelerator})`)
  if (!whole) console.log(`The end of its console:\n${consoleOf(output).split('\n').slice(-30).join('\n')}`)
  return { name, passed, failed, whole, minutes }
}

function consoleOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
