import * as z from 'zod/mini'
import { notes } from './leaves.js'
import { policySchema } from './schema.js'

/** JSON Schema (draft 2020-12) of the policy files that this version accepts; editors complete YAML with it. */
export function policySchemaJson(): Record<string, unknown> {
  const schema = z.toJSONSchema(policySchema(), {
    target: 'draft-2020-12',
    io: 'input',
    metadata: notes(),
  })
  return { title: 'Glovebox policy', ...schema }
}
