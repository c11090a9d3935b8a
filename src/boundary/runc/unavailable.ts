import type { HostFacts } from '../../host/index.js'
import { hostLack } from '../answers/host-lack.js'
import { type Lack, runcLack } from '../runtime-lacks.js'

export const unavailable = (host: HostFacts): Lack | null => hostLack(host, 'runc') ?? runcLack(host)
