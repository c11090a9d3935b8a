/** TypeScript → dist/{src,test,bench}, incrementally; outputs of sources that are gone are removed. */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, filesBelow, fingerprint, root, stamp, writeWhole } from './checkout.mjs'

const SOURCES = ['src', 'test', 'bench']
const BUILD_INFO = join(root, 'dist/.tsbuildinfo')
const CONFIGURATION = ['tsconfig.json', 'package.json', 'package-lock.json', 'scripts/build/typescript.mjs']

const isSource = (file) => /\.tsx?$/.test(file) && !file.includes('/planted/')

export async function buildTypeScript() {
  const sources = SOURCES.flatMap((folder) => filesBelow(folder, isSource))
  const inputs = fingerprint([...CONFIGURATION, ...sources])
  const note = stamp('typescript')
  const outputs = sources.filter((file) => !file.endsWith('.d.ts')).map(outputOf)
  const complete = outputs.every((file) => existsSync(join(root, file)))
  if (complete && note.says(inputs)) return 'fresh'

  // tsc trusts its notes about what it wrote, even when the files are gone
  if (!complete) rmSync(BUILD_INFO, { force: true })
  const problems = await compile()
  prune(new Set(outputs))
  if (problems !== '') throw new Failure(`the types do not hold.\n${problems}`)
  note.write(inputs)
  return 'built'
}

const outputOf = (source) => `dist/${source.replace(/\.tsx?$/, '.js')}`

/** Emits even when a type is wrong (someone may be halfway), and returns what is wrong. */
async function compile() {
  const { default: ts } = await import('typescript')
  const configPath = join(root, 'tsconfig.json')
  const config = ts.getParsedCommandLineOfConfigFile(
    configPath,
    {},
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
  )
  if (config === undefined) throw new Failure('tsconfig.json cannot be read.')
  const host = ts.createIncrementalCompilerHost(config.options, {
    ...ts.sys,
    writeFile: (path, content) => writeWhole(path, content),
  })
  const program = ts.createIncrementalProgram({
    rootNames: config.fileNames,
    options: config.options,
    configFileParsingDiagnostics: ts.getConfigFileParsingDiagnostics(config),
    host,
  })
  const { diagnostics } = program.emit()
  const problems = [
    ...program.getConfigFileParsingDiagnostics(),
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(),
    ...program.getSemanticDiagnostics(),
    ...diagnostics,
  ]
  const format = process.stderr.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics
  return format(ts.sortAndDeduplicateDiagnostics(problems), {
    getCurrentDirectory: () => root,
    getCanonicalFileName: (name) => name,
    getNewLine: () => '\n',
  })
}

/** A test that was deleted must not run any more. */
function prune(outputs) {
  for (const folder of SOURCES) {
    for (const file of filesBelow(`dist/${folder}`, (name) => /\.(js|d\.ts)$/.test(name))) {
      if (!outputs.has(file.replace(/\.d\.ts$/, '.js'))) rmSync(join(root, file))
    }
  }
}
