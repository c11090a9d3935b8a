/** Policies under which mechanisms are left off: each claim applies under one of them. */
type Written = (granted: Folders) => object

/** Of the caller, for grants. */
export interface Folders {
  readonly read: string
  readonly live: string
  readonly out: string
}

/** The blocks are those of the world that probes are tried in, so that only what this is about stands between. */
const PRIVATE = ['10.99.0.0/16', 'fd99::/16', '192.168.0.0/16', '169.254.0.0/16']

export const POLICIES = {
  plain: () => ({
    limits: { memory: '256MiB', scratch: '16MiB', processes: 32 },
    lifetime: { deadline: '20s', noOutput: '10s' },
  }),
  // fewer processors than the host has: pinned where no cgroup gives their time
  processors: () => ({ limits: { cpus: 1 } }),
  compute: () => ({ syscalls: { profile: 'compute' } }),
  locked: () => ({ syscalls: { lock: 'sealed' } }),
  grants: ({ read, live, out }) => ({
    files: {
      read: [`${read}:/given`],
      write: [`${out}:/out`, { path: live, inside: '/live', live: true }],
    },
  }),
  network: () => ({
    network: {
      allow: [
        { host: 'tls.test', ports: [443], private: PRIVATE },
        { host: 'http.test', ports: [80], protocol: 'http', methods: ['GET'], paths: ['/a/**'] },
        { host: 'tcp.test', ports: [5432], protocol: 'tcp' },
      ],
      maxUpload: '64KiB',
      maxDownload: '64KiB',
      maxConnections: 8,
    },
  }),
  reused: () => ({ lifetime: { reuse: { within: 'tenant' } }, limits: { scratch: '16MiB' } }),
  inspected: () => ({
    network: {
      allow: [{ host: 'inspected.test', inspect: true, methods: ['GET'], paths: ['/a/**'] }],
    },
  }),
  credentials: () => ({
    network: { allow: [{ host: 'secrets.test', inspect: true }] },
    credentials: { DECOY_KEY: { source: 'caller', hosts: ['secrets.test'], use: 'bearer' } },
  }),
} satisfies Readonly<Record<string, Written>>

export type Under = keyof typeof POLICIES
