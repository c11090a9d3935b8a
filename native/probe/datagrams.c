/* Datagrams that a job tries to send. */
#define _GNU_SOURCE
#include "network.h"
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* HOST, PORT, BYTES[, unconnected] */
static int n_udp(char **args)
{
    uint8_t bytes[4096];
    struct place to;
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    int outcome = place_of(args[0], args[1], &to);
    bool unconnected = args[3] != NULL && strcmp(args[3], "unconnected") == 0;
    if (outcome != 0)
        return outcome;
    int fd = socket(to.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || (!unconnected && connect(fd, (struct sockaddr *)&to.address, to.size) < 0))
        return errno;
    if (sendto(fd, bytes, length, 0, unconnected ? (struct sockaddr *)&to.address : NULL, unconnected ? to.size : 0) < 0)
        return errno;
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    if (poll(&answer, 1, DATAGRAM_MS) == 0)
        return ETIMEDOUT;
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got > 0)
        say((const char *)bytes, (size_t)got);
    return result(got);
}

/* ADDRESS: by a socket of the kernel's own for pings, which takes no rights where the group may have it. */
static int n_ping(char **args)
{
    struct place to;
    if (!literal(args[0], 0, &to))
        return EINVAL;
    bool six = to.address.ss_family == AF_INET6;
    struct icmphdr echo = {.type = six ? 128 : ICMP_ECHO, .un.echo.sequence = htons(1)};
    int fd = socket(to.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to.address, to.size) < 0 || send(fd, &echo, sizeof echo, 0) < 0)
        return errno;
    struct pollfd answer = {.fd = fd, .events = POLLIN};
    if (poll(&answer, 1, DATAGRAM_MS) == 0)
        return ETIMEDOUT;
    return result(recv(fd, &echo, sizeof echo, 0));
}

const struct attempt datagram_attempts[] = {
    {"udp", n_udp},
    {"ping", n_ping},
    {NULL, NULL},
};
