/** Processes: the host's, and the sandbox's first. */
import type { Probe } from './probe.js'
import { refused } from './refused.js'

const pid = ({ decoys }: { decoys: { process: { pid: number } } }) => `${decoys.process.pid}`

export const processProbes: readonly Probe[] = [
  {
    id: 'processes.signal',
    claim: 'isolation.processes',
    threat: 'host-processes',
    tries: 'send a signal to a process of the host',
    trial: () => refused((bench) => [['signal', pid(bench), '0']]),
  },
  {
    id: 'processes.environment',
    claim: 'isolation.processes',
    threat: 'host-processes',
    tries: 'read the environment of a process of the host',
    trial: () => refused((bench) => [['read', `/proc/${pid(bench)}/environ`]]),
  },
]
