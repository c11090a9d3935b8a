/*
 * A network one hop out, for a boundary whose job has no sockets of this kernel but a stack of its own (gVisor's netstack), or
 * whose program makes namespaces itself. Two network namespaces, both of the worker's user namespace, joined by a veth pair:
 *
 *   the job's: eth0 198.18.0.1/31, default by 198.18.0.0      the gateway's: job 198.18.0.0/31; every other address is local
 *
 * A virtual machine's side is no namespace but a program, which says frames on the interface `job` itself (tap.c), in the gateway's.
 *
 * The rules and the sockets of network.c are in the gateway's, where what the job sends arrives instead of being sent, so the
 * rules are on arrival. Nobody is in there (of a virtual machine its program is, to which they are the same): the sockets keep it, and the one on which the launcher hears of refusals, so that a
 * gateway that is gone is a reset, as elsewhere. What the job's side says of itself may be forged, by a stack that has been
 * taken over: what names another source than its one address is dropped.
 */
#include "network.h"
#include "nftables.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROUTER_LINK = 1000, JOB_LINK = 2 };

/* No name has either of a pair, see src/network/synthetic.ts: two addresses and no broadcast (RFC 3021, RFC 6164). */
static const uint8_t ROUTER4[4] = {198, 18, 0, 0};
static const uint8_t ROUTER6[16] = {0xfd, 0x67, 0x6c, 0x6f, 0x76, 0x65, 0, 0, 0, 0, 0, 0, 0xc6, 0x12, 0, 0};
#define PAIR4 31
#define PAIR6 127

/* Locally administered; both ends are told, so neither asks for the other by ARP or neighbour discovery. */
static const uint8_t ROUTER_HARDWARE[6] = {0x02, 0x67, 0x6c, 0x6f, 0x76, 0x00}, JOB_HARDWARE[6] = {0x02, 0x67, 0x6c, 0x6f, 0x76, 0x01};

#define NEIGHBOUR_FIRST 130 /* ICMPv6: who listens to which group, routers, neighbours, … */
#define NEIGHBOUR_LAST 143

/*
 * What a stack says of its own accord when it comes up is no attempt: dropped, unlogged. What names another source would be
 * answered there, which is nowhere, and what is for a group of hosts is answered by none: dropped, and logged. Of anything
 * else `leaving` makes a refusal.
 */
void beyond_arriving(struct netlink *to, const char *chain_name)
{
    const uint8_t first = NEIGHBOUR_FIRST, last = NEIGHBOUR_LAST, group4 = 0xe0, group6 = 0xff;
    const uint32_t link = ROUTER_LINK;
    struct nft_rule rule = nft_rule(to, chain_name, "neighbour rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_ICMPV6);
    nft_load(to, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
    nft_compare(to, NFT_CMP_GTE, &first, sizeof first);
    nft_compare(to, NFT_CMP_LTE, &last, sizeof last);
    nft_verdict(to, NF_DROP, NULL);
    nft_rule_end(&rule);
    rule = nft_rule(to, chain_name, "neighbour rule");
    nft_meta(to, NFT_META_L4PROTO, IPPROTO_IGMP);
    nft_verdict(to, NF_DROP, NULL);
    nft_rule_end(&rule);
    for (int six = 0; six < 2; six++) {
        rule = nft_rule(to, chain_name, "rule for other sources");
        nft_meta(to, NFT_META_NFPROTO, six ? NFPROTO_IPV6 : NFPROTO_IPV4);
        struct nft_expression made = nft_expression(to, "meta");
        netlink_put_u32(to, NFTA_META_DREG, htonl(NFT_REG_1));
        netlink_put_u32(to, NFTA_META_KEY, htonl(NFT_META_IIF));
        nft_expressed(to, made);
        nft_compare(to, NFT_CMP_EQ, &link, sizeof link);
        nft_load(to, NFT_PAYLOAD_NETWORK_HEADER, six ? 8 : 12, six ? sizeof OWN6 : sizeof OWN4);
        nft_compare(to, NFT_CMP_NEQ, six ? OWN6 : OWN4, six ? sizeof OWN6 : sizeof OWN4);
        nft_verdict(to, NFT_GOTO, "unanswered");
        nft_rule_end(&rule);
        rule = nft_rule(to, chain_name, "rule for groups");
        nft_meta(to, NFT_META_NFPROTO, six ? NFPROTO_IPV6 : NFPROTO_IPV4);
        nft_load(to, NFT_PAYLOAD_NETWORK_HEADER, six ? 24 : 16, 1);
        nft_mask(to, six ? 0xff : 0xf0);
        nft_compare(to, NFT_CMP_EQ, six ? &group6 : &group4, 1);
        nft_verdict(to, NFT_GOTO, "unanswered");
        nft_rule_end(&rule);
    }
}

/* Refusals are answers of ICMP here, and the kernel gives few of them a second to one host. Where it can't be told: some are silent. */
static void answer_each(void)
{
    static const char *const limits[] = {"/proc/sys/net/ipv4/icmp_ratemask", "/proc/sys/net/ipv6/icmp/ratelimit"};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        int fd = open(limits[i], O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        (void)!write(fd, "0", 1);
        close(fd);
    }
}

static int kernel_socket(void)
{
    int made = netlink_socket(NETLINK_ROUTE);
    if (made < 0)
        fail("network", "rtnetlink");
    return made;
}

static void address_up(struct netlink *to, const struct abilities *can, int link, const uint8_t *four, const uint8_t *six)
{
    routes_address(to, "address", link, AF_INET, four, PAIR4);
    if (can->ipv6) {
        veth_quiet(to, link);
        routes_address(to, "IPv6 address", link, AF_INET6, six, PAIR6);
    }
    routes_up(to, "link up", link);
}

static void routers_side(int router, const struct abilities *can)
{
    struct netlink messages;
    netlink_clear(&messages);
    address_up(&messages, can, ROUTER_LINK, ROUTER4, ROUTER6);
    routes_neighbour(&messages, "neighbour", ROUTER_LINK, AF_INET, OWN4, JOB_HARDWARE);
    if (can->ipv6)
        routes_neighbour(&messages, "IPv6 neighbour", ROUTER_LINK, AF_INET6, OWN6, JOB_HARDWARE);
    netlink_do(router, &messages, "network");
}

static void jobs_side(int job, const struct abilities *can, bool loopback)
{
    struct netlink messages;
    netlink_clear(&messages);
    if (loopback)
        routes_up(&messages, "loopback up", LO);
    else
        routes_down(&messages, "loopback down", LO); /* an engine's is up */
    address_up(&messages, can, JOB_LINK, OWN4, OWN6);
    routes_neighbour(&messages, "neighbour", JOB_LINK, AF_INET, ROUTER4, ROUTER_HARDWARE);
    routes_way_out(&messages, "way out", JOB_LINK, AF_INET, ROUTER4);
    if (can->ipv6) {
        routes_neighbour(&messages, "IPv6 neighbour", JOB_LINK, AF_INET6, ROUTER6, ROUTER_HARDWARE);
        routes_way_out(&messages, "IPv6 way out", JOB_LINK, AF_INET6, ROUTER6);
    }
    netlink_do(job, &messages, "network");
}

void beyond_tap(const struct abilities *can)
{
    int router = kernel_socket();
    answer_each();
    tap_make("job", ROUTER_LINK, ROUTER_HARDWARE, JOB_HARDWARE);
    routers_side(router, can);
    close(router);
}

/* An engine switches IPv6 off where a container has no network of its own. */
static void enter(int job)
{
    static const char *const off[] = {"/proc/sys/net/ipv6/conf/default/disable_ipv6", "/proc/sys/net/ipv6/conf/lo/disable_ipv6"};
    if (setns(job, CLONE_NEWNET) < 0)
        fail("network", "the job's namespace");
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        if (access(off[i], F_OK) == 0)
            write_own("network", off[i], "0");
}

void beyond_make(const struct abilities *can, bool loopback, int job_process)
{
    struct netlink messages;
    const struct veth_end there = {.link = ROUTER_LINK, .name = "job", .hardware = ROUTER_HARDWARE};
    const struct veth_end here = {.link = JOB_LINK, .name = "eth0", .hardware = JOB_HARDWARE};
    int router = kernel_socket();
    answer_each();
    if (job_process >= 0)
        enter(job_process);
    else if (unshare(CLONE_NEWNET) < 0)
        fail("network", "the job's own namespace");
    int job = kernel_socket(), namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (namespace < 0)
        fail("network", "/proc/self/ns/net");
    netlink_clear(&messages);
    veth_join(&messages, &there, &here, namespace);
    netlink_do(router, &messages, "network");
    close(namespace);
    routers_side(router, can);
    jobs_side(job, can, loopback);
    close(router);
    close(job);
}
