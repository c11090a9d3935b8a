/**
 * On runc, gVisor and Docker: what is left off of what the runtime or the engine is told, and the claims that `verify` then calls broken; of all
 * other claims it says what it says with all in force. What cell, the gateway and the first process do is the same program on every boundary, and
 * mutation-table.ts has it.
 */
import type { MechanismId } from '../../src/boundary/answers/mechanisms.js'
import type { RequirementId } from '../../src/plan/index.js'

export interface LeftOffRow {
  readonly off: readonly MechanismId[]
  /** exactly these */
  readonly broken: readonly RequirementId[]
  /** in every `npm test` */
  readonly always?: true
}

export const CONTAINER_ROWS: Readonly<Record<'runc' | 'gvisor' | 'docker', readonly LeftOffRow[]>> = {
  runc: [
    { off: ['no-capabilities'], broken: ['identity.unprivileged'], always: true },
    { off: ['masked-proc'], broken: ['files.proc', 'files.scratch-bounded'], always: true },
    { off: ['read-only-sysctl'], broken: ['files.proc'] },
    { off: ['ipc-namespace'], broken: ['isolation.ipc'], always: true },
    { off: ['uts-namespace'], broken: ['isolation.host-name'] },
    { off: ['cgroup-namespace'], broken: ['isolation.cgroup-view'], always: true },
    // read-only-root is a second wall: nothing that is shown belongs to the job
    {
      off: ['filter'],
      broken: [
        'files.devices',
        'isolation.processes',
        'limits.no-core-dumps',
        'syscalls.native-abi-only',
        'syscalls.profile',
      ],
    },
    { off: ['bounded-scratch'], broken: ['files.scratch-bounded'] },
    { off: ['cgroup-memory'], broken: ['limits.memory'] },
    { off: ['limit-open-files'], broken: ['limits.open-files'] },
    { off: ['cgroup-pids'], broken: ['limits.processes'] },
  ],
  gvisor: [
    { off: ['no-capabilities'], broken: ['identity.unprivileged'], always: true },
    { off: ['read-only-root'], broken: ['files.root-read-only'], always: true },
    { off: ['bounded-scratch'], broken: ['files.scratch-bounded'] },
    { off: ['cgroup-memory'], broken: ['limits.memory'] },
    { off: ['limit-processes'], broken: ['limits.processes'] },
    { off: ['limit-open-files'], broken: ['limits.open-files'], always: true },
  ],
  docker: [
    { off: ['no-capabilities'], broken: ['identity.unprivileged'], always: true },
    { off: ['masked-proc'], broken: ['files.proc', 'files.scratch-bounded'], always: true },
    { off: ['read-only-sysctl'], broken: ['files.proc'] },
    // with IpcMode `host` the engine drops the label of the container, and is refused: it is not as asked
    { off: ['cgroup-namespace'], broken: ['isolation.cgroup-view'], always: true },
    {
      off: ['filter'],
      broken: [
        'files.devices',
        'identity.no-user-namespaces',
        'isolation.processes',
        'limits.no-core-dumps',
        'syscalls.native-abi-only',
        'syscalls.profile',
      ],
    },
    { off: ['cgroup-memory'], broken: ['limits.memory'] },
    { off: ['cgroup-pids', 'limit-processes'], broken: ['limits.processes'] },
    { off: ['limit-open-files'], broken: ['limits.open-files'] },
  ],
}
