import type { Requirement } from '../plan/index.js'
import type { NetworkPolicy } from '../policy/index.js'

export function networkRequirements(policy: NetworkPolicy | null): Requirement[] {
  const applies = policy !== null
  const promise = (id: Requirement['id'], sentence: string): Requirement => ({
    id,
    sentence,
    family: 'network',
    applies,
  })
  return [
    {
      id: 'network.none',
      sentence:
        'The job has no network: no interface but a loopback that is down, no route, no address that answers.',
      family: 'network',
      applies: !applies,
    },
    promise(
      'network.gateway-only',
      'Every connection that the job makes, to any address and port, ends in the gateway; there is no other way out.',
    ),
    promise(
      'network.no-datagrams',
      'No datagram of the job goes anywhere but its questions for names to the gateway: no UDP, no QUIC, no ICMP.',
    ),
    promise(
      'network.names',
      'Names that no rule allows have no address, and no question of the job leaves the machine.',
    ),
    promise(
      'network.checked-address',
      'The address that is dialled is the one that was checked: public, or in a block that the rule opens.',
    ),
    promise('network.no-metadata', 'No metadata service of any cloud answers.'),
    promise(
      'network.no-host-services',
      "Nothing that listens on this host answers, on its loopback or its own addresses, unless a rule's `private` names it.",
    ),
    promise(
      'network.tls-name',
      'On a TLS port nothing passes but TLS that asks for the very name that was looked up.',
    ),
    promise(
      'network.http-rewritten',
      'HTTP that is clear, or inside TLS that a rule inspects, is read and written anew: one host a connection, only the methods and paths of the rule.',
    ),
    {
      id: 'network.inspected',
      sentence:
        'TLS that a rule inspects ends in the gateway, under an authority that is this sandbox’s alone; the host behind it has shown a certificate for its name, and gets only requests of the rule.',
      family: 'network',
      applies: policy !== null && [...policy.allow, policy.public].some((rule) => rule?.inspect === true),
    },
    promise(
      'network.budgets',
      'What passes is bounded: bytes each way, connections at once, connections a second.',
    ),
    promise(
      'network.recorded',
      'Every connection that the gateway accepts and every datagram that is refused is in the report, of a flood a part and how many more; what the kernel has no route for, as TCP to multicast, is refused unheard.',
    ),
  ]
}
