/** The gateway on virtual machines: attacks by volume. */
import { onMachines } from '../boundaries/on-machines.js'

await onMachines(['budgets'])
