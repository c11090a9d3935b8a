/*
 * datagram-fuzz SEED SECONDS: what the kernel tells of refused datagrams, mutated, through the launcher's parser, under
 * sanitizers. Each input lies in a block of just its size. What is counted must be what was told at most, and its JSON
 * must stay in its bounds. Prints how many messages gave a datagram and how many none.
 */
#include "../../native/cell/datagram.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state;

static uint32_t chance(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16) % below;
}

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "violated: %s\n", #condition);                                                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static size_t attribute(uint8_t *at, uint16_t type, const void *value, size_t size)
{
    struct nlattr header = {.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
    memcpy(at, &header, sizeof header);
    memcpy(at + NLA_HDRLEN, value, size);
    return NLA_ALIGN(NLA_HDRLEN + size);
}

static size_t packet(uint8_t *bytes)
{
    size_t length = 20 + chance(100);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)chance(256);
    static const uint8_t likely[] = {1, 2, 6, 17, 58, 136, 0};
    if (chance(2) == 0) {
        bytes[0] = (uint8_t)(0x40 | (chance(4) == 0 ? chance(16) : 5));
        bytes[9] = likely[chance(sizeof likely)];
        if (chance(2) == 0)
            bytes[6] = bytes[7] = 0;
    } else {
        bytes[0] = (uint8_t)(0x60 | chance(16));
        bytes[6] = likely[chance(sizeof likely)];
    }
    return length;
}

static size_t message(uint8_t *bytes)
{
    uint8_t payload[128];
    struct nlmsghdr header = {.nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET};
    struct nfgenmsg body = {.nfgen_family = 2};
    size_t used = NLMSG_HDRLEN;
    memcpy(bytes + used, &body, sizeof body);
    used += NLMSG_ALIGN(sizeof body);
    used += attribute(bytes + used, NFULA_PACKET_HDR, "\x08\x00\x03", 4);
    size_t length = packet(payload);
    used += attribute(bytes + used, NFULA_PAYLOAD, payload, length);
    header.nlmsg_len = (uint32_t)used;
    memcpy(bytes, &header, sizeof header);
    return used;
}

int main(int argc, char **argv)
{
    static uint8_t work[4096];
    static struct datagrams seen;
    static char text[DATAGRAMS_JSON + 1];
    unsigned long counted = 0, ignored = 0;
    MUST(argc == 3);
    uint64_t seed = strtoull(argv[1], NULL, 10);
    double seconds = strtod(argv[2], NULL);
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    for (uint64_t turn = 0; clock() < end; turn++) {
        state = (seed + turn) * 0x9e3779b97f4a7c15u | 1;
        uint32_t messages = 1 + chance(4);
        size_t size = 0;
        for (uint32_t i = 0; i < messages; i++)
            size += message(work + size);
        for (uint32_t i = chance(5); i > 0; i--)
            work[chance((uint32_t)size)] = (uint8_t)(chance(3) == 0 ? 0xff : chance(256));
        if (chance(4) == 0)
            size = chance((uint32_t)size + 1);
        uint8_t *exact = malloc(size > 0 ? size : 1);
        MUST(exact != NULL);
        memcpy(exact, work, size);
        if (chance(64) == 0)
            memset(&seen, 0, sizeof seen);
        uint64_t before = seen.omitted, after = 0;
        for (int i = 0; i < seen.count; i++)
            before += seen.list[i].times;
        datagrams_take(&seen, exact, size, 1790000000000);
        free(exact);
        MUST(seen.count >= 0 && seen.count <= MAX_DATAGRAMS);
        for (int i = 0; i < seen.count; i++) {
            after += seen.list[i].times;
            MUST(seen.list[i].what.family == 4 || seen.list[i].what.family == 6);
            MUST(seen.list[i].what.port >= -1 && seen.list[i].what.port <= 65535);
        }
        after += seen.omitted;
        MUST(after >= before && after - before <= size / 20);
        MUST(datagrams_write(&seen, text) < DATAGRAMS_JSON);
        if (after > before)
            counted++;
        else
            ignored++;
    }
    for (int i = 0; i < seen.count; i++) /* the largest text that there is */
        seen.list[i].times = UINT64_MAX;
    MUST(datagrams_write(&seen, text) < DATAGRAMS_JSON);
    printf("%lu counted, %lu ignored\n", counted, ignored);
    return 0;
}
