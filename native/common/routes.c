/* Interfaces, addresses and ways out (rtnetlink(7)). */
#include "routes.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

void routes_up(struct netlink *to, const char *name, int link)
{
    routes_up_with(to, name, link, 0);
}

void routes_up_with(struct netlink *to, const char *name, int link, unsigned flags)
{
    struct ifinfomsg body = {.ifi_index = link, .ifi_flags = IFF_UP | flags, .ifi_change = IFF_UP | flags};
    netlink_begin(to, name, RTM_NEWLINK, 0, &body, sizeof body);
}

void routes_down(struct netlink *to, const char *name, int link)
{
    struct ifinfomsg body = {.ifi_index = link, .ifi_change = IFF_UP};
    netlink_begin(to, name, RTM_NEWLINK, 0, &body, sizeof body);
}

void routes_alone(struct netlink *to, const char *name, int link, const uint8_t *hardware)
{
    struct ifinfomsg body = {.ifi_index = link, .ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
    netlink_begin(to, name, RTM_NEWLINK, 0, &body, sizeof body);
    netlink_put(to, IFLA_ADDRESS, hardware, 6);
}

void routes_address(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *address, uint8_t prefix)
{
    size_t size = family == AF_INET ? 4 : 16;
    struct ifaddrmsg body = {.ifa_family = family, .ifa_prefixlen = prefix, .ifa_flags = IFA_F_NODAD, .ifa_index = (uint32_t)link};
    netlink_begin(to, name, RTM_NEWADDR, NLM_F_CREATE, &body, sizeof body);
    netlink_put(to, IFA_LOCAL, address, size);
    netlink_put(to, IFA_ADDRESS, address, size);
}

void routes_neighbour(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *address, const uint8_t *hardware)
{
    struct ndmsg body = {.ndm_family = family, .ndm_ifindex = link, .ndm_state = NUD_PERMANENT};
    netlink_begin(to, name, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof body);
    netlink_put(to, NDA_DST, address, family == AF_INET ? 4 : 16);
    netlink_put(to, NDA_LLADDR, hardware, 6);
}

void routes_way_out(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *router)
{
    struct rtmsg body = {.rtm_family = family, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
    netlink_begin(to, name, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    netlink_put(to, RTA_GATEWAY, router, family == AF_INET ? 4 : 16);
    netlink_put_u32(to, RTA_OIF, (uint32_t)link);
}

void routes_nowhere(struct netlink *to, const char *name, uint8_t family, const uint8_t *address, uint8_t prefix)
{
    struct rtmsg body = {.rtm_family = family, .rtm_dst_len = prefix, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNREACHABLE};
    netlink_begin(to, name, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    netlink_put(to, RTA_DST, address, family == AF_INET ? 4 : 16);
}
