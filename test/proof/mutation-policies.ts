/** Policies under which mechanisms are left off: each claim applies under one of them. */
type Written = (granted: string) => object

export const POLICIES = {
  plain: (_granted: string) => ({
    limits: { memory: '256MiB', scratch: '16MiB', processes: 32 },
    lifetime: { deadline: '20s' },
  }),
  compute: (_granted: string) => ({ syscalls: { profile: 'compute' } }),
} satisfies Readonly<Record<string, Written>>

export type Under = keyof typeof POLICIES
