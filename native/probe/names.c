/* Addresses, and names that a job asks for. */
#define _GNU_SOURCE
#include "network.h"
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TYPE_A = 1, TYPE_AAAA = 28 };

size_t from_hex(const char *text, uint8_t *out, size_t room)
{
    size_t length = 0;
    for (unsigned byte; length < room && text[0] != 0 && text[1] != 0 && sscanf(text, "%2x", &byte) == 1; text += 2)
        out[length++] = (uint8_t)byte;
    return length;
}

bool literal(const char *text, int port, struct place *out)
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

int place_of(char *host, const char *port, struct place *out)
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

const struct attempt names_attempts[] = {
    {"dns", n_dns},
    {NULL, NULL},
};
