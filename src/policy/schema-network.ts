import * as z from 'zod/mini'
import * as bounds from './bounds.js'
import {
  duration,
  flag,
  list,
  type Note,
  noted,
  number,
  oneOf,
  section,
  sentences,
  size,
  some,
  text,
} from './leaves.js'
import { PROTOCOLS } from './policy.js'

/** The section `network`, a builder for each of its parts that stands in more than one place. */
export function network() {
  return section(
    {
      allow: z.optional(
        list(rule(), bounds.HOST_RULES, {
          description: 'Hosts that the job may reach.',
          default: [],
          examples: [['api.example.com'], [{ host: '*.cdn.example.com', ports: [443] }]],
        }),
      ),
      public: z.optional(publicHosts()),
      loopback: z.optional(
        flag({
          description:
            "The job's own servers on 127.0.0.0/8 and ::1, which no other sandbox and no host sees.",
          default: false,
        }),
      ),
      ...budget('all hosts together', true),
      timeouts: z.optional(timeouts()),
    },
    '{allow: [api.example.com]}',
    {
      description:
        'What the job may reach. Absent: no network at all. What no rule allows is refused, and told in the report.',
    },
  )
}

function rule() {
  const short = noted(z.string(), {
    description: 'HOST (TLS on 443) or HOST:PORT. *.NAME is any name below NAME, never NAME itself.',
    examples: ['api.example.com', '*.cdn.example.com', 'mirror.example.com:80', '[2001:db8::7]:443'],
  })
  const host = () => sentences('is not a host.', 'Write a name such as api.example.com.')
  const long = section(
    {
      host: noted(z.string({ error: host }), {
        description: 'A name, *.NAME, or a literal address. Any spelling of a name, Unicode included.',
      }),
      ports: z.optional(ports({ description: 'Ports of the host.', default: [443], examples: [[5432]] })),
      protocol: z.optional(
        oneOf(PROTOCOLS, 'a protocol', {
          description:
            'What is spoken on all ports of the rule. tls: passed on unread once its server name was checked, or read with inspect: true. http: read and written anew. tcp: passed on. Default: tls on 443, http on 80, else tcp.',
        }),
      ),
      methods: z.optional(methods()),
      paths: z.optional(paths()),
      inspect: z.optional(inspect()),
      upgrade: z.optional(
        flag({
          description:
            'Whether a connection of HTTP, clear or inspected, may become another protocol, such as a WebSocket.',
          default: false,
        }),
      ),
      private: z.optional(privateBlocks()),
      ...budget('all connections of the rule together', false),
    },
    '{host: api.example.com, ports: [443]}',
    { description: 'The long form of HOST:PORT.' },
  )
  const error = () => sentences('is not a rule.', 'Write HOST, HOST:PORT or {host: HOST, ports: [443]}.')
  return z.union([short, long], { error })
}

function publicHosts() {
  return section(
    {
      ports: z.optional(
        ports({
          description: 'Ports: TLS on 443, clear HTTP on 80, either of the two on any other.',
          default: bounds.PUBLIC_PORTS,
          examples: [[443]],
        }),
      ),
      inspect: z.optional(inspect()),
      methods: z.optional(methods()),
      ...budget('all public hosts together', false),
    },
    '{ports: [80, 443]}',
    { description: 'Any public host, for link previews and crawlers. {}: with the defaults. Absent: none.' },
  )
}

function ports(note: Note) {
  const error = () => sentences('is not a port.', 'Write a number from 1 to 65535.')
  const port = z.int({ error }).check(z.gte(1, { error }), z.lte(65_535, { error }))
  const one = noted(port, { description: 'A TCP port, 1 to 65535.' })
  const empty = sentences(
    'without a port: such a rule allows nothing.',
    'Write ports such as [443], or remove the key.',
  )
  return some(one, bounds.RULE_PORTS, empty, note)
}

export function methods(description = 'Methods of HTTP, clear or inspected. Absent: any but CONNECT.') {
  const method = text(
    /^(?!CONNECT$)[A-Z][A-Z-]{0,31}$/,
    'is not a method that is passed on.',
    'Write methods such as GET, in capitals; CONNECT never is one.',
    { description: 'A method of HTTP, in capitals.' },
  )
  const empty = sentences(
    'without a method: such a rule allows nothing.',
    'Write methods such as [GET, HEAD], or remove the key.',
  )
  return some(method, bounds.RULE_METHODS, empty, {
    description,
    examples: [['GET', 'HEAD']],
  })
}

export function paths(description = 'Paths of HTTP, clear or inspected. Absent: any.') {
  const error = () => sentences('is not a path.', 'Write a path such as /repos/**.')
  const path = noted(z.string({ error }), {
    description: 'An absolute path; * is any part of a segment, ** any number of segments.',
  })
  const empty = sentences(
    'without a path: such a rule allows nothing.',
    'Write paths such as [/repos/**], or remove the key.',
  )
  return some(path, bounds.RULE_PATHS, empty, {
    description,
    examples: [['/repos/**']],
  })
}

function inspect() {
  return flag({
    description:
      'Whether TLS ends in the gateway, which reads the HTTP inside. The job trusts an authority made for its sandbox.',
    default: false,
  })
}

function privateBlocks() {
  const error = () =>
    sentences('is not a block of addresses.', 'Write a block such as 10.2.0.0/16, or one address.')
  const block = noted(z.string({ error }), { description: 'A block of private addresses, or one address.' })
  return list(block, bounds.RULE_BLOCKS, {
    description:
      'The only way to a private address: blocks that the address of the host may lie in. Metadata services stay closed.',
    default: [],
    examples: [['10.2.0.0/16']],
  })
}

/** The four bounds of what passes, of a sandbox (with defaults) or of a rule (without). */
function budget(whose: string, whole: boolean) {
  const of = <T extends { initial: unknown }>({ initial, ...range }: T) =>
    (whole ? { initial, ...range } : range) as T
  return {
    maxUpload: z.optional(
      size(of(bounds.UPLOAD), { description: `Bytes from the job, ${whose}.`, examples: ['64KiB'] }),
    ),
    maxDownload: z.optional(
      size(of(bounds.DOWNLOAD), {
        description: `Bytes to the job, ${whose}.`,
        examples: ['20MiB'],
      }),
    ),
    maxConnections: z.optional(
      number(of(bounds.CONNECTIONS), true, { description: `Connections at once, ${whose}.`, examples: [8] }),
    ),
    maxRate: z.optional(
      number(of(bounds.RATE), true, {
        description: `New connections in any second, ${whose}.`,
        examples: [10],
      }),
    ),
  }
}

function timeouts() {
  const time = (range: bounds.TextBounds, description: string) =>
    z.optional(duration(range, { description, default: range.initial }))
  return section(
    {
      connect: time(bounds.CONNECT_TIMEOUT, 'Until a host has answered a connection, its name included.'),
      head: time(bounds.HEAD_TIMEOUT, 'Until the job has sent its ClientHello or the head of a request.'),
      idle: time(bounds.IDLE_TIMEOUT, 'Longest silence in both directions.'),
    },
    '{connect: 10s}',
    { description: 'How long the gateway waits.' },
  )
}
