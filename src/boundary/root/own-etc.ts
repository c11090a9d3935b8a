/** Files of /etc that no sandbox takes from anybody. */
import { JOB_IDENTITY } from '../../identity/index.js'
import type { Plan } from '../../plan/index.js'

const { uid, gid, userName, hostName } = JOB_IDENTITY

/** The sandbox's own /etc files; no machine id, no host name, no other user. */
const OWN_ETC: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n${userName}:x:${uid}:${gid}::/job:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n`,
  group: `root:x:0:\n${userName}:x:${gid}:\nnogroup:x:65534:\n`,
  hosts: `127.0.0.1 localhost ${hostName}\n::1 localhost ${hostName}\n`,
  hostname: `${hostName}\n`,
}

/** `names`: how a host's name becomes an address. */
const nsswitch = (names: string) =>
  `passwd: files\ngroup: files\nhosts: ${names}\nservices: files\nprotocols: files\n`

/** With a network, what is in no file is asked of the gateway; there is no domain to search. */
export function ownEtc({ network }: Pick<Plan, 'network'>): Record<string, string> {
  if (network === null) return { ...OWN_ETC, 'resolv.conf': '', 'nsswitch.conf': nsswitch('files') }
  const resolver = `nameserver ${network.resolver}\noptions timeout:2 attempts:2\n`
  return { ...OWN_ETC, 'resolv.conf': resolver, 'nsswitch.conf': nsswitch('files dns') }
}
