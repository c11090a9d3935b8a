/** Defaults and ranges of every number and duration: the one table that the schema, the docs and the tests read. */

/** A written value with its range; all three in the spelling of the policy file. */
export interface TextBounds {
  readonly initial: string
  readonly min: string
  readonly max: string
}

export interface NumberBounds {
  readonly initial: number
  readonly min: number
  readonly max: number
}

export const DEADLINE: TextBounds = { initial: '30s', min: '1ms', max: '24h' }
/** Of jobs in one sandbox, and how long after its start the last of them may start. */
export const REUSE_RUNS: NumberBounds = { initial: 100, min: 1, max: 100_000 }
export const REUSE_AGE: TextBounds = { initial: '10m', min: '1ms', max: '24h' }
/** No default: many good jobs are silent. */
export const NO_OUTPUT = { min: '1ms', max: '24h' } as const

export const MEMORY: TextBounds = { initial: '256MiB', min: '4MiB', max: '16384GiB' }
export const OUTPUT: TextBounds = { initial: '16MiB', min: '0B', max: '1024GiB' }
export const SCRATCH: TextBounds = { initial: '64MiB', min: '64KiB', max: '1024GiB' }

export const CPUS: NumberBounds = { initial: 1, min: 0.01, max: 1024 }
/** Above: the kernel's own PID_MAX_LIMIT. */
export const PROCESSES: NumberBounds = { initial: 64, min: 1, max: 4_194_304 }
/** Below: stdin, stdout and stderr. Above: the kernel's default `fs.nr_open`. */
export const OPEN_FILES: NumberBounds = { initial: 256, min: 3, max: 1_048_576 }

export const WORKDIR = '/job'

/** Longest `NAME=value` that execve(2) takes (MAX_ARG_STRLEN), without its NUL, bytes. */
export const ENV_ENTRY_BYTES = 131_071
export const ENV_ENTRIES = 1024
/** All entries together, bytes; well under a quarter of the usual 8 MiB stack, which is execve's own limit. */
export const ENV_TOTAL_BYTES = 1_048_576
export const GRANTS = 256
/** PATH_MAX without its NUL, bytes. */
export const PATH_BYTES = 4095
/** NAME_MAX, bytes. */
export const COMPONENT_BYTES = 255

/** One policy file, bytes. */
export const SOURCE_BYTES = 256 * 1024

export const HOST_RULES = 256
export const RULE_PORTS = 64
export const RULE_METHODS = 16
export const RULE_PATHS = 64
export const RULE_BLOCKS = 64
/** One path pattern, characters, and the stars in it. */
export const PATTERN_LENGTH = 1024
export const PATTERN_STARS = 16

export const PUBLIC_PORTS = [80, 443]

/** Of a whole sandbox, to all hosts together. A rule's own have the same ranges, and no default. */
export const UPLOAD: TextBounds = { initial: '64MiB', min: '1B', max: '1024GiB' }
export const DOWNLOAD: TextBounds = { initial: '1GiB', min: '1B', max: '1024GiB' }
/** Each holds two descriptors of the gateway. */
export const CONNECTIONS: NumberBounds = { initial: 128, min: 1, max: 4096 }
export const RATE: NumberBounds = { initial: 100, min: 1, max: 10_000 }

export const CONNECT_TIMEOUT: TextBounds = { initial: '10s', min: '1ms', max: '5m' }
export const HEAD_TIMEOUT: TextBounds = { initial: '10s', min: '1ms', max: '5m' }
export const IDLE_TIMEOUT: TextBounds = { initial: '60s', min: '1ms', max: '24h' }

export const CREDENTIALS = 64
export const CREDENTIAL_HOSTS = 64
/** No default: the sandbox's own life. */
export const CREDENTIAL_TTL = { min: '1s', max: '24h' } as const
export const CREDENTIAL_USES = { min: 1, max: 1_000_000 } as const
export const COMMAND_WORDS = 64
export const COMMAND_TIMEOUT: TextBounds = { initial: '10s', min: '10ms', max: '5m' }
/** What STS takes. */
export const ASSUME_ROLE_DURATION: TextBounds = { initial: '15m', min: '15m', max: '12h' }
