/*
 * The sandbox's own network namespace has lo and nothing else. With `local 0.0.0.0/0` and `local ::/0` on it every address is
 * one of this machine's own (AnyIP): what the job connects to is accepted here, whatever it is.
 */
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

const uint8_t OWN4[4] = {198, 18, 0, 1};
const uint8_t OWN6[16] = {0xfd, 0x67, 0x6c, 0x6f, 0x76, 0x65, 0, 0, 0, 0, 0, 0, 0xc6, 0x12, 0, 1};

void routes_every_address(struct netlink *to, const char *name, uint8_t family, uint8_t table, const uint8_t *source)
{
    struct rtmsg body = {.rtm_family = family, .rtm_table = table, .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_HOST, .rtm_type = RTN_LOCAL};
    netlink_begin(to, name, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    netlink_put_u32(to, RTA_OIF, LO);
    if (source != NULL)
        netlink_put(to, RTA_PREFSRC, source, 4);
}

void netlink_do(int socket, struct netlink *messages, const char *step)
{
    const char *failed = netlink_send(socket, messages);
    if (failed != NULL)
        fail(step, failed);
}

/*
 * With a source address of its own for IPv4: else the kernel takes the destination for one, and a connection to a port that
 * it happens to choose as the source's too would be one with itself.
 */
void network_routes(const struct abilities *can, bool beyond)
{
    struct netlink messages;
    /* in table local it would swallow what is sent to a neighbour */
    uint8_t table = beyond ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
    int kernel = netlink_socket(NETLINK_ROUTE);
    if (kernel < 0)
        fail("network", "rtnetlink");
    netlink_clear(&messages);
    routes_up(&messages, "loopback up", LO);
    if (!beyond)
        routes_address(&messages, "address", LO, AF_INET, OWN4, 32);
    if (can->ipv6) {
        if (!beyond)
            routes_address(&messages, "IPv6 address", LO, AF_INET6, OWN6, 128);
        routes_every_address(&messages, "IPv6 route", AF_INET6, table, NULL);
    }
    routes_every_address(&messages, "route", AF_INET, table, beyond ? NULL : OWN4);
    netlink_do(kernel, &messages, "network");
    close(kernel);
}
