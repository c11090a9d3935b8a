import { formatDuration, formatSize } from '../units/index.js'
import { patternText } from './host-pattern.js'
import { defaultProtocol } from './host-rule.js'
import type { HostRule, NetworkPolicy, PublicRule, RuleBudget } from './policy.js'
import type { PolicyDocument } from './schema.js'

type WrittenNetwork = NonNullable<PolicyDocument['network']>

/** The section as a file would spell it, every default written out. */
export function networkDocument(network: NetworkPolicy): WrittenNetwork {
  const { connectMs, headMs, idleMs } = network.timeouts
  return {
    allow: network.allow.map(hostRule),
    ...(network.public === null ? {} : { public: publicRule(network.public) }),
    loopback: network.loopback,
    ...budget(network.budget),
    timeouts: {
      connect: formatDuration(connectMs),
      head: formatDuration(headMs),
      idle: formatDuration(idleMs),
    },
  }
}

function hostRule(rule: HostRule) {
  const [first] = rule.ports
  const usual = rule.ports.every(({ port, protocol }) => protocol === defaultProtocol(port))
  return {
    host: patternText(rule.host),
    ports: rule.ports.map(({ port }) => port),
    ...(usual || first === undefined ? {} : { protocol: first.protocol }),
    inspect: rule.inspect,
    ...(rule.methods === null ? {} : { methods: [...rule.methods] }),
    ...(rule.paths === null ? {} : { paths: [...rule.paths] }),
    upgrade: rule.upgrade,
    private: [...rule.private],
    ...budget(rule.budget),
  }
}

function publicRule({ ports, inspect, methods, ...rule }: PublicRule) {
  return {
    ports: [...ports],
    inspect,
    ...(methods === null ? {} : { methods: [...methods] }),
    ...budget(rule.budget),
  }
}

function budget({ maxUploadBytes, maxDownloadBytes, maxConnections, maxRate }: RuleBudget) {
  return {
    ...(maxUploadBytes === null ? {} : { maxUpload: formatSize(maxUploadBytes) }),
    ...(maxDownloadBytes === null ? {} : { maxDownload: formatSize(maxDownloadBytes) }),
    ...(maxConnections === null ? {} : { maxConnections }),
    ...(maxRate === null ? {} : { maxRate }),
  }
}
