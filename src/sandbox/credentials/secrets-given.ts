/** What a caller gives with a run, `secrets`, beside what its policy asks for. Looked at before anything is started. Pure. */
import { CredentialError, UsageError, visible } from '../../errors/index.js'
import type { CredentialPolicy, PlainSource } from '../../policy/index.js'

/** @throws UsageError for a name that no credential asks for, CredentialError for one that is missing */
export function checkSecrets(
  credentials: readonly CredentialPolicy[],
  secrets: Readonly<Record<string, string>>,
): void {
  const asked = credentials.filter(asksCaller).map(({ name }) => name)
  const stray = Object.keys(secrets).find((name) => !asked.includes(name))
  if (stray !== undefined)
    throw new UsageError(
      'secrets.unknown',
      `secrets has ${visible(JSON.stringify(stray))}, and no credential of the policy has it from its caller.`,
      asked.length === 0
        ? `Write credentials: {NAME: {source: caller, …}} in the policy, or leave it out.`
        : `Give ${asked.join(', ')}.`,
    )
  for (const name of asked) {
    const value: unknown = Object.hasOwn(secrets, name) ? secrets[name] : undefined
    if (typeof value === 'string') continue
    const what =
      value === undefined
        ? `no value was given for credentials.${name}.`
        : `what was given for credentials.${name} is no text.`
    throw new CredentialError(
      'credential.missing',
      what,
      `Give it with the run: secrets: {${name}: value}. The command line has no caller: write {env: VARIABLE}.`,
    )
  }
}

function asksCaller({ source }: CredentialPolicy): boolean {
  return plainSources(source).some(({ kind }) => kind === 'caller')
}

/** Those that a source rests on, itself included. */
export function plainSources(source: CredentialPolicy['source']): PlainSource[] {
  if (source.kind === 'assumeRole') return [source.using]
  if (source.kind === 'exchange')
    return [source.subject, ...(source.client.secret === null ? [] : [source.client.secret])]
  return [source]
}
