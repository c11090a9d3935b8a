/*
 * steps-fuzz SEED SECONDS FILE…: mutated valid steps through guest's parser, under sanitizers. Each input lies in a block of just its
 * size, so that a byte read too many is seen. What is accepted must hold what the rest of guest takes for granted. Prints how many
 * were accepted and refused; a violation aborts, with the seed that repeats it.
 */
#include "../../native/guest/guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_FILES 8
#define MAX_BYTES (1u << 15)

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

static void path(const char *text)
{
    MUST(text[0] == '/' && text[1] != 0 && strlen(text) < MAX_TEXT && text[strlen(text) - 1] != '/');
    MUST(strstr(text, "//") == NULL && strstr(text, "/../") == NULL && strstr(text, "/./") == NULL);
}

/* Which texts of a step the rest of guest takes for paths. */
static unsigned paths_of(uint8_t tag)
{
    switch (tag) {
    case 'd': case 'F': case 'A': case 'o': case 'w': case 'W': case 'k': case 'g': case 'x': return 1u << 0;
    case 'L': return 1u << 1;
    case 'm': return 1u << 2;
    default: return 0;
    }
}

static void check_step(const struct frame *whole, struct step *parsed)
{
    const struct frame frame = *whole;
    MUST(step_parse(&frame, parsed));
    const struct step step = *parsed;
    within(step.bytes, step.size, frame.bytes, frame.length);
    for (unsigned i = 0; i < 4; i++) {
        if (step.texts[i] == NULL)
            MUST((paths_of(step.tag) & 1u << i) == 0);
        else
            within(step.texts[i], strlen(step.texts[i]) + 1, frame.bytes, frame.length);
        if (paths_of(step.tag) & 1u << i)
            path(step.texts[i]);
    }
    if (step.tag == 'm')
        MUST(step.texts[0] != NULL && step.texts[1] != NULL && step.texts[3] != NULL);
    if (step.tag == 'L' || step.tag == 'h')
        MUST(step.texts[0] != NULL);
    if (step.tag == 'l')
        MUST(step.size == NETWORK_SIZE);
}

static void check(const uint8_t *bytes, size_t size, const char *cgroup)
{
    struct wire wire = {bytes, size};
    struct frame frame;
    struct step step = {0};
    int groups = 0;
    while (wire_next(&wire, &frame) == 1) {
        MUST(step.tag != 'x');
        check_step(&frame, &step);
        if (step.tag == 'g') {
            MUST(step.texts[0] == cgroup);
            groups++;
        }
    }
    MUST(wire.left == 0 && step.tag == 'x' && groups == (cgroup != NULL));
}

/* No mount, no device, no network, no start: a machine in which a job's first process waits takes none. */
static void check_moment(const uint8_t *bytes, size_t size, const char *taken)
{
    struct wire wire = {bytes, size};
    struct frame frame;
    struct step step;
    while (wire_next(&wire, &frame) == 1) {
        check_step(&frame, &step);
        MUST(strchr(taken, step.tag) != NULL);
    }
    MUST(wire.left == 0);
}

static bool is_taken(const uint8_t *bytes, size_t size)
{
    const char *cgroup;
    bool steps = steps_check(bytes, size, &cgroup), moment = moment_check('T', bytes, size),
         grants = moment_check('G', bytes, size);
    if (steps)
        check(bytes, size, cgroup);
    if (moment)
        check_moment(bytes, size, "tew");
    if (grants)
        check_moment(bytes, size, "dFALo");
    return steps || moment || grants;
}

static uint8_t *valid[MAX_FILES];
static size_t sizes[MAX_FILES];
static int files;

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
    static const uint8_t likely[] = {0, 1, 2, 0x7f, 0x80, 0xff, '/', '.', 't', 'e', 'd', 'F', 'A', 'o', 'L', 'w', 'W', 'm', 'k', 'l', 'g', 'h', 'x'};
    for (uint32_t count = 1 + chance(4); count > 0 && size > 0; count--) {
        size_t frame = some_frame(bytes, size), at = chance(3) == 0 ? chance((uint32_t)size) : frame + chance(24);
        if (at >= size)
            continue;
        switch (chance(6)) {
        case 0: bytes[at] ^= (uint8_t)(1u << chance(8)); break;
        case 1: bytes[at] = likely[chance(sizeof likely)]; break;
        case 2: size = at; break;
        case 3: /* a frame is gone, or is there again */
        {
            uint32_t length = frame + WIRE_HEADER <= size ? wire_u32(bytes + frame + 1) : 0;
            size_t whole = WIRE_HEADER + (size_t)length;
            if (frame + whole > size || size + whole > MAX_BYTES)
                break;
            if (chance(2) == 0) {
                memmove(bytes + frame, bytes + frame + whole, size - frame - whole);
                size -= whole;
            } else {
                memmove(bytes + frame + whole, bytes + frame, size - frame);
                size += whole;
            }
            break;
        }
        case 4: /* one byte more, and the length knows */
            if (frame + WIRE_HEADER <= size && at >= frame + WIRE_HEADER && size < MAX_BYTES) {
                memmove(bytes + at + 1, bytes + at, size - at);
                bytes[at] = likely[chance(sizeof likely)];
                wire_put_u32(bytes + frame + 1, wire_u32(bytes + frame + 1) + 1);
                size++;
            }
            break;
        default: /* a length that lies */
            if (frame + WIRE_HEADER <= size)
                wire_put_u32(bytes + frame + 1, chance(2) == 0 ? chance(64) : UINT32_MAX - chance(8));
        }
    }
    return size;
}

static void load(const char *name)
{
    FILE *file = fopen(name, "rb");
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
    unsigned long accepted = 0, refused = 0;
    MUST(argc > 3);
    uint64_t seed = strtoull(argv[1], NULL, 10);
    double seconds = strtod(argv[2], NULL);
    for (int i = 3; i < argc; i++) {
        load(argv[i]);
        MUST(is_taken(valid[i - 3], sizes[i - 3]));
    }
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    for (uint64_t turn = 0; clock() < end; turn++) {
        state = (seed + turn) * 0x9e3779b97f4a7c15u | 1;
        int from = (int)chance((uint32_t)files);
        memcpy(work, valid[from], sizes[from]);
        size_t size = mutate(work, sizes[from]);
        uint8_t *exact = malloc(size > 0 ? size : 1);
        MUST(exact != NULL);
        memcpy(exact, work, size);
        bool takes = is_taken(exact, size);
        accepted += takes;
        refused += !takes;
        free(exact);
    }
    printf("%lu accepted, %lu refused\n", accepted, refused);
    for (int i = 0; i < files; i++)
        free(valid[i]);
    return 0;
}
