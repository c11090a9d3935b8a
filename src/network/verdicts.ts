/** Every verdict on an attempt, each with its meaning as docs/network.md has it. `allow` is the only one that lets anything through. */
export const VERDICT_MEANINGS = {
  allow: 'A rule of the policy covers it, and nothing below speaks against it.',
  denyName: 'No rule names the host.',
  denyPort: 'A rule names the host, but not this port.',
  denyLiteral: 'It was tried by address, and no rule names the address.',
  denyUnknownName:
    'The address lies in the block that stands for names, and stands for none that was asked for.',
  denyLoopback: "The address is this host's loopback.",
  denyMetadata: "The address or the name is a cloud's metadata service; nothing opens it.",
  denyOwnAddress: "The address is one of this host's own.",
  denyPrivate: 'The address belongs to a private network, and no `private` block of the rule holds it.',
  denyLinkLocal: 'The address is good only on the link that the host stands on.',
  denyCgnat: "The address belongs to a carrier's or a cloud's shared space (RFC 6598).",
  denyMulticast: 'The address stands for a group of hosts.',
  denyReserved:
    'The address is set aside: unspecified, broadcast, documentation, benchmarks, not allocated, or no address at all.',
  denyEmbedded: 'The address is an IPv6 spelling with an IPv4 address inside.',
  denyUnresolved: 'The name has no address, or nobody could tell in time.',
  denyProtocol: 'What the job sent is not what the port is for, such as no TLS on a TLS port.',
  denyServerName: 'The ClientHello asks for another name than the one that was looked up.',
  denyNoServerName: 'The ClientHello asks for no name.',
  denyEncryptedHello: 'The ClientHello hides the name that it asks for.',
  denyCertificate:
    "The host's certificate does not hold for its name, or nobody whom this host trusts has signed it.",
  denyHandshake:
    'The job ended TLS with the gateway, as a program does that trusts no authority but its own.',
  denyHost: 'The request is for another host than the one that the connection leads to, or for none.',
  denyMethod: 'No rule for the host has this method.',
  denyPath: 'No rule for the host has this path, or the path can be read in two ways.',
  denyConnect: 'The request wants a tunnel (CONNECT).',
  denyUpgrade: 'The request wants another protocol, and the rule has no `upgrade: true`.',
  denyRequest: 'The request can be read in two ways, or breaks the rules of HTTP.',
  denyCredentialElsewhere:
    'A placeholder was on its way to a host, method, path or part of a request that its credential is not for.',
  denyCredentialEnded: 'The lease of the credential has ended.',
  denySecret: 'The request held the real value of a credential, which nothing inside can know from Glovebox.',
  denySignature: 'The request is to be signed anew, and its own signature is none that can be replaced.',
  denyPresigned: 'The URL is signed in its query, and the credential has no `presigned: true`.',
  denyReflection: 'The response held the real value of a credential.',
  denyEncoded: 'The response is compressed in a way that cannot be looked into.',
  denyBudget: 'A budget of the rule or of the sandbox is used up.',
  denyTimeout: 'It took longer than the policy lets it.',
  denyDatagram: 'It was a datagram, such as UDP, QUIC or ICMP; none leaves.',
} as const

export type Verdict = keyof typeof VERDICT_MEANINGS
export type Denial = Exclude<Verdict, 'allow'>

export const VERDICTS = Object.keys(VERDICT_MEANINGS) as readonly Verdict[]
