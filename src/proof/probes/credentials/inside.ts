/** The value: nothing that a job can read has it. */
import type { Bench, Probe, Tried } from '../probe.js'
import { secretValue, the, withOne } from './decoys.js'
import { secretProbe } from './scene.js'

const probe = (id: string, tries: string, files: readonly string[]): Probe =>
  secretProbe(id, 'credentials.never-inside', 'credential-inside', tries, {
    inside: (bench) => searched(bench, files, true),
    control: (bench) => searched(bench, files, false),
  })

export const insideProbes: readonly Probe[] = [
  probe('variables', 'find the value in the variables', ['/proc/self/environ']),
  probe('processes', 'find the value in what processes show of themselves', [
    '/proc/self/environ',
    '/proc/self/cmdline',
    '/proc/1/environ',
    '/proc/1/cmdline',
    '/proc/self/mountinfo',
  ]),
  probe('configuration', 'find the value in files that Glovebox made', [
    '/proc/self/environ',
    '/etc/hosts',
    '/etc/resolv.conf',
    '/etc/passwd',
    '/etc/glovebox-ca.crt',
    '/etc/glovebox-ca-bundle.crt',
  ]),
]

/** In the open, in the variable that a job without Glovebox would have it in. */
async function searched(bench: Bench, files: readonly string[], inside: boolean): Promise<readonly Tried[]> {
  const plan = withOne(bench.plan)
  const { name } = the(plan)
  const value = secretValue(bench)
  const look = async (talk: Parameters<Parameters<Bench['talkOpenly']>[0]>[0]) => {
    const found = await Promise.all(files.map(async (file) => ({ file, text: await talk.file(file) })))
    return [...found, { file: name, text: await talk.variable(name) }]
  }
  const found = inside ? (await bench.talk(look, plan)).said : await bench.talkOpenly(look, { [name]: value })
  const all = found.map(({ file, text }): Tried => {
    const reached = text?.includes(value) === true
    const result = text === null ? 'EACCES' : reached ? 'ok' : 'nothing'
    return { attempt: `read ${file}`, look: { result, detail: '' }, reached }
  })
  // in the open it is in some of these, and there it is found
  return inside ? all : all.filter(({ reached, attempt }) => reached || attempt === `read ${name}`)
}
