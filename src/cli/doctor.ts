import { withEngine } from '../host/index.js'
import { parsePolicy } from '../policy/index.js'
import { bubblewrapVersion, type Finding, findings, type Trial } from '../proof/index.js'
import { Glovebox, hostOf, missingPrograms } from '../sandbox/index.js'
import { type CommandEntry, type Flag, type Parsed, WrongUsage } from './flags.js'
import { print, printJson, sentence } from './terminal.js'

const FLAGS: readonly Flag[] = [
  { name: '--json', help: 'findings for programs' },
  { name: '--help', help: 'this' },
]

const MARK: Record<Finding['status'], string> = { good: 'good   ', missing: 'MISSING', note: 'note   ' }

/** Looks, and starts one sandbox to see that it works. 1 when something is missing. */
async function doctor({ words, flags }: Parsed): Promise<number> {
  if (words.length > 0) throw new WrongUsage(`doctor takes no ${JSON.stringify(words[0])}.`)
  const host = await withEngine(hostOf())
  const everyLimitWaived = parsePolicy({
    version: 1,
    waive: ['limits.memory', 'limits.cpus', 'limits.processes'],
  })
  const trial: Trial = {
    bubblewrapVersion: host.bubblewrap === null ? null : bubblewrapVersion(host.bubblewrap),
    failure: await tryOne(everyLimitWaived),
    imagesLack: missingPrograms(),
  }
  const found = findings(host, parsePolicy({ version: 1 }), trial, Object.keys(process.env))
  if (flags.has('--json')) printJson(found, 2)
  else
    print(
      found.flatMap(({ name, status, what, get }) => [
        `${MARK[status]}  ${name}: ${what}`,
        ...(get === '' ? [] : [`           ${get}`]),
      ]),
    )
  return found.some(({ status }) => status === 'missing') ? 1 : 0
}

async function tryOne(policy: ReturnType<typeof parsePolicy>): Promise<string | null> {
  const glovebox = Glovebox.startNow({ single: true })
  try {
    const result = await glovebox.run(policy, ['true'])
    return result.ok ? null : (result.message ?? `It ended with ${result.exitCode}.`)
  } catch (error) {
    return sentence(error)
  } finally {
    await glovebox.close()
  }
}

export const DOCTOR: CommandEntry = { flags: FLAGS, act: doctor, wrong: 2 }
