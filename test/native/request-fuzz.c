/*
 * request-fuzz SEED SECONDS FILE…: mutated valid requests through cell's parser, under sanitizers. Each input lies in a
 * block of just its size, so that a byte read too many is seen. What is accepted must hold what the rest of cell takes
 * for granted. Prints how many were accepted and refused; a violation aborts, with the seed that repeats it.
 */
#include "../../native/cell/cell.h"
#include "../../native/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_FILES 32
#define MAX_BYTES (1u << 16)

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

static void within(const void *at, size_t length, const uint8_t *bytes, size_t size)
{
    const uint8_t *start = at;
    MUST(start >= bytes && start + length <= bytes + size);
}

static void check(const struct request *request, const uint8_t *bytes, size_t size)
{
    struct wire wire = {bytes, size};
    struct frame frame;
    MUST(request->id != 0);
    MUST(request->place_count > 0 && request->place_count <= MAX_PLACES);
    MUST(request->grant_count >= 0 && request->grant_count <= MAX_GRANTS);
    MUST(request->scratch_bytes > 0 && request->scratch_inodes > 0);
    MUST(request->oom_score >= -1 && request->oom_score <= 1000);
    MUST(!request->own_uid || request->uid_base >= 65536);
    within(request->filter, request->filter_size, bytes, size);
    within(request->args, request->args_size, bytes, size);
    MUST(request->filter_size % 8 == 0 && request->args[request->args_size - 1] == 0);
    for (int i = 0; i < request->place_count; i++)
        MUST((request->places[i] & ~01777u) == 0);
    for (int i = 0; i < request->grant_count; i++) {
        within(request->grants[i].path, strlen(request->grants[i].path) + 1, bytes, size);
        MUST(request->grants[i].path[0] == '/');
    }
    MUST(request->network.port_count >= 0 && request->network.port_count <= MAX_PORTS);
    MUST(request->network.wanted == request_networks(bytes, size));
    for (int i = 0; i < request->network.port_count; i++)
        MUST(request->network.ports[i] != 0);
    /* as cgroup_apply and own_files walk it */
    while (wire_next(&wire, &frame) == 1) {
        if (frame.tag == 'c' || frame.tag == 'C') {
            const char *file = (const char *)frame.bytes + 1, *value = file + strlen(file) + 1;
            within(value, strlen(value) + 1, frame.bytes, frame.length);
            MUST(frame.bytes[0] < MAX_CGROUPS && strchr(file, '/') == NULL && file[0] != '.' && file[0] != 0);
        }
        if (frame.tag == 'e') {
            const char *name = (const char *)frame.bytes;
            MUST(strlen(name) + 1 <= frame.length && strlen(name) <= 64 && strchr(name, '/') == NULL && name[0] != '.');
        }
    }
    MUST(wire.left == 0);
}

static uint8_t *valid[MAX_FILES];
static size_t sizes[MAX_FILES];
static int files;

/* The start of some frame, so that mutations meet lengths and tags and not only a filter's bytes. */
static size_t some_frame(const uint8_t *bytes, size_t size)
{
    struct wire wire = {bytes, size};
    struct frame frame;
    size_t at = 0;
    for (uint32_t skip = chance(24); skip > 0 && wire_next(&wire, &frame) == 1; skip--)
        at = size - wire.left;
    return at < size ? at : 0;
}

static size_t mutate(uint8_t *bytes, size_t size)
{
    static const uint8_t likely[] = {0, 1, 2, 4, 5, 0x7f, 0x80, 0xff, '/', '.', 'i', 'u', 'o', 'p', 'f', 'a', 's', 'g', 'c', 'C', 'e', 'n'};
    for (uint32_t count = 1 + chance(6); count > 0 && size > 0; count--) {
        size_t frame = some_frame(bytes, size), at = chance(3) == 0 ? chance((uint32_t)size) : frame + chance(12);
        if (at >= size)
            continue;
        switch (chance(7)) {
        case 0: bytes[at] ^= (uint8_t)(1u << chance(8)); break;
        case 1: bytes[at] = likely[chance(sizeof likely)]; break;
        case 2: size = at; break;
        case 3: /* a stretch is gone */
        {
            size_t gone = chance(20) < size - at ? chance(20) : 0;
            if (gone > size - at)
                gone = size - at;
            memmove(bytes + at, bytes + at + gone, size - at - gone);
            size -= gone;
            break;
        }
        case 4: /* a stretch of another */
        {
            int other = (int)chance((uint32_t)files);
            size_t from = some_frame(valid[other], sizes[other]), length = chance(64);
            if (length > sizes[other] - from)
                length = sizes[other] - from;
            if (size + length > MAX_BYTES)
                break;
            memmove(bytes + at + length, bytes + at, size - at);
            memcpy(bytes + at, valid[other] + from, length);
            size += length;
            break;
        }
        case 5: /* a frame again */
        {
            uint32_t length = frame + WIRE_HEADER <= size ? wire_u32(bytes + frame + 1) : 0;
            size_t whole = WIRE_HEADER + (size_t)length;
            if (length == 0 || frame + whole > size || size + whole > MAX_BYTES)
                break;
            memmove(bytes + frame + whole, bytes + frame, size - frame);
            size += whole;
            break;
        }
        default: /* a length that lies */
            if (frame + WIRE_HEADER <= size)
                wire_put_u32(bytes + frame + 1, chance(2) == 0 ? chance(64) : UINT32_MAX - chance(8));
        }
    }
    return size;
}

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    MUST(file != NULL && files < MAX_FILES);
    valid[files] = malloc(MAX_BYTES);
    MUST(valid[files] != NULL);
    sizes[files] = fread(valid[files], 1, MAX_BYTES, file);
    fclose(file);
    files++;
}

int main(int argc, char **argv)
{
    static uint8_t work[2 * MAX_BYTES];
    struct request request;
    unsigned long accepted = 0, refused = 0;
    MUST(argc > 3);
    uint64_t seed = strtoull(argv[1], NULL, 10);
    double seconds = strtod(argv[2], NULL);
    for (int i = 3; i < argc; i++)
        load(argv[i]);
    for (int i = 0; i < files; i++)
        MUST(request_parse(valid[i], sizes[i], &request));
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    for (uint64_t turn = 0; clock() < end; turn++) {
        state = (seed + turn) * 0x9e3779b97f4a7c15u | 1;
        int from = (int)chance((uint32_t)files);
        memcpy(work, valid[from], sizes[from]);
        size_t size = mutate(work, sizes[from]);
        uint8_t *exact = malloc(size > 0 ? size : 1);
        MUST(exact != NULL);
        memcpy(exact, work, size);
        if (request_parse(exact, size, &request)) {
            check(&request, exact, size);
            accepted++;
        } else {
            refused++;
        }
        free(exact);
    }
    printf("%lu accepted, %lu refused\n", accepted, refused);
    for (int i = 0; i < files; i++)
        free(valid[i]);
    return 0;
}
