/*
 * What a hostile job tries on the network. HOST is an address, or NAME@RESOLVER: then the first address that RESOLVER
 * has for it is meant. Bytes are in hex. What came back is the detail.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* How long an answer may take, and silence within one, ms. A refusal comes at once. */
enum { ANSWER_MS = 4000, SILENCE_MS = 200, DATAGRAM_MS = 1200 };
enum { MAX_MANY = 64, TYPE_A = 1, TYPE_AAAA = 28 };

struct place {
    struct sockaddr_storage address;
    socklen_t size;
};

static size_t from_hex(const char *text, uint8_t *out, size_t room)
{
    size_t length = 0;
    for (unsigned byte; length < room && text[0] != 0 && text[1] != 0 && sscanf(text, "%2x", &byte) == 1; text += 2)
        out[length++] = (uint8_t)byte;
    return length;
}

static bool literal(const char *text, int port, struct place *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->address;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        out->size = sizeof *four;
        return true;
    }
    if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1)
        return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    out->size = sizeof *six;
    return true;
}

/* ---- names */

static size_t question(const char *name, int type, uint8_t *out)
{
    static const uint8_t head[12] = {0x47, 0x42, 0x01, 0x00, 0, 1};
    size_t at = sizeof head;
    memcpy(out, head, sizeof head);
    for (const char *label = name; *label != 0;) {
        size_t length = strcspn(label, ".");
        if (length == 0 || length > 63 || at + length > 260)
            return 0;
        out[at++] = (uint8_t)length;
        memcpy(out + at, label, length);
        at += length;
        label += length + (label[length] == '.');
    }
    const uint8_t end[] = {0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1};
    memcpy(out + at, end, sizeof end);
    return at + sizeof end;
}

/* Behind a name, which may end in a pointer. 0: there is none. */
static size_t skip_name(const uint8_t *bytes, size_t length, size_t at)
{
    while (at < length && bytes[at] != 0) {
        if (bytes[at] >= 0xc0)
            return at + 2;
        at += 1u + bytes[at];
    }
    return at < length ? at + 1 : 0;
}

static ssize_t ask(const char *resolver, const char *name, int type, uint8_t *out, size_t room)
{
    uint8_t bytes[512];
    struct place to;
    size_t length = question(name, type, bytes);
    if (!literal(resolver, 53, &to) || length == 0)
        return errno = EINVAL, -1;
    int fd = socket(to.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to.address, to.size) < 0)
        return -1;
    for (int tries = 0; tries < 2; tries++) {
        struct pollfd answer = {.fd = fd, .events = POLLIN};
        if (send(fd, bytes, length, 0) < 0)
            return -1;
        if (poll(&answer, 1, DATAGRAM_MS) > 0)
            return recv(fd, out, room, 0);
    }
    return errno = ETIMEDOUT, -1;
}

/* Says each record of the answer; the first address in `first`, unless that is NULL. 0, or an errno when there is none. */
static int records(const uint8_t *bytes, size_t length, char *first, size_t room)
{
    size_t at = length > 12 ? skip_name(bytes, length, 12) + 4 : 0;
    int found = 0;
    for (int left = length > 12 ? bytes[6] << 8 | bytes[7] : 0; left > 0 && at > 4 && at < length; left--) {
        size_t data = skip_name(bytes, length, at);
        if (data == 0 || data + 10 > length)
            break;
        int type = bytes[data] << 8 | bytes[data + 1];
        size_t size = (size_t)(bytes[data + 8] << 8 | bytes[data + 9]);
        char text[INET6_ADDRSTRLEN] = "";
        if (data + 10 + size > length)
            break;
        if ((type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16))
            inet_ntop(type == TYPE_A ? AF_INET : AF_INET6, bytes + data + 10, text, sizeof text);
        if (first == NULL) {
            say(*text != 0 ? text : (const char *)bytes + data + 10, *text != 0 ? strlen(text) : size);
            say_text(" ");
        } else if (*text != 0 && *first == 0)
            snprintf(first, room, "%s", text);
        found++;
        at = data + 10 + size;
    }
    return found > 0 ? 0 : length > 3 && (bytes[3] & 15) == 5 ? ECONNREFUSED : ENOENT;
}

/* RESOLVER, NAME, TYPE as a number */
static int n_dns(char **args)
{
    uint8_t bytes[2048];
    ssize_t got = ask(args[0], args[1], atoi(args[2]), bytes, sizeof bytes);
    return got < 0 ? errno : records(bytes, (size_t)got, NULL, 0);
}

static int place_of(char *host, const char *port, struct place *out)
{
    uint8_t bytes[2048];
    char address[INET6_ADDRSTRLEN] = "", *resolver = strchr(host, '@');
    if (resolver == NULL)
        return literal(host, atoi(port), out) ? 0 : EINVAL;
    *resolver = 0;
    int outcome = ENOENT;
    for (int type = TYPE_A; *address == 0 && type <= TYPE_AAAA; type += TYPE_AAAA - TYPE_A) {
        ssize_t got = ask(resolver + 1, host, type, bytes, sizeof bytes);
        outcome = got < 0 ? errno : records(bytes, (size_t)got, address, sizeof address);
    }
    *resolver = '@';
    return *address == 0 ? (outcome == 0 ? ENOENT : outcome) : literal(address, atoi(port), out) ? 0 : EINVAL;
}

/* ---- connections */

/* Decoys end theirs so. */
static bool is_whole(const char *bytes, size_t length)
{
    return length >= 4 && memcmp(bytes + length - 4, "\r\n\r\n", 4) == 0;
}

static int say_answer(int fd, int first_ms)
{
    char bytes[4096];
    size_t total = 0;
    for (int wait = first_ms;; wait = SILENCE_MS) {
        struct pollfd answer = {.fd = fd, .events = POLLIN};
        if (poll(&answer, 1, wait) == 0)
            return total > 0 ? 0 : ETIMEDOUT;
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            return total > 0 ? 0 : got < 0 ? errno : ENODATA;
        say(bytes, (size_t)got);
        total += (size_t)got;
        if (is_whole(bytes, (size_t)got))
            return 0;
    }
}

/* In pieces of `piece` bytes, a moment apart; 0: in one. */
static int send_all(int fd, const uint8_t *bytes, size_t length, size_t piece)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    for (size_t done = 0; done < length;) {
        size_t next = piece > 0 && length - done > piece ? piece : length - done;
        ssize_t sent = send(fd, bytes + done, next, MSG_NOSIGNAL);
        if (sent < 0)
            return errno;
        done += (size_t)sent;
        if (piece > 0)
            nanosleep(&moment, NULL);
    }
    return 0;
}

int connect_to(char *host, const char *port, int *fd)
{
    struct place to;
    int outcome = place_of(host, port, &to), yes = 1;
    if (outcome != 0)
        return outcome;
    *fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || connect(*fd, (struct sockaddr *)&to.address, to.size) < 0)
        return errno;
    setsockopt(*fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &yes, sizeof yes);
    return 0;
}

/* HOST, PORT, BYTES[, how many bytes more[, bytes in each piece]] */
static int n_tcp(char **args)
{
    static uint8_t bytes[4096], filler[1 << 16];
    int fd = -1, outcome = connect_to(args[0], args[1], &fd);
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    bool more = args[3] != NULL && *args[3] != 0;
    if (outcome == 0)
        outcome = send_all(fd, bytes, length, more && args[4] != NULL ? (size_t)atol(args[4]) : 0);
    memset(filler, 'x', sizeof filler);
    for (long left = more ? atol(args[3]) : 0; outcome == 0 && left > 0; left -= (long)sizeof filler)
        outcome = send_all(fd, filler, left < (long)sizeof filler ? (size_t)left : sizeof filler, 0);
    int answered = fd < 0 ? outcome : say_answer(fd, ANSWER_MS);
    return outcome != 0 ? outcome : answered;
}

/* The first bytes go with the first packet. HOST, PORT, BYTES */
static int n_fast_open(char **args)
{
    uint8_t bytes[4096];
    struct place to;
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    int outcome = place_of(args[0], args[1], &to);
    if (outcome != 0)
        return outcome;
    int fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, bytes, length, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to.address, to.size) < 0)
        return errno;
    return say_answer(fd, ANSWER_MS);
}

/* All at once, each with its answer. HOST, PORT, BYTES, COUNT: ok if all of them are answered */
static int n_many(char **args)
{
    uint8_t bytes[4096];
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    struct pollfd all[MAX_MANY];
    int count = atoi(args[3]) < MAX_MANY ? atoi(args[3]) : MAX_MANY, answered = 0;
    for (int i = 0; i < count; i++) {
        all[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (connect_to(args[0], args[1], &all[i].fd) == 0)
            send_all(all[i].fd, bytes, length, 0);
    }
    for (int left = count; left > 0 && poll(all, (nfds_t)count, ANSWER_MS) > 0;)
        for (int i = 0; i < count; i++)
            if (all[i].fd >= 0 && all[i].revents != 0) {
                answered += recv(all[i].fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0;
                all[i].fd = -all[i].fd; /* open still, and not waited for */
                left--;
            }
    say_number(answered);
    return answered == count ? 0 : EAGAIN;
}

/* ---- datagrams */

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

/* ---- the namespace itself */

/* ADDRESS, PORT, tcp|udp: a server of one's own there */
static int n_take(char **args)
{
    struct place at;
    bool stream = strcmp(args[2], "tcp") == 0;
    if (!literal(args[0], atoi(args[1]), &at))
        return EINVAL;
    int fd = socket(at.address.ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at.address, at.size) < 0)
        return errno;
    return stream ? result(listen(fd, 1)) : 0;
}

/* ADDRESS: one more, for loopback */
static int n_add_address(char **args)
{
    struct place at;
    struct ifreq ask_for = {.ifr_name = "lo:9"};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (!literal(args[0], 0, &at))
        return EINVAL;
    memcpy(&ask_for.ifr_addr, &at.address, sizeof ask_for.ifr_addr);
    return result(ioctl(fd, SIOCSIFADDR, &ask_for));
}

static int n_toggle_loopback(char **args)
{
    (void)args;
    struct ifreq it = {.ifr_name = "lo"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &it) < 0)
        return errno;
    it.ifr_flags ^= IFF_UP;
    return result(ioctl(fd, SIOCSIFFLAGS, &it));
}

const struct attempt network_attempts[] = {
    {"dns", n_dns},
    {"tcp", n_tcp},
    {"fast-open", n_fast_open},
    {"many", n_many},
    {"udp", n_udp},
    {"ping", n_ping},
    {"take", n_take},
    {"add-address", n_add_address},
    {"toggle-loopback", n_toggle_loopback},
    {NULL, NULL},
};
