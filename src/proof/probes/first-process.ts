/** The first process of the sandbox: it holds the control channel, and may not be touched. */
import type { Bench, Given, Pointless, Probe, Trial } from './probe.js'
import { attempt, refused, type Words } from './refused.js'

function probe(id: string, tries: string, trial: (given: Given) => Trial | Pointless): Probe {
  return { id: `first-process.${id}`, claim: 'isolation.processes', threat: 'first-process', tries, trial }
}

/** On process 1 inside; in the open on the decoy. */
function onFirst(attempts: (pid: string) => readonly Words[]): Trial {
  return refused(() => attempts('1'), { control: ({ decoys }: Bench) => attempts(`${decoys.process.pid}`) })
}

/** How the agent is started: a memory file by its descriptor, or a file of an image's; nothing of the host is to be read there. */
const AGENT = /^(\/proc\/self\/fd\/\d+|(\/\.glovebox\/)?agent --carried)$/

export const firstProcessProbes: readonly Probe[] = [
  probe('environment', "read the first process's environment", () =>
    onFirst((pid) => [
      ['variables', `/proc/${pid}/environ`],
      ['read', `/proc/${pid}/auxv`],
    ]),
  ),
  probe('arguments', "read more in the first process's arguments than a descriptor", () =>
    refused(() => [attempt(['read', '/proc/1/cmdline'], toldArguments)], {
      control: ({ decoys }) => [attempt(['read', `/proc/${decoys.process.pid}/cmdline`], toldArguments)],
    }),
  ),
  probe('memory', "read and write the first process's memory", () =>
    refused(
      () => [
        ['mem', '1'],
        ['read', '/proc/1/maps'],
        ['peek', '1'],
        ['poke', '1'],
      ],
      {
        control: ({ decoys: { process } }) => [
          ['mem', `${process.pid}`],
          ['read', `/proc/${process.pid}/maps`],
          ['vm-read', `${process.pid}`, process.canaryAt],
          ['vm-write', `${process.pid}`, process.canaryAt],
        ],
      },
    ),
  ),
  probe('trace', 'trace the first process', () =>
    refused(
      () => [
        ['ptrace', '1'],
        ['seize', '1'],
      ],
      {
        control: () => [
          ['trace-child', 'attach'],
          ['trace-child', 'seize'],
        ],
      },
    ),
  ),
  probe('descriptors', 'see or take the descriptors of the first process', () =>
    refused(
      () => [
        ['list', '/proc/1/fd'],
        ['list', '/proc/1/fdinfo'],
        ['link', '/proc/1/fd/3'],
        ['steal-fd', '1', '3'],
        ['kcmp', '1'],
      ],
      {
        control: ({ decoys }) => [
          ['list', `/proc/${decoys.process.pid}/fd`],
          ['link', `/proc/${decoys.process.pid}/fd/0`],
          ['steal-fd', `${decoys.process.pid}`, '0'],
          ['kcmp', `${decoys.process.pid}`],
        ],
      },
    ),
  ),
  probe('root', 'reach files by the root, the folder and the program of the first process', () =>
    onFirst((pid) => [
      ['list', `/proc/${pid}/root/`],
      ['list', `/proc/${pid}/cwd/`],
      ['link', `/proc/${pid}/exe`],
      ['read', `/proc/${pid}/exe`],
    ]),
  ),
  probe('namespaces', 'join the namespaces of the first process', () =>
    refused(
      () => [
        ...['mnt', 'user', 'net'].map((kind) => ['setns', `/proc/1/ns/${kind}`] as const),
        ['setns-pidfd', '1', '20000'],
        ['setns-pidfd', '1', '10000000'],
      ],
      { control: () => [['setns', '/proc/self/ns/uts']], where: 'privileged' },
    ),
  ),
  probe('limits', 'change the limits and the priority of the first process', () =>
    onFirst((pid) => [
      ['prlimit', pid],
      ['renice', pid],
      ['io-priority', pid],
      ['affinity', pid],
      ['put', `/proc/${pid}/oom_score_adj`, '1000'],
    ]),
  ),
  probe('killed', 'end or stop the first process', () =>
    refused(
      () => [
        // the kernel shields a namespace's first process from its own: these succeed, and nothing happens
        ...['9', '19', '15'].map((number) => attempt(['signal', '1', number], () => false)),
        attempt(['cwd'], ({ result }) => result !== 'ok'),
      ],
      { control: ({ decoys }) => [['signal', `${decoys.process.pid}`, '0']] },
    ),
  ),
]

function toldArguments({ result, detail }: { result: string; detail: string }): boolean {
  return result === 'ok' && !AGENT.test(detail)
}
