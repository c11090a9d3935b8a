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
 *       ip6 nexthdr != { tcp, udp, icmpv6 } goto refuse              # extension headers, likewise
 *       meta l4proto tcp accept
 *       ip daddr RESOLVER udp dport 53 accept; ip saddr RESOLVER udp sport 53 accept
 *       udp to 127.0.0.0/8 and ::1 accept                            # where the plan grants loopback
 *       icmp type destination-unreachable accept; icmpv6 type < 128 accept   # the kernel's own, the job makes none
 *       goto refuse
 *     }
 *   }
 *
 * Whatever it let pass would still end in this namespace, which has no way out: the rules are there so that each attempt is
 * answered at once, by the gateway or by a refusal, and written down.
 */
#include "netlink.h"
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define TABLE "glovebox"
#define PRIORITY_MANGLE (-150)
#define PRIORITY_FILTER 0

#define TCP_FLAGS 13   /* offset in a TCP header */
#define FIN_SYN_RST_ACK 0x17
#define SYN 0x02

static void begin(struct netlink *to, const char *name, uint16_t type, uint16_t flags)
{
    struct nfgenmsg body = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    netlink_begin(to, name, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, &body, sizeof body);
}

static void border(struct netlink *to, uint16_t type)
{
    struct nfgenmsg body = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    netlink_begin(to, "nftables", type, 0, &body, sizeof body);
}

static void chain(struct netlink *to, const char *name, bool base, uint32_t hook, int32_t priority)
{
    begin(to, "nftables chain", NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    netlink_put_text(to, NFTA_CHAIN_TABLE, TABLE);
    netlink_put_text(to, NFTA_CHAIN_NAME, name);
    if (!base)
        return;
    size_t nest = netlink_nest(to, NFTA_CHAIN_HOOK);
    netlink_put_u32(to, NFTA_HOOK_HOOKNUM, htonl(hook));
    netlink_put_u32(to, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
    netlink_end(to, nest);
    netlink_put_text(to, NFTA_CHAIN_TYPE, "filter");
}

struct rule {
    struct netlink *to;
    size_t expressions;
};

static struct rule rule_in(struct netlink *to, const char *chain_name, const char *name)
{
    begin(to, name, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    netlink_put_text(to, NFTA_RULE_TABLE, TABLE);
    netlink_put_text(to, NFTA_RULE_CHAIN, chain_name);
    return (struct rule){.to = to, .expressions = netlink_nest(to, NFTA_RULE_EXPRESSIONS)};
}

static void ends(const struct rule *rule)
{
    netlink_end(rule->to, rule->expressions);
}

struct expression {
    size_t element, data;
};

static struct expression expression(struct netlink *to, const char *name)
{
    struct expression made = {.element = netlink_nest(to, NFTA_LIST_ELEM)};
    netlink_put_text(to, NFTA_EXPR_NAME, name);
    made.data = netlink_nest(to, NFTA_EXPR_DATA);
    return made;
}

static void expressed(struct netlink *to, struct expression made)
{
    netlink_end(to, made.data);
    netlink_end(to, made.element);
}

static void value(struct netlink *to, uint16_t type, const void *bytes, size_t size)
{
    size_t nest = netlink_nest(to, type);
    netlink_put(to, NFTA_DATA_VALUE, bytes, size);
    netlink_end(to, nest);
}

static void compare(struct netlink *to, uint32_t how, const void *bytes, size_t size)
{
    struct expression made = expression(to, "cmp");
    netlink_put_u32(to, NFTA_CMP_SREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_CMP_OP, htonl(how));
    value(to, NFTA_CMP_DATA, bytes, size);
    expressed(to, made);
}

static void meta(struct netlink *to, uint32_t key, uint8_t wanted)
{
    struct expression made = expression(to, "meta");
    netlink_put_u32(to, NFTA_META_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_META_KEY, htonl(key));
    expressed(to, made);
    compare(to, NFT_CMP_EQ, &wanted, sizeof wanted);
}

static void load(struct netlink *to, uint32_t base, uint32_t offset, uint32_t size)
{
    struct expression made = expression(to, "payload");
    netlink_put_u32(to, NFTA_PAYLOAD_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_PAYLOAD_BASE, htonl(base));
    netlink_put_u32(to, NFTA_PAYLOAD_OFFSET, htonl(offset));
    netlink_put_u32(to, NFTA_PAYLOAD_LEN, htonl(size));
    expressed(to, made);
}

static void mask(struct netlink *to, uint8_t bits)
{
    const uint8_t none = 0;
    struct expression made = expression(to, "bitwise");
    netlink_put_u32(to, NFTA_BITWISE_SREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_BITWISE_DREG, htonl(NFT_REG_1));
    netlink_put_u32(to, NFTA_BITWISE_LEN, htonl(sizeof bits));
    value(to, NFTA_BITWISE_MASK, &bits, sizeof bits);
    value(to, NFTA_BITWISE_XOR, &none, sizeof none);
    expressed(to, made);
}

static void verdict(struct netlink *to, int32_t code, const char *chain_name)
{
    struct expression made = expression(to, "immediate");
    netlink_put_u32(to, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
    size_t data = netlink_nest(to, NFTA_IMMEDIATE_DATA), nest = netlink_nest(to, NFTA_DATA_VERDICT);
    netlink_put_u32(to, NFTA_VERDICT_CODE, htonl((uint32_t)code));
    if (chain_name != NULL)
        netlink_put_text(to, NFTA_VERDICT_CHAIN, chain_name);
    netlink_end(to, nest);
    netlink_end(to, data);
    expressed(to, made);
}

static void reject(struct netlink *to, uint32_t type, uint8_t code)
{
    struct expression made = expression(to, "reject");
    netlink_put_u32(to, NFTA_REJECT_TYPE, htonl(type));
    netlink_put(to, NFTA_REJECT_ICMP_CODE, &code, sizeof code);
    expressed(to, made);
}

static void bytes_are(struct netlink *to, uint32_t base, uint32_t offset, const void *bytes, uint32_t size)
{
    load(to, base, offset, size);
    compare(to, NFT_CMP_EQ, bytes, size);
}

static void to_loopback(struct netlink *to, const char *chain_name, uint8_t protocol)
{
    const uint8_t four = 127, six[16] = {[15] = 1};
    struct rule rule = rule_in(to, chain_name, "loopback rule");
    meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    meta(to, NFT_META_L4PROTO, protocol);
    bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 16, &four, sizeof four);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
    rule = rule_in(to, chain_name, "loopback rule");
    meta(to, NFT_META_NFPROTO, NFPROTO_IPV6);
    meta(to, NFT_META_L4PROTO, protocol);
    bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, 24, six, sizeof six);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
}

/* The number of the message with which a kernel without TPROXY finds fault. */
static uint32_t arriving(struct netlink *to, const struct request *request)
{
    const uint16_t port = htons(GATEWAY_PORT);
    const uint8_t syn = SYN;
    chain(to, "arriving", true, NF_INET_PRE_ROUTING, PRIORITY_MANGLE);
    if (request->network.loopback)
        to_loopback(to, "arriving", IPPROTO_TCP);
    uint32_t number = to->count;
    struct rule rule = rule_in(to, "arriving", "tproxy rule");
    meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    struct expression made = expression(to, "immediate");
    netlink_put_u32(to, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_1));
    value(to, NFTA_IMMEDIATE_DATA, &port, sizeof port);
    expressed(to, made);
    made = expression(to, "tproxy");
    netlink_put_u32(to, NFTA_TPROXY_FAMILY, htonl(NFPROTO_UNSPEC));
    netlink_put_u32(to, NFTA_TPROXY_REG_PORT, htonl(NFT_REG_1));
    expressed(to, made);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
    rule = rule_in(to, "arriving", "reset rule");
    meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    load(to, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1);
    mask(to, FIN_SYN_RST_ACK);
    compare(to, NFT_CMP_EQ, &syn, sizeof syn);
    reject(to, NFT_REJECT_TCP_RST, 0);
    ends(&rule);
    return number;
}

static void refuse_odd_headers(struct netlink *to)
{
    const uint8_t five = 5, plain[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6};
    struct rule rule = rule_in(to, "leaving", "rule for IP options");
    meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    load(to, NFT_PAYLOAD_NETWORK_HEADER, 0, 1);
    mask(to, 0x0f);
    compare(to, NFT_CMP_NEQ, &five, sizeof five);
    verdict(to, NFT_GOTO, "refuse");
    ends(&rule);
    rule = rule_in(to, "leaving", "rule for extension headers");
    meta(to, NFT_META_NFPROTO, NFPROTO_IPV6);
    load(to, NFT_PAYLOAD_NETWORK_HEADER, 6, 1);
    for (size_t i = 0; i < sizeof plain; i++)
        compare(to, NFT_CMP_NEQ, &plain[i], 1);
    verdict(to, NFT_GOTO, "refuse");
    ends(&rule);
}

/* Questions, where `address` and `port` are offsets of the destination; answers, where they are the source's. */
static void with_resolver(struct netlink *to, const struct request *request, uint32_t address, uint32_t port)
{
    const uint16_t names = htons(RESOLVER_PORT);
    struct rule rule = rule_in(to, "leaving", "resolver rule");
    meta(to, NFT_META_NFPROTO, NFPROTO_IPV4);
    meta(to, NFT_META_L4PROTO, IPPROTO_UDP);
    bytes_are(to, NFT_PAYLOAD_NETWORK_HEADER, address, request->network.resolver, sizeof request->network.resolver);
    bytes_are(to, NFT_PAYLOAD_TRANSPORT_HEADER, port, &names, sizeof names);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
}

static void errors_pass(struct netlink *to)
{
    const uint8_t unreachable = 3, informational = 128;
    struct rule rule = rule_in(to, "leaving", "icmp rule");
    meta(to, NFT_META_L4PROTO, IPPROTO_ICMP);
    bytes_are(to, NFT_PAYLOAD_TRANSPORT_HEADER, 0, &unreachable, sizeof unreachable);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
    rule = rule_in(to, "leaving", "icmp rule");
    meta(to, NFT_META_L4PROTO, IPPROTO_ICMPV6);
    load(to, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
    compare(to, NFT_CMP_LT, &informational, sizeof informational);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
}

static void leaving(struct netlink *to, const struct request *request)
{
    chain(to, "leaving", true, NF_INET_LOCAL_OUT, PRIORITY_FILTER);
    refuse_odd_headers(to);
    struct rule rule = rule_in(to, "leaving", "tcp rule");
    meta(to, NFT_META_L4PROTO, IPPROTO_TCP);
    verdict(to, NF_ACCEPT, NULL);
    ends(&rule);
    with_resolver(to, request, 16, 2);
    with_resolver(to, request, 12, 0);
    if (request->network.loopback)
        to_loopback(to, "leaving", IPPROTO_UDP);
    errors_pass(to);
    rule = rule_in(to, "leaving", "last rule");
    verdict(to, NFT_GOTO, "refuse");
    ends(&rule);
}

/* The number of the message with which a kernel that can't log finds fault. Bounded: a flood must not keep the launcher busy. */
static uint32_t log_refused(struct netlink *to)
{
    const uint16_t group = htons(LOG_GROUP), at_once = htons(1);
    const uint64_t rate = htobe64(64), second = htobe64(1);
    uint32_t number = to->count;
    struct rule rule = rule_in(to, "refuse", "log rule");
    struct expression made = expression(to, "limit");
    netlink_put(to, NFTA_LIMIT_RATE, &rate, sizeof rate);
    netlink_put(to, NFTA_LIMIT_UNIT, &second, sizeof second);
    netlink_put_u32(to, NFTA_LIMIT_BURST, htonl(256));
    netlink_put_u32(to, NFTA_LIMIT_TYPE, htonl(NFT_LIMIT_PKTS));
    expressed(to, made);
    made = expression(to, "log");
    netlink_put(to, NFTA_LOG_GROUP, &group, sizeof group);
    netlink_put_u32(to, NFTA_LOG_SNAPLEN, htonl(LOGGED_BYTES));
    netlink_put(to, NFTA_LOG_QTHRESHOLD, &at_once, sizeof at_once);
    expressed(to, made);
    ends(&rule);
    return number;
}

/* False: tell it again, with less. */
static bool told(int kernel, const struct request *request, struct abilities *can)
{
    struct netlink messages;
    struct netlink_answers answers;
    uint32_t tproxy = UINT32_MAX, log = UINT32_MAX;
    netlink_clear(&messages);
    border(&messages, NFNL_MSG_BATCH_BEGIN);
    begin(&messages, "nftables", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    netlink_put_text(&messages, NFTA_TABLE_NAME, TABLE);
    chain(&messages, "refuse", false, 0, 0);
    if (can->recorded)
        log = log_refused(&messages);
    struct rule rule = rule_in(&messages, "refuse", "reject rule");
    reject(&messages, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    ends(&rule);
    if (can->transparent)
        tproxy = arriving(&messages, request);
    leaving(&messages, request);
    ((struct nlmsghdr *)(void *)(messages.bytes + messages.message))->nlmsg_flags |= NLM_F_ACK;
    uint32_t rules = messages.count;
    border(&messages, NFNL_MSG_BATCH_END);
    messages.count = rules; /* the end gets no answer; the last rule does */
    if (!netlink_ask(kernel, &messages, &answers))
        fail("network", "nftables");
    bool whole = true;
    for (uint32_t i = 0; i < rules; i++) {
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
