import * as z from 'zod/mini'
import * as bounds from './bounds.js'
import { duration, flag, list, noted, number, oneOf, section, sentences, size, text } from './leaves.js'
import { BOUNDARIES, SYSCALL_LOCKS, SYSCALL_PROFILES, WAIVABLE } from './policy.js'
import { credentials } from './schema-credentials.js'
import { network } from './schema-network.js'
import { reuse } from './schema-reuse.js'

/** One builder a key: making a schema costs more than checking a document, so only what is written is made. */
const KEYS = {
  version: () => version(),
  boundary: () =>
    z.optional(
      oneOf(BOUNDARIES, 'a boundary', {
        description: 'How the sandbox is separated from the host. Refused where this host or version cannot.',
        default: 'process',
      }),
    ),
  root: () =>
    z.optional(
      text(
        /^(?:host$|dir:.|image:.)/,
        'is not a root.',
        'Write host, dir:PATH of a folder, or image:NAME of an image (`glovebox image ls` shows those that are here).',
        {
          description:
            "The sandbox's root, read-only. host: this host's programs and libraries; dir:PATH: a folder of this host; image:NAME: an image of the store.",
          default: 'host',
          examples: ['host', 'dir:/srv', 'image:registry.example.com/team/tool:1.2'],
        },
      ),
    ),
  workdir: () =>
    z.optional(
      text(/^\//, 'is not an absolute path.', 'Write a path inside the sandbox such as /job.', {
        description:
          'Absolute path inside where the command starts: private scratch unless a grant covers it.',
        default: bounds.WORKDIR,
        examples: ['/job', '/in'],
      }),
    ),
  env: () => z.optional(env()),
  files: () => z.optional(files()),
  network: () => z.optional(network()),
  credentials: () => z.optional(credentials()),
  lifetime: () => z.optional(lifetime()),
  limits: () => z.optional(limits()),
  syscalls: () => z.optional(syscalls()),
  waive: () =>
    z.optional(
      list(
        oneOf(WAIVABLE, 'a control that can be waived', {
          description: 'A control knowingly left off. It shows in explain and in every report.',
        }),
        64,
        {
          description: 'Controls knowingly left off, by name.',
          default: [],
          examples: [['limits.memory']],
        },
      ),
    ),
} as const

type Keys = typeof KEYS
type Shape = { [K in keyof Keys]: ReturnType<Keys[K]> }

function build(keys: readonly (keyof Keys)[]) {
  const shape = Object.fromEntries(keys.map((key) => [key, KEYS[key]()])) as unknown as Shape
  return section(shape, '{version: 1}', {
    description: 'What a job may do. Everything absent is denied; an empty list is none.',
  })
}

function version() {
  const error = () => sentences('is not a version that this Glovebox knows.', 'Write version: 1.')
  return noted(z.literal(1, { error }), { description: 'Version of the policy format: always 1. Required.' })
}

function env() {
  const error = () => sentences('is not a map.', 'Write one such as {LANG: C.UTF-8}, or remove the key.')
  const name = text(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'is not the name of a variable.',
    'Use letters, digits and _, and no digit first.',
    { description: 'Name of a variable.' },
  )
  const value = noted(z.string({ error: () => sentences('is not text.', 'Put the value in quotes.') }), {
    description: 'Value of a variable: text without NUL.',
  })
  return noted(z.record(name, value, { error }), {
    description: "The job's environment. Nothing is inherited from the caller.",
    default: {},
    examples: [{ LANG: 'C.UTF-8' }],
  })
}

const live = () =>
  flag({
    description:
      'The job writes to the host folder itself, at once and without a bound, instead of having what it wrote collected.',
    default: false,
  })

function grant(kind: 'read' | 'write') {
  const path = () => sentences('is not a path.', 'Write a path on the host such as /srv/in.')
  const inside = () => sentences('is not a path.', 'Write a path inside the sandbox such as /in.')
  const folder = kind === 'read' ? 'File or folder' : 'Existing folder'
  const short = noted(z.string(), {
    description: `${folder} on the host, HOST or HOST:INSIDE. Relative: from the policy file's own folder.`,
    examples: kind === 'read' ? ['/srv/fonts', '/srv/in:/in'] : ['/srv/out:/out'],
  })
  const long = section(
    {
      path: noted(z.string({ error: path }), { description: `${folder} on the host; may contain a colon.` }),
      inside: z.optional(
        noted(z.string({ error: inside }), {
          description: 'Absolute path inside. Default: the same path as on the host.',
        }),
      ),
      ...(kind === 'write' ? { live: z.optional(live()) } : {}),
    },
    '{path: /srv/in, inside: /in}',
    { description: 'The long form of HOST:INSIDE.' },
  )
  const error = () => sentences('is not a grant.', 'Write HOST, HOST:INSIDE or {path: HOST, inside: INSIDE}.')
  return z.union([short, long], { error })
}

function files() {
  return section(
    {
      read: z.optional(
        list(grant('read'), bounds.GRANTS, {
          description: 'What the job may read, besides the root.',
          default: [],
          examples: [['/srv/fonts', '/srv/in:/in']],
        }),
      ),
      write: z.optional(
        list(grant('write'), bounds.GRANTS, {
          description:
            'Folders that start empty inside and are collected into the host folder when the job ends, all or nothing.',
          default: [],
          examples: [['/srv/out:/out'], [{ path: '/srv/cache', inside: '/cache', live: true }]],
        }),
      ),
    },
    '{read: [/srv/in]}',
    { description: 'Files granted to the job.' },
  )
}

function lifetime() {
  return section(
    {
      deadline: z.optional(
        duration(bounds.DEADLINE, {
          description: 'Wall-clock limit; always set.',
          default: bounds.DEADLINE.initial,
          examples: ['500ms', '30s', '5m'],
        }),
      ),
      noOutput: z.optional(
        duration(bounds.NO_OUTPUT, {
          description: 'Ends a job that prints nothing for this long. Absent: no such limit.',
          examples: ['10s'],
        }),
      ),
      reuse: z.optional(reuse()),
    },
    '{deadline: 30s}',
    { description: 'How long a sandbox lives.' },
  )
}

function limits() {
  return section(
    {
      memory: z.optional(
        size(bounds.MEMORY, {
          description: "Memory of all the job's processes together.",
          examples: ['256MiB'],
        }),
      ),
      cpus: z.optional(
        number(bounds.CPUS, false, { description: "Processors' worth of time.", examples: [0.5] }),
      ),
      processes: z.optional(
        number(bounds.PROCESSES, true, { description: 'Processes and threads at once.' }),
      ),
      openFiles: z.optional(
        number(bounds.OPEN_FILES, true, { description: 'Open descriptors per process.' }),
      ),
      output: z.optional(
        size(bounds.OUTPUT, { description: 'stdout and stderr together.', examples: ['16MiB'] }),
      ),
      scratch: z.optional(
        size(bounds.SCRATCH, {
          description: 'Everything that the job writes to files.',
          examples: ['64MiB'],
        }),
      ),
    },
    '{memory: 256MiB}',
    { description: 'Weights that the job may not exceed.' },
  )
}

function syscalls() {
  const name = (description: string) =>
    text(/^[a-z_][a-z0-9_]{0,63}$/, 'is not the name of a syscall.', 'Write names such as ptrace.', {
      description,
    })
  return section(
    {
      profile: z.optional(
        oneOf(SYSCALL_PROFILES, 'a profile', {
          description:
            'The list of syscalls to start from. compute: no sockets, and no program after the first.',
          default: 'default',
        }),
      ),
      lock: z.optional(
        oneOf(SYSCALL_LOCKS, 'a lock', {
          description:
            'What the job may lock itself to once it is set up. sealed: opens nothing, executes nothing, makes no socket.',
          examples: ['sealed'],
        }),
      ),
      deny: z.optional(
        list(name('A syscall refused on top of the profile.'), 512, {
          description: 'Refused on top of the profile.',
          default: [],
          examples: [['socket']],
        }),
      ),
      allow: z.optional(
        list(name('A syscall allowed on top of the profile.'), 512, {
          description: 'Allowed on top of the profile.',
          default: [],
        }),
      ),
    },
    '{deny: [socket]}',
    { description: 'Which syscalls the job may make.' },
  )
}

type Schema = ReturnType<typeof build>
let whole: Schema | undefined

/** What this version accepts, as a zod schema of the file's own spelling (no canonical forms yet). */
export function policySchema(): Schema {
  whole ??= build(Object.keys(KEYS) as (keyof Keys)[])
  return whole
}

/** The part of {@link policySchema} that this document needs; any other key of it is unknown in the whole, too. */
export function schemaFor(document: unknown): Schema {
  const written = typeof document === 'object' && document !== null ? document : {}
  const keys = (Object.keys(KEYS) as (keyof Keys)[]).filter((key) => Object.hasOwn(written, key))
  return build(keys.includes('version') ? keys : ['version', ...keys])
}

/** A policy as its author writes it, once its shape is known to be right. */
export type PolicyDocument = z.infer<Schema>
