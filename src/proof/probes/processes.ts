/** Processes of the host: seen, signalled, traced, read, written to, joined. */
import { has } from './derive.js'
import type { Bench, Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused } from './refused.js'

const pid = ({ decoys }: Bench) => `${decoys.process.pid}`
const at = ({ decoys }: Bench) => decoys.process.canaryAt
/** of the decoy, in /proc */
const of = (bench: Bench, what: string) => `/proc/${pid(bench)}/${what}`
const SYS_NICE_NEEDED = 'process_madvise'

function probe(id: string, tries: string, trial: (given: Given) => Trial | Pointless): Probe {
  return { id: `processes.${id}`, claim: 'isolation.processes', threat: 'host-processes', tries, trial }
}

export const processProbes: readonly Probe[] = [
  probe('listed', 'see a process of the host in /proc', () =>
    refused((bench) => [
      attempt(['pids'], ({ detail }) => detail.split(' ').includes(pid(bench))),
      ['there', of(bench, 'status')],
    ]),
  ),
  probe('signal', 'send a signal to a process of the host', () =>
    refused((bench) => [['signal', pid(bench), '0']]),
  ),
  probe('environment', 'read the environment of a process of the host', () =>
    refused((bench) => [['read', of(bench, 'environ')]]),
  ),
  probe('arguments', 'read the arguments and the state of a process of the host', () =>
    refused((bench) =>
      ['cmdline', 'status', 'stat', 'maps', 'auxv'].map((what) => ['read', of(bench, what)]),
    ),
  ),
  probe('memory-file', 'open the memory of a process of the host', () =>
    refused((bench) => [['mem', pid(bench)]]),
  ),
  probe('memory-read', 'read the memory of a process of the host by process_vm_readv', () =>
    refused((bench) => [
      attempt(['vm-read', pid(bench), at(bench), `${bench.decoys.canary.length}`], ({ detail }) =>
        detail.includes(bench.decoys.canary),
      ),
    ]),
  ),
  probe('memory-write', 'write to the memory of a process of the host by process_vm_writev', () =>
    refused((bench) => [['vm-write', pid(bench), at(bench)]]),
  ),
  probe('trace', 'trace a process of the host', () =>
    refused((bench) => [
      ['ptrace', pid(bench)],
      ['seize', pid(bench)],
    ]),
  ),
  probe('descriptors', 'see the open descriptors of a process of the host', () =>
    refused((bench) => [
      ['list', of(bench, 'fd')],
      ['list', of(bench, 'fdinfo')],
      ['link', of(bench, 'fd/0')],
    ]),
  ),
  probe('steal', 'take a descriptor from a process of the host by pidfd_getfd', () =>
    refused((bench) => [['steal-fd', pid(bench), '0']]),
  ),
  probe('compare', 'compare itself with a process of the host by kcmp', () =>
    refused((bench) => [['kcmp', pid(bench)]]),
  ),
  probe('advise', 'page out the memory of a process of the host by process_madvise', (given) =>
    has(given, 'SYS_NICE')
      ? refused((bench) => [['process-madvise', pid(bench), at(bench)]])
      : { pointless: `${SYS_NICE_NEEDED} needs CAP_SYS_NICE over the host, which this user has not` },
  ),
  probe('root', 'reach files by the root, the folder and the program of a process of the host', () =>
    refused((bench) => [
      ['list', of(bench, 'root/')],
      ['list', of(bench, 'cwd/')],
      ['link', of(bench, 'exe')],
      attempt(['read', of(bench, `root${bench.decoys.file}`)], ({ detail }) =>
        detail.includes(bench.decoys.canary),
      ),
    ]),
  ),
  probe('namespaces', 'name the namespaces of a process of the host, and join one', (given) =>
    refused((bench) => [
      ...['uts', 'mnt', 'net'].map((kind) => ['link', of(bench, `ns/${kind}`)] as const),
      ...(has(given, 'SYS_ADMIN')
        ? ([
            ['setns', of(bench, 'ns/uts')],
            ['setns-pidfd', pid(bench), '4000000'],
          ] as const)
        : []),
    ]),
  ),
  probe('limits', 'read and change limits, priorities and processors of a process of the host', () =>
    refused((bench) => [
      ['prlimit', pid(bench)],
      ['renice', pid(bench)],
      ['io-priority', pid(bench)],
      ['affinity', pid(bench)],
      ['put', of(bench, 'oom_score_adj'), '1000'],
    ]),
  ),
]
