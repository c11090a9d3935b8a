/* Datagrams of the job that were refused, as the kernel tells of them, counted by what they were meant for. */
#ifndef GLOVEBOX_DATAGRAM_H
#define GLOVEBOX_DATAGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_DATAGRAMS 64

struct datagram {
    uint8_t family;   /* 4 or 6 */
    uint8_t protocol; /* of the header behind the IP header */
    uint8_t address[16];
    int32_t port; /* -1: it has none */
};

struct datagrams {
    int count;
    uint64_t omitted; /* datagrams beyond those places */
    struct {
        struct datagram what;
        uint64_t times;
        long long first_ms; /* since 1970 */
    } list[MAX_DATAGRAMS];
};

/* One IP packet, or its beginning. False: it is none. */
bool datagram_parse(const uint8_t *bytes, size_t length, struct datagram *out);
/* A whole read of a socket of nfnetlink_log. */
void datagrams_take(struct datagrams *into, const uint8_t *bytes, size_t length, long long now);
/* As JSON: an array of at most DATAGRAMS_JSON bytes. */
#define DATAGRAMS_JSON (MAX_DATAGRAMS * 160 + 3)
size_t datagrams_write(const struct datagrams *from, char *out);

#endif
