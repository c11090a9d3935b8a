/*
 * Step `l`: u8 flags, own IPv4 address and the router's, u8 prefix, the same of IPv6, the router's Ethernet address. Nothing is asked
 * of whoever is on the link and nothing that comes unasked is believed: the router is a permanent neighbour, and others are not looked for.
 */
#include "guest.h"
#include "../common/routes.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINK "eth0"

enum { LOOPBACK_UP = 1, LINK_UP = 2 };

struct side {
    uint8_t family, prefix;
    const uint8_t *own, *router;
};

/* None may be missing but those of a family that the kernel does not have. */
static void set(const char *family, const char *place, const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, place, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, value, strlen(value)) < 0)
        step_failed("network", path);
    close(file);
}

static void be_quiet(void)
{
    static const char *const places[] = {"all", "default", LINK};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        set("ipv4", places[i], "accept_redirects", "0");
        set("ipv4", places[i], "send_redirects", "0");
        set("ipv4", places[i], "accept_source_route", "0");
        set("ipv4", places[i], "arp_ignore", "8"); /* … and answers none */
        set("ipv6", places[i], "accept_ra", "0");
        set("ipv6", places[i], "autoconf", "0");
        set("ipv6", places[i], "accept_dad", "0");
        set("ipv6", places[i], "accept_redirects", "0");
    }
    set("ipv6", LINK, "router_solicitations", "0");
    set("ipv6", LINK, "addr_gen_mode", "1"); /* no link-local address */
}

static void do_all(struct netlink *messages)
{
    int kernel = netlink_socket(NETLINK_ROUTE);
    const char *failed = kernel < 0 ? "rtnetlink" : netlink_send(kernel, messages);
    if (failed != NULL)
        step_failed("network", failed);
    close(kernel);
}

static void link_up(struct netlink *to, const struct side *sides, const uint8_t *hardware)
{
    int link = (int)if_nametoindex(LINK);
    if (link == 0)
        step_failed("network", LINK);
    be_quiet();
    for (int i = 0; i < 2; i++)
        routes_address(to, "address", link, sides[i].family, sides[i].own, sides[i].prefix);
    routes_up_with(to, "link up", link, IFF_NOARP);
    for (int i = 0; i < 2; i++) {
        routes_neighbour(to, "neighbour", link, sides[i].family, sides[i].router, hardware);
        routes_way_out(to, "way out", link, sides[i].family, sides[i].router);
    }
}

/* Without a loopback of its own a machine would send what is for one out on its link, where it is dropped without a word. */
static void no_loopback(struct netlink *to)
{
    static const uint8_t v4[4] = {127}, v6[16] = {[15] = 1};
    routes_nowhere(to, "no loopback", AF_INET, v4, 8);
    routes_nowhere(to, "no loopback", AF_INET6, v6, 128);
}

void make_network(const struct step *step)
{
    struct netlink messages;
    const uint8_t *at = step->bytes;
    const struct side sides[] = {
        {.family = AF_INET, .own = at + 1, .router = at + 5, .prefix = at[9]},
        {.family = AF_INET6, .own = at + 10, .router = at + 26, .prefix = at[42]},
    };
    netlink_clear(&messages);
    if (at[0] & LOOPBACK_UP)
        routes_up(&messages, "loopback up", LO);
    if (at[0] & LINK_UP)
        link_up(&messages, sides, at + 43);
    if ((at[0] & (LOOPBACK_UP | LINK_UP)) == LINK_UP)
        no_loopback(&messages);
    if (messages.count > 0)
        do_all(&messages);
}
