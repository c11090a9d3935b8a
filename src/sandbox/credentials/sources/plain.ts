import { CredentialError } from '../../../errors/index.js'
import type { PlainSource } from '../../../policy/index.js'
import { runSecretCommand } from './command.js'
import { readSecretFile } from './file.js'
import type { Given, SourceWorld } from './world.js'

/**
 * The text that a source gives, unchecked.
 * @param aws keys of AWS are wanted: of the environment, the variables that the SDKs read
 * @throws CredentialError
 */
export async function given(
  name: string,
  source: PlainSource,
  world: SourceWorld,
  aws = false,
): Promise<Given> {
  const answer = await asked(name, source, world, aws)
  world.heard?.(name, answer.text)
  return answer
}

async function asked(name: string, source: PlainSource, world: SourceWorld, aws: boolean): Promise<Given> {
  switch (source.kind) {
    case 'caller':
      return fromCaller(name, world)
    case 'env':
      return aws ? awsVariables(source.variable, world) : fromVariable(source.variable, world)
    case 'file':
      return readSecretFile(source.path, source.shared)
    case 'command':
      return runSecretCommand(source.argv, source.timeoutMs, world)
  }
}

function fromCaller(name: string, { secrets }: SourceWorld): Given {
  const text = Object.hasOwn(secrets, name) ? secrets[name] : undefined
  if (typeof text === 'string') return { text, from: `the value given as secrets.${name}` }
  const what = `no value was given for credentials.${name}.`
  throw new CredentialError('credential.missing', what, `Give it with the run: secrets: {${name}: value}.`)
}

function fromVariable(variable: string, { env }: SourceWorld): Given {
  const text = Object.hasOwn(env, variable) ? env[variable] : undefined
  if (text !== undefined) return { text, from: `the variable ${variable}` }
  throw new CredentialError(
    'credential.missing',
    `the variable ${variable} is not set.`,
    'Set it where Glovebox runs.',
  )
}

/** `AWS` → AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where it is set, AWS_SESSION_TOKEN. */
function awsVariables(front: string, world: SourceWorld): Given {
  const id = fromVariable(`${front}_ACCESS_KEY_ID`, world).text
  const secret = fromVariable(`${front}_SECRET_ACCESS_KEY`, world).text
  const token = world.env[`${front}_SESSION_TOKEN`]
  const text = [id, secret, ...(token === undefined || token === '' ? [] : [token])].join(':')
  return { text, from: `the variables ${front}_ACCESS_KEY_ID and ${front}_SECRET_ACCESS_KEY` }
}
