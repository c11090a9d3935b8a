/* What is parsed here was written by the job, but for the kernel's own headers around it: no length is believed. Fuzzed. */
#include "datagram.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>

#define ICMP 1
#define TCP 6
#define UDP 17
#define ICMPV6 58
#define UDPLITE 136

static int32_t port_in(uint8_t protocol, const uint8_t *bytes, size_t length, size_t at)
{
    if ((protocol != TCP && protocol != UDP && protocol != UDPLITE) || length < at + 4)
        return -1;
    return bytes[at + 2] << 8 | bytes[at + 3];
}

bool datagram_parse(const uint8_t *bytes, size_t length, struct datagram *out)
{
    memset(out, 0, sizeof *out);
    if (length >= 20 && bytes[0] >> 4 == 4) {
        size_t header = (size_t)(bytes[0] & 15) * 4;
        bool first = (bytes[6] & 0x1f) == 0 && bytes[7] == 0; /* later fragments have no ports */
        out->family = 4;
        out->protocol = bytes[9];
        memcpy(out->address, bytes + 16, 4);
        out->port = first && header >= 20 ? port_in(out->protocol, bytes, length, header) : -1;
        return header >= 20;
    }
    if (length >= 40 && bytes[0] >> 4 == 6) {
        out->family = 6;
        out->protocol = bytes[6]; /* an extension header is what the packet was refused for, and no UDP */
        memcpy(out->address, bytes + 24, 16);
        out->port = port_in(out->protocol, bytes, length, 40);
        return true;
    }
    return false;
}

static void count(struct datagrams *into, const struct datagram *what, long long now)
{
    int place = 0;
    while (place < into->count && memcmp(&into->list[place].what, what, sizeof *what) != 0)
        place++;
    if (place == MAX_DATAGRAMS) {
        into->omitted++;
        return;
    }
    if (place == into->count) {
        into->count++;
        into->list[place].what = *what;
        into->list[place].times = 0;
        into->list[place].first_ms = now;
    }
    into->list[place].times++;
}

static void take_packet(struct datagrams *into, const uint8_t *bytes, size_t length, long long now)
{
    struct datagram found;
    while (length >= NLA_HDRLEN) {
        struct nlattr attribute;
        memcpy(&attribute, bytes, sizeof attribute);
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > length)
            return;
        if ((attribute.nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD &&
            datagram_parse(bytes + NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN, &found))
            count(into, &found, now);
        size_t whole = NLA_ALIGN((size_t)attribute.nla_len);
        if (whole > length)
            return;
        bytes += whole;
        length -= whole;
    }
}

void datagrams_take(struct datagrams *into, const uint8_t *bytes, size_t length, long long now)
{
    const size_t headers = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
    while (length >= NLMSG_HDRLEN) {
        struct nlmsghdr header;
        memcpy(&header, bytes, sizeof header);
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > length)
            return;
        if (header.nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) && header.nlmsg_len >= headers)
            take_packet(into, bytes + headers, header.nlmsg_len - headers, now);
        size_t whole = NLMSG_ALIGN((size_t)header.nlmsg_len);
        if (whole > length)
            return;
        bytes += whole;
        length -= whole;
    }
}

static const char *name_of(uint8_t protocol)
{
    return protocol == UDP ? "udp" : protocol == ICMP || protocol == ICMPV6 ? "icmp" : "other";
}

size_t datagrams_write(const struct datagrams *from, char *out)
{
    size_t used = 0;
    out[used++] = '[';
    for (int i = 0; i < from->count; i++) {
        const struct datagram *what = &from->list[i].what;
        char address[INET6_ADDRSTRLEN] = "", port[12] = "null";
        inet_ntop(what->family == 4 ? AF_INET : AF_INET6, what->address, address, sizeof address);
        if (what->port >= 0)
            snprintf(port, sizeof port, "%d", (int)what->port);
        used += (size_t)sprintf(out + used, "%s{\"protocol\":\"%s\",\"address\":\"%s\",\"port\":%s,\"count\":%llu,\"firstMs\":%lld}",
                                i > 0 ? "," : "", name_of(what->protocol), address, port,
                                (unsigned long long)from->list[i].times, from->list[i].first_ms);
    }
    out[used++] = ']';
    out[used] = 0;
    return used;
}
