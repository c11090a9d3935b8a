/* What the parts of a sandbox's network share, see network.c. */
#ifndef GLOVEBOX_NETWORK_H
#define GLOVEBOX_NETWORK_H

#include "cell.h"
#include "netlink.h"

/* Below 1024: the job, which lacks CAP_NET_BIND_SERVICE, can neither need it nor take it when the gateway is gone. */
#define GATEWAY_PORT 1
#define LOG_GROUP 1

/* What this kernel can do of it. */
struct abilities {
    bool ipv6;
    bool transparent; /* TPROXY: every port; else the ports that the request names */
    bool recorded;    /* refused datagrams are logged */
};

/* network.c */
bool network_has_ipv6(void);
/* Of every address: which one was meant, and which port, is the local address of what it accepts. */
int network_listener(const struct abilities *can, uint16_t port);

/* routes.c */
#define LO 1 /* the first interface of every namespace */
void routes_up(struct netlink *to, const char *name, int link);
void routes_address(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *address, uint8_t prefix);
/* Every address is local, unless another route is closer. `source`: what IPv4 sends from; NULL: what the kernel chooses */
void routes_every_address(struct netlink *to, const char *name, uint8_t family, uint8_t table, const uint8_t *source);
/* Lo up, and every address local. */
void network_routes(const struct abilities *can);

/* rules.c */
/* In a chain of prerouting: every TCP connection goes to whoever listens on GATEWAY_PORT. */
void rules_every_port(struct netlink *to, const char *chain_name);
/* One table; clears in `can` what the kernel has not. */
void network_rules(const struct request *request, struct abilities *can);

/* world.c: what `glovebox verify` runs in */
int world_main(int argc, char **argv);

#endif
