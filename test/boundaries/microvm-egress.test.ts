/** The gateway on virtual machines, one hop out behind their tap: the same attacks by the network. test/long has those by volume. */
import { onMachines } from './on-machines.js'

await onMachines(['spellings', 'tunnels'])
