/* What is asked of the kernel's routing; each call adds one message. */
#ifndef GLOVEBOX_ROUTES_H
#define GLOVEBOX_ROUTES_H

#include "netlink.h"

#define LO 1 /* the first interface of every namespace */
void routes_up(struct netlink *to, const char *name, int link);
void routes_down(struct netlink *to, const char *name, int link);
/* … and with these flags of its kind besides, IFF_NOARP for one. */
void routes_up_with(struct netlink *to, const char *name, int link, unsigned flags);
/* Of this address of Ethernet's, and asking nobody for another's: neither by ARP nor by neighbour discovery. */
void routes_alone(struct netlink *to, const char *name, int link, const uint8_t *hardware);
void routes_address(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *address, uint8_t prefix);
/* A neighbour that need not be looked for: an address, and six bytes of Ethernet's. */
void routes_neighbour(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *address, const uint8_t *hardware);
/* What is beneath this prefix is nowhere: who tries it hears so at once. */
void routes_nowhere(struct netlink *to, const char *name, uint8_t family, const uint8_t *address, uint8_t prefix);
void routes_way_out(struct netlink *to, const char *name, int link, uint8_t family, const uint8_t *router);

#endif
