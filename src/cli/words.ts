import { existsSync } from 'node:fs'
import { profileNames } from '../policy/index.js'
import { type Parsed, WrongUsage } from './flags.js'

/** Refuses words that are no flags before "--", with what was probably meant. */
export function refuseWords({ words, flags }: Parsed): void {
  const [word] = words
  if (word === undefined) return
  const hint = outputHint(word, flags) ?? policyHint(word, flags)
  throw new WrongUsage(`${JSON.stringify(word)} is neither a flag nor behind "--".${hint}`)
}

/** `--html out.html`: no file is written, the shell does. */
function outputHint(word: string, flags: Parsed['flags']): string | null {
  const form = ['--html', '--json'].find((name) => flags.has(name))
  if (form === undefined) return null
  const named = word.endsWith(form === '--html' ? '.html' : '.json')
  // a policy may be JSON, and then it is there; where there is one already, the word is no other
  const isPolicy = !flags.has('--policy') && policyNamed(word) !== null
  return isPolicy || !(named || /[/.]/.test(word))
    ? null
    : ` What ${form} makes goes to standard output: write ${form} > ${word}.`
}

function policyHint(word: string, flags: Parsed['flags']): string {
  const policy = policyNamed(word)
  if (policy === null) return ''
  return flags.has('--policy')
    ? ' The policy is named by --policy already.'
    : ` For the policy write --policy ${policy}.`
}

/** As `--policy` takes it: a bare word is a profile there, and a file in this folder has its `./`. */
function policyNamed(word: string): string | null {
  if (profileNames().includes(word)) return word
  if (!existsSync(word)) return null
  return /[/.]/.test(word) ? word : `./${word}`
}
