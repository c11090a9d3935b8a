/* What the parts of a sandbox's network share, see network.c. */
#ifndef GLOVEBOX_NETWORK_H
#define GLOVEBOX_NETWORK_H

#include "cell.h"
#include "../common/routes.h"

/* Below 1024: the job, which lacks CAP_NET_BIND_SERVICE, can neither need it nor take it when the gateway is gone. */
#define GATEWAY_PORT 1
#define LOG_GROUP 1

/* What this kernel can do of it. */
struct abilities {
    bool ipv6;
    bool transparent; /* TPROXY: every port; else the ports that the request names */
    bool recorded;    /* refused datagrams are logged */
};

/* All of it, or this process ends with `step` and the name of the message that failed. */
void netlink_do(int socket, struct netlink *messages, const char *step);

/* network.c */
bool network_has_ipv6(void);
/* Of every address: which one was meant, and which port, is the local address of what it accepts. */
int network_listener(const struct abilities *can, uint16_t port);

/* routes.c */
/* Every address is local, unless another route is closer. `source`: what IPv4 sends from; NULL: what the kernel chooses */
void routes_every_address(struct netlink *to, const char *name, uint8_t family, uint8_t table, const uint8_t *source);
/* One of each family beyond loopback's, so that resolvers take it that both can be used (AI_ADDRCONFIG). */
extern const uint8_t OWN4[4], OWN6[16];
/* Lo up, and every address local; `beyond`: but for those on a link, see beyond.c. */
void network_routes(const struct abilities *can, bool beyond);

/* rules.c */
/* In a chain of prerouting: every TCP connection goes to whoever listens on GATEWAY_PORT. */
void rules_every_port(struct netlink *to, const char *chain_name);
/* One table; clears in `can` what the kernel has not. */
void network_rules(const struct request *request, struct abilities *can);

/* veth.c: two interfaces, each the other's only neighbour */
struct veth_end {
    int link; /* its number; 0: the kernel's choice */
    const char *name;
    const uint8_t *hardware; /* six bytes; NULL: the kernel's choice */
};
/* Asked for in the namespace of `far` by a socket of it; the other end is in `near_namespace`. */
void veth_join(struct netlink *to, const struct veth_end *far, const struct veth_end *near, int near_namespace);
/* No link-local address: else it would look for others who have it, for routers, and tell which groups it listens to. */
void veth_quiet(struct netlink *to, int link);

/* beyond.c: the network one hop out */
/* The rules that it has besides, in a chain of prerouting; some go to a chain `unanswered`. */
void beyond_arriving(struct netlink *to, const char *chain_name);
/* In the namespace that has the rules and the sockets; this process is in the job's afterwards: that of `job_process`, or (-1) a new one. */
void beyond_make(const struct abilities *can, bool loopback, int job_process);
/* The same, but for the job's side: a program in this namespace says its frames. */
void beyond_tap(const struct abilities *can);

/* tap.c: an interface that is not up yet, for a program with the sandbox's uid */
void tap_make(const char *name, int link, const uint8_t *own_hardware, const uint8_t *job_hardware);

/* world.c: what `glovebox verify` runs in */
int world_main(int argc, char **argv);

#endif
