import { type SpawnOptions, spawn } from 'node:child_process'

export interface Finished {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. `input`: its standard input; absent: empty. */
export function finished(
  argv: readonly string[],
  options: SpawnOptions & { readonly input?: string | Uint8Array } = {},
): Promise<Finished> {
  const { input, ...rest } = options
  const [file = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], ...rest })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout?.on('data', (part: Buffer) => out.push(part))
    child.stderr?.on('data', (part: Buffer) => err.push(part))
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
    child.on('error', reject)
    child.on('close', (status, signal) => {
      const [stdout, stderr] = [Buffer.concat(out).toString(), Buffer.concat(err).toString()]
      resolve({ status, signal, stdout, stderr })
    })
  })
}
