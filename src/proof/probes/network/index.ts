import type { Probe } from '../probe.js'
import { addressProbes } from './addresses.js'
import { budgetProbes } from './budgets.js'
import { datagramProbes } from './datagrams.js'
import { hostServiceProbes } from './host-services.js'
import { httpProbes } from './http.js'
import { inspectedProbes } from './inspected.js'
import { metadataProbes } from './metadata.js'
import { nameProbes } from './names.js'
import { noNetworkProbes } from './none.js'
import { recordProbes } from './records.js'
import { tlsProbes } from './tls.js'
import { wayProbes } from './ways.js'

export const networkProbes: readonly Probe[] = [
  ...noNetworkProbes,
  ...wayProbes,
  ...datagramProbes,
  ...nameProbes,
  ...addressProbes,
  ...metadataProbes,
  ...hostServiceProbes,
  ...tlsProbes,
  ...httpProbes,
  ...inspectedProbes,
  ...budgetProbes,
  ...recordProbes,
]
