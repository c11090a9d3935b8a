/*
 * The network of a sandbox that has one: a namespace in which every address is local, and the sockets in which everything ends
 * that the job can name. They are made here and handed to Node, and by it to the gateway; the namespace has no other way out.
 */
#include "network.h"
#include "../common/netlink.h"
#include "../walls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75
#endif

#define BACKLOG 512
#define MAX_LISTENERS MAX_PORTS

/* What waits in it is dropped and not counted when it is full: the launcher reads as soon as it can. */
#define LOG_BUFFER (1 << 20)

bool network_has_ipv6(void)
{
    int found = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (found < 0 && errno != EAFNOSUPPORT)
        fail("network", "IPv6 socket");
    if (found >= 0)
        close(found);
    return found >= 0;
}

static void set(int handle, int level, int option, int value, const char *name)
{
    if (setsockopt(handle, level, option, &value, sizeof value) < 0)
        fail("network", name);
}

int network_listener(const struct abilities *can, uint16_t port)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct sockaddr *any = can->ipv6 ? (const struct sockaddr *)&any6 : (const struct sockaddr *)&any4;
    int made = socket(any->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        fail("network", "listening socket");
    if (can->ipv6)
        set(made, IPPROTO_IPV6, IPV6_V6ONLY, 0, "both families");
    if (can->transparent) {
        set(made, IPPROTO_IP, IP_TRANSPARENT, 1, "transparent socket");
        if (can->ipv6)
            set(made, IPPROTO_IPV6, IPV6_TRANSPARENT, 1, "transparent socket");
    }
    if (bind(made, any, can->ipv6 ? sizeof any6 : sizeof any4) < 0 || listen(made, BACKLOG) < 0)
        fail("network", "listening socket");
    return made;
}

/* Bound before the job is there, without SO_REUSEADDR or SO_REUSEPORT: nobody shares it. */
static int resolver(const struct request *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(RESOLVER_PORT)};
    memcpy(&address.sin_addr, request->network.resolver, sizeof request->network.resolver);
    int made = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made >= 0 && request->network.beyond)
        set(made, IPPROTO_IP, IP_TRANSPARENT, 1, "resolver's socket"); /* its address is in no table that bind looks in */
    if (made < 0 || bind(made, (const struct sockaddr *)&address, sizeof address) < 0)
        fail("network", "resolver's socket");
    return made;
}

/* On which the kernel tells of every refused datagram; -1: it can't. */
static int refusals(void)
{
    struct netlink messages;
    struct netlink_answers answers;
    const struct nfgenmsg body = {.version = NFNETLINK_V0, .res_id = htons(LOG_GROUP)};
    const struct nfulnl_msg_config_cmd bind_group = {.command = NFULNL_CFG_CMD_BIND};
    const struct nfulnl_msg_config_mode copy = {.copy_range = htonl(LOGGED_BYTES), .copy_mode = NFULNL_COPY_PACKET};
    int made = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER), room = LOG_BUFFER;
    if (made < 0)
        fail("network", "nfnetlink_log");
    netlink_clear(&messages);
    netlink_begin(&messages, "nfnetlink_log", NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, NLM_F_ACK, &body, sizeof body);
    netlink_put(&messages, NFULA_CFG_CMD, &bind_group, sizeof bind_group);
    netlink_put(&messages, NFULA_CFG_MODE, &copy, sizeof copy);
    netlink_put_u32(&messages, NFULA_CFG_QTHRESH, htonl(1));
    if (!netlink_ask(made, &messages, &answers))
        fail("network", "nfnetlink_log");
    if (answers.errors[0] == EOPNOTSUPP || answers.errors[0] == EINVAL) { /* no such subsystem in this kernel */
        close(made);
        return -1;
    }
    if ((errno = answers.errors[0]) != 0)
        fail("network", "nfnetlink_log");
    setsockopt(made, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return made;
}

/* The launcher learns how many handles Node has to take, and where to hear of refusals. It may be gone: then we soon are. */
static void tell_launcher(int launcher, uint32_t handles, int log)
{
    (void)send_whole(launcher, &handles, sizeof handles, log);
    if (log >= 0)
        close(log);
}

void network_make(const struct settings *settings, const struct request *request, int launcher, int job)
{
    struct abilities can = {.ipv6 = network_has_ipv6(), .transparent = !request->network.by_port, .recorded = true};
    int listeners[MAX_LISTENERS], log = refusals();
    can.recorded = log >= 0 && WALL("logged-datagrams");
    network_rules(request, &can);
    network_routes(&can, request->network.beyond); /* not before the rules: from here on packets move */
    if (!can.recorded && log >= 0)
        close(log);
    int count = can.transparent ? 1 : request->network.port_count;
    for (int i = 0; i < count; i++)
        listeners[i] = network_listener(&can, can.transparent ? GATEWAY_PORT : request->network.ports[i]);
    int names = resolver(request);
    if (request->network.tap)
        beyond_tap(&can);
    else if (request->network.beyond)
        beyond_make(&can, request->network.loopback, job);

    char about[64];
    tell_launcher(launcher, (uint32_t)count + 1, can.recorded ? log : -1);
    for (int i = 0; i < count; i++)
        hand_over(settings->ipc, request->id, "connections", "", listeners[i]);
    /* the last one: when it is there, all are */
    snprintf(about, sizeof about, ",\"everyPort\":%s,\"datagrams\":%s", can.transparent ? "true" : "false",
             can.recorded ? "true" : "false");
    hand_over(settings->ipc, request->id, "names", about, names);
}
