/* A pair of interfaces that joins two network namespaces. */
#include "network.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

static void put_end(struct netlink *to, const struct veth_end *end)
{
    netlink_put_text(to, IFLA_IFNAME, end->name);
    if (end->hardware != NULL)
        netlink_put(to, IFLA_ADDRESS, end->hardware, 6);
}

void veth_quiet(struct netlink *to, int link)
{
    const struct ifinfomsg body = {.ifi_index = link};
    const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
    netlink_begin(to, "no link-local address", RTM_NEWLINK, 0, &body, sizeof body);
    size_t families = netlink_nest(to, IFLA_AF_SPEC), six = netlink_nest(to, AF_INET6);
    netlink_put(to, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
    netlink_end(to, six);
    netlink_end(to, families);
}

void veth_join(struct netlink *to, const struct veth_end *far, const struct veth_end *near, int near_namespace)
{
    const struct ifinfomsg there = {.ifi_index = far->link}, here = {.ifi_index = near->link};
    netlink_begin(to, "veth", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &there, sizeof there);
    put_end(to, far);
    size_t about = netlink_nest(to, IFLA_LINKINFO);
    netlink_put_text(to, IFLA_INFO_KIND, "veth");
    size_t data = netlink_nest(to, IFLA_INFO_DATA), peer = netlink_nest(to, VETH_INFO_PEER);
    netlink_put_raw(to, &here, sizeof here);
    put_end(to, near);
    netlink_put_u32(to, IFLA_NET_NS_FD, (uint32_t)near_namespace);
    netlink_end(to, peer);
    netlink_end(to, data);
    netlink_end(to, about);
}
