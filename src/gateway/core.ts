/** What keeps the gateway from leaving a core dump, which would be every value that it holds. Pure. */

/** What of the host it depends on. */
export interface CoreFacts {
  /** path of util-linux's `prlimit`; `null`: not there */
  readonly prlimit: string | null
  /** path of a shell of POSIX; `null`: not there */
  readonly shell: string | null
  /** this process's own hard limit for core files, as the kernel writes it: bytes, or `unlimited` */
  readonly hardLimit: string
  /** `/proc/sys/kernel/core_pattern`; one that begins with `|` names a program that dumps go to */
  readonly pattern: string
}

export interface CoreBound {
  /** to stand in front of the gateway's command */
  readonly words: readonly string[]
  /** in a sentence what a dump could still come by; `null`: there is none */
  readonly open: string | null
}

/**
 * A limit of 1 stops the program that a piped core_pattern names, which 0 does not (core(5)), and is too little for a file. It can't be
 * had of a shell, which counts in blocks, nor where the hard limit is 0 already.
 */
export function coreBound({ prlimit, shell, hardLimit, pattern }: CoreFacts): CoreBound {
  const piped = pattern.startsWith('|')
  if (hardLimit === '1') return { words: [], open: null }
  if (hardLimit === '0') return { words: [], open: piped ? `${PIPED}, and the limit is 0 already.` : null }
  if (prlimit !== null) return { words: [prlimit, '--core=1:1', '--'], open: null }
  if (shell === null)
    return { words: [], open: 'There is neither prlimit nor /bin/sh to set a limit for core dumps with.' }
  const words = [shell, '-c', 'ulimit -c 0 && exec "$@"', 'sh']
  return { words, open: piped ? `${PIPED}, and there is no prlimit to set it with.` : null }
}

const PIPED = "The host's core_pattern names a program, which only a limit of 1 stops"
