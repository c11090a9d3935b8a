/*
 * One nftables table, in one batch: as a script,
 *
 *   table inet glovebox {
 *     chain refuse { limit rate 64/second burst 256 packets log group 1; reject with icmpx port-unreachable }
 *     chain arriving { type filter hook prerouting priority mangle
 *       ip daddr 127.0.0.0/8 accept; ip6 daddr ::1 accept            # where the plan grants loopback
 *       meta l4proto tcp tproxy to :1 accept
 *       tcp flags & (fin|syn|rst|ack) == syn reject with tcp reset   # no gateway: nobody else answers in its place
 *     }
 *     chain leaving { type filter hook output priority filter
 *       ip hdrlength != 5 goto refuse                                # options: source routes go by another name
 *       ip6 nexthdr 0 @nh,320,8 tcp accept                           # the kernel's own, of more than 64 KiB in one piece
 *       ip6 nexthdr != { tcp, udp, icmpv6 } goto refuse              # extension headers, likewise
 *       meta l4proto tcp accept
 *       ip daddr RESOLVER udp dport 53 accept; ip saddr RESOLVER udp sport 53 accept
 *       udp to 127.0.0.0/8 and ::1 accept                            # where the plan grants loopback
 *       icmp type destination-unreachable accept; icmpv6 type < 128 accept   # the kernel's own, the job makes none
 *       goto refuse
 *     }
 *   }
 *
 * One hop out (beyond.c) the chain `leaving` is on the input hook, and `arriving` first drops what names another source or a group,
 * which is logged, and what a stack says when it comes up. The job's loopback is its own stack's; the kernel's own has no rule.
 *
 * Whatever it let pass would still end in this namespace, which has no way out: the rules are there so that each attempt is
 * answered at once, by the gateway or by a refusal, and written down.
 */
#include "network.h"
#include "nftables.h"
#include "../walls.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define PRIORITY_MANGLE (-150)
#define PRIORITY_FILTER 0

#define TCP_FLAGS 13   /* offset in a TCP header */
#define FIN_SYN_RST_ACK 0x17
#define SYN 0x02

static void to_loopback(struct netlink *to, const char *chain_name, uint8_t protocol)
{
    const uint8_t four = 127, six[16] = {[15] = 1};
    struct nft_rule rule = nft_rule(to, chain_name, "loopback rule");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    nft_meta(to, NFT_META_L4PROTO, protocol);
    nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 16, &four, sizeof four);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
    rule = nft_rule(to, chain_name, "loopback rule");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV6);
    nft_meta(to, NFT_META_L4PROTO, protocol);
    nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 24, six, sizeof six);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
}

void rules_every_port(struct netlink *to, const char *chain_name)
{
    const uint16_t port = htons(GATEWAY_PORT);
    struct nft_rule rule = nft_rule(to, chain_name, "tproxy rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    struct nft_expression made = nft_expression(to, "immediate");
    netlink_put_u32(to, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_1));
    nft_value(to, NFTA_IMMEDIATE_DATA, &port, sizeof port);
    nft_expressed(to, made);
    made = nft_expression(to, "tproxy");
    netlink_put_u32(to, NFTA_TPROXY_FAMILY, htonl(NFPROTO_UNSPEC));
    netlink_put_u32(to, NFTA_TPROXY_REG_PORT, htonl(NFT_REG_1));
    nft_expressed(to, made);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
}

/* The number of the message with which a kernel without TPROXY finds fault. */
static uint32_t arriving(struct netlink *to, const struct request *request, const struct abilities *can)
{
    const uint8_t syn = SYN;
    nft_chain(to, "arriving", true, NF_INET_PRE_ROUTING, PRIORITY_MANGLE);
    if (request->network.beyond)
        beyond_arriving(to, "arriving");
    else if (request->network.loopback)
        to_loopback(to, "arriving", IPPROTO_TCP);
    if (!can->transparent)
        return UINT32_MAX;
    uint32_t number = to->count;
    rules_every_port(to, "arriving");
    struct nft_rule rule = nft_rule(to, "arriving", "reset rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    nft_load(to, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
    nft_mask(to, FIN_SYN_RST_ACK);
    nft_compare(to, NFT_CMP_EQ, &syn, sizeof syn);
    nft_reject(to, NFT_REJECT_TCP_RST, 0);
    nft_rule_end(&rule);
    return number;
}

/* Which the kernel makes of a stream when much of it waits (BIG TCP); a job without CAP_NET_RAW makes none. */
static void pass_jumbograms(struct netlink *to)
{
    const uint8_t hop_by_hop = IPPROTO_HOPOPTS, tcp = IPPROTO_TCP;
    struct nft_rule rule = nft_rule(to, "leaving", "rule for jumbograms");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV6);
    nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 6, &hop_by_hop, 1);
    nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 40, &tcp, 1);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
}

static void refuse_odd_headers(struct netlink *to, bool beyond)
{
    const uint8_t five = 5, plain[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};
    struct nft_rule rule = nft_rule(to, "leaving", "rule for IP options");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    nft_load(to, NFT_PAYLOAD_NETWORK_HEADER, 0, 1);
    nft_mask(to, 0x0f);
    nft_compare(to, NFT_CMP_NEQ, &five, sizeof five);
    nft_verdict(to, NFT_GOTO, "refuse");
    nft_rule_end(&rule);
    if (!beyond) /* where the job's stack is another one, this kernel makes none */
        pass_jumbograms(to);
    rule = nft_rule(to, "leaving", "rule for extension headers");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV6);
    nft_load(to, NFT_PAYLOAD_NETWORK_HEADER, 6, 1);
    for (size_t i = 0; i < sizeof plain; i++)
        nft_compare(to, NFT_CMP_NEQ, &plain[i], 1);
    nft_verdict(to, NFT_GOTO, "refuse");
    nft_rule_end(&rule);
}

/* Questions, where `address` and `port` are offsets of the destination; answers, where they are the source's. */
static void with_resolver(struct netlink *to, const struct request *request, uint32_t address, uint32_t port)
{
    const uint16_t names = htons(RESOLVER_PORT);
    struct nft_rule rule = nft_rule(to, "leaving", "resolver rule");
    nft_meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_UDP);
    nft_bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, address, request->network.resolver, sizeof request->network.resolver);
    nft_bytes_are(to, NFT_PAYLOAD_TRANSPORT_HEADER, port, &names, sizeof names);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
}

static void errors(struct netlink *to, int32_t verdict)
{
    const uint8_t unreachable = 3, informational = 128;
    struct nft_rule rule = nft_rule(to, "leaving", "icmp rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_ICMP);
    nft_bytes_are(to, NFT_PAYLOAD_TRANSPORT_HEADER, 0, &unreachable, sizeof unreachable);
    nft_verdict(to, verdict, NULL);
    nft_rule_end(&rule);
    rule = nft_rule(to, "leaving", "icmp rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_ICMPV6);
    nft_load(to, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
    nft_compare(to, NFT_CMP_LT, &informational, sizeof informational);
    nft_verdict(to, verdict, NULL);
    nft_rule_end(&rule);
}

/* One hop out what the job sends is what arrives there: the hook is another one, and the kernel itself has nothing to say. */
static void leaving(struct netlink *to, const struct request *request)
{
    bool beyond = request->network.beyond;
    nft_chain(to, "leaving", true, beyond ? NF_INET_LOCAL_IN : NF_INET_LOCAL_OUT, PRIORITY_FILTER);
    refuse_odd_headers(to, beyond);
    struct nft_rule rule = nft_rule(to, "leaving", "tcp rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    nft_verdict(to, NF_ACCEPT, NULL);
    nft_rule_end(&rule);
    with_resolver(to, request, 16, 2);
    if (!beyond)
        with_resolver(to, request, 12, 0);
    if (!beyond && request->network.loopback)
        to_loopback(to, "leaving", IPPROTO_UDP);
    errors(to, beyond ? NF_DROP : NF_ACCEPT);
    if (!WALL("refused-datagrams"))
        return;
    rule = nft_rule(to, "leaving", "last rule");
    nft_verdict(to, NFT_GOTO, "refuse");
    nft_rule_end(&rule);
}

/* The number of the message with which a kernel that can't log finds fault. Bounded: a flood must not keep the launcher busy. */
static uint32_t log_refused(struct netlink *to, const char *chain_name)
{
    const uint16_t group = htons(LOG_GROUP), at_once = htons(1);
    const uint64_t rate = htobe64(64), second = htobe64(1);
    uint32_t number = to->count;
    struct nft_rule rule = nft_rule(to, chain_name, "log rule");
    struct nft_expression made = nft_expression(to, "limit");
    netlink_put(to, NFTA_LIMIT_RATE, &rate, sizeof rate);
    netlink_put(to, NFTA_LIMIT_UNIT, &second, sizeof second);
    netlink_put_u32(to, NFTA_LIMIT_BURST, htonl(256));
    netlink_put_u32(to, NFTA_LIMIT_TYPE, htonl(NFT_LIMIT_PKTS));
    nft_expressed(to, made);
    made = nft_expression(to, "log");
    netlink_put(to, NFTA_LOG_GROUP, &group, sizeof group);
    netlink_put_u32(to, NFTA_LOG_SNAPLEN, htonl(LOGGED_BYTES));
    netlink_put(to, NFTA_LOG_QTHRESHOLD, &at_once, sizeof at_once);
    nft_expressed(to, made);
    nft_rule_end(&rule);
    return number;
}

/* For what no answer could reach, one hop out, see beyond.c. */
static void unanswered(struct netlink *to, const struct abilities *can)
{
    nft_chain(to, "unanswered", false, 0, 0);
    if (can->recorded)
        log_refused(to, "unanswered");
    struct nft_rule rule = nft_rule(to, "unanswered", "drop rule");
    nft_verdict(to, NF_DROP, NULL);
    nft_rule_end(&rule);
}

/* False: tell it again, with less. */
static bool told(int kernel, const struct request *request, struct abilities *can)
{
    struct netlink messages;
    struct netlink_answers answers;
    uint32_t tproxy = UINT32_MAX, log = UINT32_MAX;
    netlink_clear(&messages);
    nft_border(&messages, NFNL_MSG_BATCH_BEGIN);
    nft_begin(&messages, "nftables", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    netlink_put_text(&messages, NFTA_TABLE_NAME, TABLE);
    nft_chain(&messages, "refuse", false, 0, 0);
    if (can->recorded)
        log = log_refused(&messages, "refuse");
    struct nft_rule rule = nft_rule(&messages, "refuse", "reject rule");
    nft_reject(&messages, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    nft_rule_end(&rule);
    if (request->network.beyond)
        unanswered(&messages, can);
    if (can->transparent || request->network.beyond)
        tproxy = arriving(&messages, request, can);
    leaving(&messages, request);
    if (!nft_ask(kernel, &messages, &answers))
        fail("network", "nftables");
    bool whole = true;
    for (uint32_t i = 0; i < messages.count; i++) {
        bool lacking = answers.errors[i] == ENOENT || answers.errors[i] == EOPNOTSUPP;
        if (lacking && (i == tproxy || i == log)) {
            can->transparent = can->transparent && i != tproxy;
            can->recorded = can->recorded && i != log;
            whole = false;
        } else if ((errno = answers.errors[i]) != 0) {
            fail("network", messages.names[i]);
        }
    }
    if (whole && !answers.done)
        fail("network", "nftables");
    return whole;
}

void network_rules(const struct request *request, struct abilities *can)
{
    int kernel = netlink_socket(NETLINK_NETFILTER);
    if (kernel < 0)
        fail("network", "nftables");
    while (!told(kernel, request, can))
        continue;
    close(kernel);
}
