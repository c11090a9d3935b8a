/** The package's types, to a TypeScript project that installed it: in every way in which TypeScript looks for a package. */
import assert from 'node:assert/strict'
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { ROOT, sharedFolder } from '../support/checkout.js'
import { install, NO_PACKAGE } from '../support/package.js'
import { finished } from '../support/spawned.js'

const HANG = { timeout: 600_000, killSignal: 'SIGKILL' } as const

let installed: string | null = null
function project(): string {
  if (installed === null) {
    installed = sharedFolder()
    install(installed)
  }
  return installed
}

// every mode in which TypeScript can look for a package that is an ES module
const CONSUMERS = [
  { name: 'node16', module: 'node16', moduleResolution: 'node16', type: 'module' },
  { name: 'nodenext', module: 'nodenext', moduleResolution: 'nodenext', type: 'module' },
  { name: 'nodenext, from CommonJS', module: 'nodenext', moduleResolution: 'nodenext', type: 'commonjs' },
  { name: 'a bundler', module: 'esnext', moduleResolution: 'bundler', type: 'module' },
]

describe('its types, to a TypeScript project', { skip: NO_PACKAGE }, () => {
  for (const { name, type, ...resolution } of CONSUMERS)
    test(`that resolves as ${name}`, async () => {
      const folder = project()
      for (const dependency of ['@types/node', 'undici-types']) link(dependency, folder)
      const place = join(folder, `types-${name.replaceAll(/\W+/g, '-')}`)
      mkdirSync(place)
      const config = {
        compilerOptions: {
          ...resolution,
          target: 'es2022',
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          types: ['node'],
        },
      }
      writeFileSync(join(place, 'package.json'), JSON.stringify({ type }))
      writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(config))
      writeFileSync(join(place, 'use.ts'), USE)
      const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
      const right = await finished([process.execPath, tsc, '-p', place], { cwd: place, ...HANG })
      assert.deepEqual([right.stdout, right.status], ['', 0])
      if (name !== CONSUMERS[0]?.name) return
      // the control: these are its types, and not `any`
      writeFileSync(join(place, 'use.ts'), USE.replace('.exitCode', '.exitCodes'))
      const wrong = await finished([process.execPath, tsc, '-p', place], { cwd: place, ...HANG })
      assert.match(wrong.stdout, /Property 'exitCodes' does not exist on type 'RunResult'/)
    })
})

const USE = `
import { Glovebox, loadPolicy, LaunchError, type Report } from 'glovebox'

export async function use(): Promise<Report> {
  const glovebox = await Glovebox.start()
  try {
    const result = await glovebox.run(loadPolicy('imagemagick'), ['true'], { inputs: { a: new Uint8Array() } })
    const code: number = result.exitCode
    if (code !== 0) throw new LaunchError('mine', 'no')
    return result.report
  } finally {
    await glovebox.close()
  }
}
`

function link(dependency: string, folder: string): void {
  const place = join(folder, 'node_modules', dependency)
  if (statSync(place, { throwIfNoEntry: false }) !== undefined) return
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', dependency), place)
}
