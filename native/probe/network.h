/*
 * What attempts on the network share. HOST is an address, or NAME@RESOLVER: then the first address that RESOLVER has for
 * it is meant. Bytes are in hex. What came back is the detail.
 */
#ifndef PROBE_NETWORK_H
#define PROBE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* How long an answer may take, ms. A refusal comes at once. */
enum { ANSWER_MS = 4000, DATAGRAM_MS = 1200 };

struct place {
    struct sockaddr_storage address;
    socklen_t size;
};

size_t from_hex(const char *text, uint8_t *out, size_t room);

/* Whether it is an address. */
bool literal(const char *text, int port, struct place *out);

/* Each gives 0, or an errno. */
int connect_to(char *host, const char *port, int *fd);
int place_of(char *host, const char *port, struct place *out);

#endif
