/* What the parts of a sandbox's network share, see network.c. */
#ifndef GLOVEBOX_NETWORK_H
#define GLOVEBOX_NETWORK_H

#include "cell.h"

/* Below 1024: the job, which lacks CAP_NET_BIND_SERVICE, can neither need it nor take it when the gateway is gone. */
#define GATEWAY_PORT 1
#define LOG_GROUP 1

/* What this kernel can do of it. */
struct abilities {
    bool ipv6;
    bool transparent; /* TPROXY: every port; else the ports that the request names */
    bool recorded;    /* refused datagrams are logged */
};

/* routes.c: lo up, and every address local */
void network_routes(const struct abilities *can);
/* rules.c: one table; clears in `can` what the kernel has not */
void network_rules(const struct request *request, struct abilities *can);

#endif
