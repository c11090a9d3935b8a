/*
 * The sandbox's own network namespace has lo and nothing else. With `local 0.0.0.0/0` and `local ::/0` on it every address is
 * one of this machine's own (AnyIP): what the job connects to is accepted here, whatever it is.
 */
#include "netlink.h"
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

#define LO 1 /* the first interface of every namespace */

/* One of each family beyond loopback's, so that resolvers take it that both can be used (AI_ADDRCONFIG). */
static const uint8_t OWN4[4] = {198, 18, 0, 1};
static const uint8_t OWN6[16] = {0xfd, 0x67, 0x6c, 0x6f, 0x76, 0x65, 0, 0, 0, 0, 0, 0, 0xc6, 0x12, 0, 1};

static void up(struct netlink *to)
{
    struct ifinfomsg link = {.ifi_index = LO, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_begin(to, "loopback up", RTM_NEWLINK, 0, &link, sizeof link);
}

static void own_address(struct netlink *to, const char *name, uint8_t family, const uint8_t *address, uint8_t size)
{
    struct ifaddrmsg body = {.ifa_family = family, .ifa_prefixlen = (uint8_t)(8 * size), .ifa_flags = IFA_F_NODAD, .ifa_index = LO};
    netlink_begin(to, name, RTM_NEWADDR, NLM_F_CREATE, &body, sizeof body);
    netlink_put(to, IFA_LOCAL, address, size);
    netlink_put(to, IFA_ADDRESS, address, size);
}

/*
 * With a source address of its own for IPv4: else the kernel takes the destination for one, and a connection to a port that
 * it happens to choose as the source's too would be one with itself.
 */
static void every_address(struct netlink *to, const char *name, uint8_t family, uint16_t flags)
{
    struct rtmsg body = {.rtm_family = family, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL};
    netlink_begin(to, name, RTM_NEWROUTE, (uint16_t)(NLM_F_CREATE | NLM_F_EXCL | flags), &body, sizeof body);
    netlink_put_u32(to, RTA_OIF, LO);
    if (family == AF_INET)
        netlink_put(to, RTA_PREFSRC, OWN4, sizeof OWN4);
}

void network_routes(const struct abilities *can)
{
    struct netlink messages;
    struct netlink_answers answers;
    int kernel = netlink_socket(NETLINK_ROUTE);
    if (kernel < 0)
        fail("network", "rtnetlink");
    netlink_clear(&messages);
    up(&messages);
    own_address(&messages, "address", AF_INET, OWN4, sizeof OWN4);
    if (can->ipv6) {
        own_address(&messages, "IPv6 address", AF_INET6, OWN6, sizeof OWN6);
        every_address(&messages, "IPv6 route", AF_INET6, 0);
    }
    every_address(&messages, "route", AF_INET, NLM_F_ACK);
    if (!netlink_ask(kernel, &messages, &answers))
        fail("network", "rtnetlink");
    for (uint32_t i = 0; i < messages.count; i++)
        if ((errno = answers.errors[i]) != 0)
            fail("network", messages.names[i]);
    if (!answers.done)
        fail("network", "routes");
    close(kernel);
}
