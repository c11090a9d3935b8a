/* Messages to the kernel's configuration sockets (netlink(7)), built in a block of memory, each answered before the next step. */
#ifndef GLOVEBOX_NETLINK_H
#define GLOVEBOX_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETLINK_BYTES 16384
#define NETLINK_MESSAGES 32

struct netlink {
    _Alignas(8) uint8_t bytes[NETLINK_BYTES];
    size_t used;
    size_t message; /* where the last one begins */
    uint32_t count;
    bool is_too_long; /* … for this block: nothing of it is sent */
    uint8_t family; /* of an nftables table; 0: inet */
    const char *names[NETLINK_MESSAGES]; /* what each message is, for errors; its sequence number is its place */
};

/* What the kernel said to each message; 0: nothing, or that it was done. */
struct netlink_answers {
    int errors[NETLINK_MESSAGES];
    bool done; /* the last message, which asks for an answer, got a good one */
};

void netlink_clear(struct netlink *to);
/* `body` is the header that the protocol puts before attributes. */
void netlink_begin(struct netlink *to, const char *name, uint16_t type, uint16_t flags, const void *body, size_t size);
void netlink_put(struct netlink *to, uint16_t type, const void *value, size_t size);
void netlink_put_u32(struct netlink *to, uint16_t type, uint32_t value); /* as the caller has it */
void netlink_put_text(struct netlink *to, uint16_t type, const char *value);
void netlink_put_raw(struct netlink *to, const void *bytes, size_t size); /* no attribute: a header inside a nest */
size_t netlink_nest(struct netlink *to, uint16_t type);
void netlink_end(struct netlink *to, size_t nest);

int netlink_socket(int protocol);
/* False: nothing could be sent or heard, see errno. */
bool netlink_ask(int socket, const struct netlink *messages, struct netlink_answers *answers);
/* NULL when all of it is done; else the name of the message that failed, and errno. */
const char *netlink_send(int socket, struct netlink *messages);

#endif
