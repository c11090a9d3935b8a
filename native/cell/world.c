/*
 * What `glovebox verify` runs in, so that its probes reach nothing but decoys, even out of a sandbox that is broken: two network
 * namespaces joined by a veth pair. On the near side the program runs, on a "host" with an address and a way out; on the far
 * side every address there is belongs to one machine, whose sockets the program is given. Nothing stays in the far side:
 * the sockets keep it, and the end of the program ends both. System V objects and message queues are the world's own, too.
 *
 *   cell --world PORTS PROGRAM ARGUMENT…
 *
 * PORTS, such as 80,443: what the far side hears where the kernel has no TPROXY; else it hears every port. Descriptor 3 is
 * where a failure is told: it is closed without a word when the program runs, which finds the sockets' numbers in GLOVEBOX_WORLD.
 */
#include "cell.h"
#include "../common/netlink.h"
#include "network.h"
#include "nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

enum {
    REPORT = 3,       /* when we start */
    FIRST_SOCKET = 3, /* when the program does */
    FAR_LINK = 1000,  /* its number, so that nobody need ask */
    PRIORITY = -150,  /* mangle */
    MAX_SOCKETS = 64,
};

#define NEAR_LINK "uplink"

/* Private, as most hosts' are; docs/network.md names them. */
static const uint8_t NEAR4[4] = {10, 99, 0, 2}, FAR4[4] = {10, 99, 0, 1};
static const uint8_t NEAR6[16] = {0xfd, 0x99, [15] = 2}, FAR6[16] = {0xfd, 0x99, [15] = 1};

/* Of loopback's, so that nothing is sent from them: own addresses that nothing else speaks against. */
static const uint8_t PUBLIC4[4] = {93, 184, 215, 99}, PUBLIC6[16] = {0x26, 0x06, 0x28, 0, 0x02, 0x1f, [15] = 0x99};

static int opened(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        fail("world", path);
    return fd;
}

static void put(const char *path, const char *text)
{
    int fd = opened(path, O_WRONLY);
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail("world", path);
    close(fd);
}

/* An ordinary user stays who it is, and has the rights over namespaces of its own; they end with the exec (capabilities(7)). */
static void own_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER) < 0)
        fail("world", "user namespace");
    put("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
    put("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
    put("/proc/self/gid_map", map);
}

static int kernel_socket(int protocol)
{
    int made = netlink_socket(protocol);
    if (made < 0)
        fail("world", "netlink");
    return made;
}

/* False: this kernel has no TPROXY. */
static bool hear_every_port(void)
{
    struct netlink messages;
    struct netlink_answers answers;
    int kernel = kernel_socket(NETLINK_NETFILTER);
    netlink_clear(&messages);
    nft_border(&messages, NFNL_MSG_BATCH_BEGIN);
    nft_begin(&messages, "nftables", NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
    netlink_put_text(&messages, NFTA_TABLE_NAME, TABLE);
    nft_chain(&messages, "arriving", true, NF_INET_PRE_ROUTING, PRIORITY);
    rules_every_port(&messages, "arriving");
    if (!nft_ask(kernel, &messages, &answers))
        fail("world", "nftables");
    close(kernel);
    return answers.done;
}

static int datagrams(uint8_t family, const char *address, uint16_t port)
{
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool six = family == AF_INET6;
    const int yes = 1;
    int made = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(family, address, six ? (void *)&to6.sin6_addr : (void *)&to4.sin_addr);
    if (made < 0 || setsockopt(made, six ? IPPROTO_IPV6 : IPPROTO_IP, six ? IPV6_TRANSPARENT : IP_TRANSPARENT, &yes, sizeof yes) < 0 ||
        bind(made, six ? (const struct sockaddr *)&to6 : (const struct sockaddr *)&to4, six ? sizeof to6 : sizeof to4) < 0)
        fail("world", address);
    return made;
}

/* In table main: a local route in table local would swallow what is sent back to the near side. */
static void far_routes(int kernel, bool ipv6)
{
    struct netlink messages;
    netlink_clear(&messages);
    routes_up(&messages, "loopback up", LO);
    if (ipv6)
        routes_every_address(&messages, "IPv6 route", AF_INET6, RT_TABLE_MAIN, NULL);
    routes_every_address(&messages, "route", AF_INET, RT_TABLE_MAIN, NULL);
    netlink_do(kernel, &messages, "world");
}

/* The sockets in which all ends: a name server, two that answer datagrams, then those that hear connections. */
static int far_sockets(const struct abilities *can, const char *ports, int sockets[MAX_SOCKETS])
{
    int count = 0;
    sockets[count++] = datagrams(AF_INET, "9.9.9.9", 53);
    sockets[count++] = datagrams(AF_INET, "9.9.9.10", 443);
    sockets[count++] = can->ipv6 ? datagrams(AF_INET6, "2620:fe::10", 443) : datagrams(AF_INET, "9.9.9.11", 443);
    if (can->transparent) {
        sockets[count++] = network_listener(can, GATEWAY_PORT);
        return count;
    }
    for (const char *at = ports; at != NULL && count < MAX_SOCKETS; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1)
        sockets[count++] = network_listener(can, (uint16_t)atoi(at));
    return count;
}

/* Asked for on the far side, whose end then has the number that was chosen; on the near side it can be looked up by name. */
static void join(int far, int near_namespace)
{
    struct netlink messages;
    const struct veth_end there = {.link = FAR_LINK, .name = "world"}, here = {.name = NEAR_LINK};
    netlink_clear(&messages);
    veth_join(&messages, &there, &here, near_namespace);
    netlink_do(far, &messages, "world");
}

static void lo_up(int kernel, bool ipv6)
{
    struct netlink messages;
    netlink_clear(&messages);
    routes_up(&messages, "loopback up", LO);
    if (ipv6)
        routes_address(&messages, "own IPv6 address", LO, AF_INET6, PUBLIC6, 128);
    routes_address(&messages, "own address", LO, AF_INET, PUBLIC4, 32);
    netlink_do(kernel, &messages, "world");
}

static void link_up(int kernel, int link, const uint8_t *four, const uint8_t *six)
{
    struct netlink messages;
    netlink_clear(&messages);
    routes_address(&messages, "address", link, AF_INET, four, 24);
    if (six != NULL)
        routes_address(&messages, "IPv6 address", link, AF_INET6, six, 64);
    routes_up(&messages, "link up", link);
    netlink_do(kernel, &messages, "world");
}

static void way_out(int kernel, uint8_t family, int link, const uint8_t *router)
{
    struct netlink messages;
    netlink_clear(&messages);
    routes_way_out(&messages, "way out", link, family, router);
    netlink_do(kernel, &messages, "world");
}

/* Decoys of "this host" listen where a policy's ports are, and controls may ping: both are this namespace's own to allow. */
static void near_rights(void)
{
    char group[64];
    snprintf(group, sizeof group, "%u %u", (unsigned)getegid(), (unsigned)getegid());
    put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    put("/proc/sys/net/ipv4/ping_group_range", group);
}

_Noreturn static void become(char **argv, const int sockets[], int count, int report, int real_stderr)
{
    char text[512] = "";
    int parked[MAX_SOCKETS];
    size_t used = 0;
    for (int i = 0; i < count; i++)
        if ((parked[i] = fcntl(sockets[i], F_DUPFD_CLOEXEC, 2 * MAX_SOCKETS)) < 0)
            fail("world", "descriptors");
    report = fcntl(report, F_DUPFD_CLOEXEC, 2 * MAX_SOCKETS);
    int second = fcntl(real_stderr, F_DUPFD_CLOEXEC, 2 * MAX_SOCKETS);
    if (report < 0 || second < 0 || close_range(FIRST_SOCKET + count, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        fail("world", "descriptors");
    for (int i = 0; i < count; i++) {
        if (dup2(parked[i], FIRST_SOCKET + i) < 0)
            fail("world", "descriptors");
        used += (size_t)snprintf(text + used, sizeof text - used, i == 0 ? "%d" : " %d", FIRST_SOCKET + i);
    }
    if (setenv("GLOVEBOX_WORLD", text, 1) < 0 || dup2(second, 2) < 0)
        fail("world", "environment");
    execv(argv[0], argv);
    int error = errno;
    dup2(report, 2);
    errno = error;
    fail("world", argv[0]);
}

int world_main(int argc, char **argv)
{
    struct abilities can = {.ipv6 = network_has_ipv6()};
    int sockets[MAX_SOCKETS];
    pid_t parent = getppid();
    (void)argc;
    int report = fcntl(REPORT, F_DUPFD_CLOEXEC, FD_FIRST_FREE), real_stderr = fcntl(2, F_DUPFD_CLOEXEC, FD_FIRST_FREE);
    if (report < 0 || real_stderr < 0 || dup2(report, 2) < 0) {
        fprintf(stderr, "cell: world: descriptor 3, for what fails, is not open\n");
        return 2;
    }
    if (geteuid() != 0)
        own_namespace();
    /* what a decoy keeps in the kernel goes with the last process in here, and no other user of the host is in the way of it */
    if (unshare(CLONE_NEWIPC) < 0)
        fail("world", "IPC namespace");
    if (unshare(CLONE_NEWNET) < 0)
        fail("world", "network namespace");
    int far = kernel_socket(NETLINK_ROUTE);
    far_routes(far, can.ipv6);
    can.transparent = hear_every_port();
    int count = far_sockets(&can, argv[2], sockets);

    if (unshare(CLONE_NEWNET) < 0)
        fail("world", "network namespace");
    int near = kernel_socket(NETLINK_ROUTE);
    join(far, opened("/proc/self/ns/net", O_RDONLY));
    int uplink = (int)if_nametoindex(NEAR_LINK);
    if (uplink == 0)
        fail("world", "uplink");
    lo_up(near, can.ipv6);
    link_up(far, FAR_LINK, FAR4, can.ipv6 ? FAR6 : NULL);
    link_up(near, uplink, NEAR4, can.ipv6 ? NEAR6 : NULL);
    way_out(near, AF_INET, uplink, FAR4);
    if (can.ipv6)
        way_out(near, AF_INET6, uplink, FAR6);
    near_rights();
    /*
     * After the last change of rights, which clears it; who started us may be gone by now. A request to end, as the program
     * has a folder to remove.
     */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
        fail("world", "lifeline");
    become(argv + 3, sockets, count, report, real_stderr);
}
