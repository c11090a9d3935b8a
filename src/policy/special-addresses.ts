/** Blocks of addresses that are not simply public hosts': the one list, by which rules are read and addresses are judged. */

/** What an attempt to reach such an address is called. */
export type SpecialKind =
  | 'denyCgnat'
  | 'denyEmbedded'
  | 'denyLinkLocal'
  | 'denyLoopback'
  | 'denyMetadata'
  | 'denyMulticast'
  | 'denyPrivate'
  | 'denyReserved'

/** A block, what an attempt to reach it is called, and who set it aside. */
export type SpecialBlock = readonly [block: string, kind: SpecialKind, source: string]

/**
 * IPv4 inside IPv6. Such a spelling is never dialled, whatever it holds: what a translator or tunnel on the way makes of it is not
 * what was classified. (ISATAP is known by its interface identifier, under any prefix: see addresses.ts.)
 */
export const EMBEDDED: readonly SpecialBlock[] = [
  ['::ffff:0:0/96', 'denyEmbedded', 'IPv4-mapped, RFC 4291'],
  ['::ffff:0:0:0/96', 'denyEmbedded', 'IPv4-translated, RFC 2765'],
  ['::/96', 'denyEmbedded', 'IPv4-compatible, RFC 4291; but for :: and ::1'],
  ['64:ff9b::/96', 'denyEmbedded', 'NAT64, RFC 6052'],
  ['64:ff9b:1::/48', 'denyEmbedded', 'NAT64 of local use, RFC 8215'],
  ['2001::/32', 'denyEmbedded', 'Teredo, RFC 4380: a server in the clear, a client with all bits turned'],
  ['2002::/16', 'denyEmbedded', '6to4, RFC 3056'],
]

/** What gives a cloud machine its credentials, and what stands beside it. Nothing opens these: no rule, no block. */
export const METADATA: readonly SpecialBlock[] = [
  [
    '169.254.169.0/24',
    'denyMetadata',
    'AWS, Azure, Google (.252 in GKE), Oracle, OpenStack and most others: .254; AWS DNS .253',
  ],
  ['169.254.170.0/24', 'denyMetadata', 'AWS: ECS task roles .2, EKS pod identity .23'],
  ['169.254.0.23/32', 'denyMetadata', 'Tencent'],
  ['169.254.42.42/32', 'denyMetadata', 'Scaleway'],
  ['100.100.100.200/32', 'denyMetadata', 'Alibaba'],
  ['168.63.129.16/32', 'denyMetadata', 'Azure wire server: a public address that is none'],
  ['192.0.0.192/32', 'denyMetadata', 'Oracle Classic'],
  ['fd00:ec2::/32', 'denyMetadata', 'AWS: ::254, EKS ::23, DNS ::253'],
  ['fd20:ce::254/128', 'denyMetadata', 'Google'],
  ['fd00:c1::a9fe:a9fe/128', 'denyMetadata', 'Oracle'],
  ['fd00:42::42/128', 'denyMetadata', 'Scaleway'],
  ['fe80::a9fe:a9fe/128', 'denyMetadata', 'OpenStack'],
]

/** No host of its own answers here; a rule can't open these. From IANA's special-purpose registries, where not said otherwise. */
export const NEVER: readonly SpecialBlock[] = [
  ['0.0.0.0/8', 'denyReserved', 'this network, RFC 791: 0.0.0.0 reaches the host itself'],
  [
    '192.0.0.0/24',
    'denyReserved',
    'IETF protocol assignments, RFC 6890: DS-Lite, PCP, TURN, NAT64 discovery',
  ],
  ['192.0.2.0/24', 'denyReserved', 'documentation, RFC 5737'],
  ['192.31.196.0/24', 'denyReserved', 'AS112, RFC 7535'],
  ['192.52.193.0/24', 'denyReserved', 'AMT, RFC 7450'],
  ['192.88.99.0/24', 'denyReserved', '6to4 relays, taken back by RFC 7526'],
  ['192.175.48.0/24', 'denyReserved', 'AS112, RFC 7534'],
  ['198.51.100.0/24', 'denyReserved', 'documentation, RFC 5737'],
  ['203.0.113.0/24', 'denyReserved', 'documentation, RFC 5737'],
  ['224.0.0.0/4', 'denyMulticast', 'RFC 1112'],
  ['240.0.0.0/4', 'denyReserved', 'future use, RFC 1112; limited broadcast, RFC 8190'],
  ['::/128', 'denyReserved', 'unspecified, RFC 4291: reaches the host itself'],
  ['100::/64', 'denyReserved', 'discard, RFC 6666'],
  ['100:0:0:1::/64', 'denyReserved', 'dummy prefix, RFC 9780'],
  ['2001:1::/32', 'denyReserved', 'anycast of PCP, TURN, DNS-SD, RFC 7723, 8155, 9665'],
  ['2001:3::/32', 'denyReserved', 'AMT, RFC 7450'],
  ['2001:4:112::/48', 'denyReserved', 'AS112, RFC 7535'],
  ['2001:10::/28', 'denyReserved', 'ORCHID, RFC 4843'],
  ['2001:20::/28', 'denyReserved', 'ORCHIDv2, RFC 7343'],
  ['2001:30::/28', 'denyReserved', 'DRIP, RFC 9374'],
  ['2001:db8::/32', 'denyReserved', 'documentation, RFC 3849'],
  ['2620:4f:8000::/48', 'denyReserved', 'AS112, RFC 7534'],
  ['3ffe::/16', 'denyReserved', '6bone, given back by RFC 3701'],
  ['3fff::/20', 'denyReserved', 'documentation, RFC 9637'],
  ['5f00::/16', 'denyReserved', 'segment routing, RFC 9602'],
  ['fec0::/10', 'denyReserved', 'site-local, given up by RFC 3879'],
  ['ff00::/8', 'denyMulticast', 'RFC 4291'],
]

export const LOOPBACK: readonly SpecialBlock[] = [
  ['127.0.0.0/8', 'denyLoopback', 'RFC 1122'],
  ['::1/128', 'denyLoopback', 'RFC 4291'],
]

/** Somebody's own network. A rule's `private` opens what lies in its blocks. */
export const PRIVATE: readonly SpecialBlock[] = [
  ['10.0.0.0/8', 'denyPrivate', 'RFC 1918'],
  ['172.16.0.0/12', 'denyPrivate', 'RFC 1918'],
  ['192.168.0.0/16', 'denyPrivate', 'RFC 1918'],
  ['fc00::/7', 'denyPrivate', 'unique local, RFC 4193'],
  ['100.64.0.0/10', 'denyCgnat', 'RFC 6598'],
  ['169.254.0.0/16', 'denyLinkLocal', 'RFC 3927'],
  ['fe80::/10', 'denyLinkLocal', 'RFC 4291'],
  ['198.18.0.0/15', 'denyReserved', 'benchmarks, RFC 2544'],
  ['2001:2::/48', 'denyReserved', 'benchmarks, RFC 5180'],
]

/** What of IPv6 hosts can have in public (RFC 4291, 2.4); all else that has no row above is not allocated. */
export const GLOBAL_UNICAST = '2000::/3'
/** In it, set aside for protocols as a whole (RFC 2928); the rows above are the parts given out. */
export const PROTOCOL_ASSIGNMENTS = '2001::/23'
