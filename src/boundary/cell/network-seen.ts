/** What became of a sandbox's network on the kernel that it was made on. Pure. */
import type { Observed } from '../boundary.js'
import type { NetworkNews } from './launcher.js'

/** Nothing where all holds that the plan says. Less than all is still no way out: what is not heard is refused. */
export function networkSeen(news: NetworkNews | null): Observed[] {
  if (news === null || (news.everyPort && news.datagrams)) return []
  const lacking = [
    ...(news.everyPort
      ? []
      : [
          'This kernel has no TPROXY (nft_tproxy): connections to ports that no rule names are refused unheard.',
        ]),
    ...(news.datagrams
      ? []
      : ['This kernel has no nfnetlink_log or nft_log: datagrams are refused unheard.']),
  ]
  return [{ id: 'network.recorded', status: 'impossible', by: lacking.join(' ') }]
}
