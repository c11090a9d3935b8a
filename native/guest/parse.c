/*
 * The steps, taken apart and checked before the first of them is done. What each is made of, in order: `Q` a number of eight bytes,
 * `I` one of four, `s` a text with its NUL, `p` one that is an absolute path; `*` whatever is left.
 *
 *   `t` seconds, nanoseconds        the time of day
 *   `e` bytes                       all of them random
 *   `d` mode, uid, gid, path        a folder, and those above it that are missing
 *   `F` mode, uid, gid, path, bytes a new file
 *   `A` path, bytes                 put at the end of a file that is there
 *   `o` mode, uid, gid, path        of a file or folder that is there
 *   `L` target, path                a symbolic link
 *   `w` path, bytes                 written to a file that is there; `W`: or is not
 *   `m` flags, type, source, target, data   mount(2); `M`: the same, where there is such a target
 *   `k` mode, major, minor, path    a character device
 *   `l` see network.c               the network
 *   `g` path                        the agent's cgroup, which is there
 *   `h` text                        the host's name, where the agent is
 *   `x` uid, gid, path              the agent is started with this as its root
 */
#include "guest.h"

static const char *shape_of(uint8_t tag)
{
    switch (tag) {
    case 't': return "QI";
    case 'e': return "*";
    case 'd':
    case 'o': return "IIIp";
    case 'F': return "IIIp*";
    case 'L': return "sp";
    case 'A':
    case 'w':
    case 'W': return "p*";
    case 'm':
    case 'M': return "Qssps";
    case 'k': return "IIIp";
    case 'l': return "*";
    case 'g': return "p";
    case 'h': return "s";
    case 'x': return "IIp";
    default: return NULL;
    }
}

/* From the root down, each step of it one, without a slash at the end; the root itself is none. */
static bool is_path(const char *text)
{
    if (text[0] != '/')
        return false;
    for (const char *at = text; *at != 0;) {
        const char *name = at + 1;
        at = strchrnul(name, '/');
        size_t length = (size_t)(at - name);
        if (length == 0 || (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.'))
            return false;
    }
    return true;
}

static bool take_text(struct step *out, int *texts, bool is_a_path)
{
    const uint8_t *end = memchr(out->bytes, 0, out->size);
    if (end == NULL)
        return false;
    uint32_t whole = (uint32_t)(end - out->bytes) + 1;
    const char *text = (const char *)out->bytes;
    out->bytes += whole;
    out->size -= whole;
    out->texts[(*texts)++] = text;
    return whole <= MAX_TEXT && (!is_a_path || is_path(text));
}

static bool take_number(struct step *out, int *numbers, uint32_t size)
{
    if (out->size < size)
        return false;
    if (size == 8)
        out->wide = wire_u64(out->bytes);
    else
        out->numbers[(*numbers)++] = wire_u32(out->bytes);
    out->bytes += size;
    out->size -= size;
    return true;
}

bool step_parse(const struct frame *frame, struct step *out)
{
    int numbers = 0, texts = 0;
    const char *shape = shape_of(frame->tag);
    if (shape == NULL)
        return false;
    *out = (struct step){.tag = frame->tag, .bytes = frame->bytes, .size = frame->length};
    for (; *shape != 0 && *shape != '*'; shape++)
        if (*shape == 's' || *shape == 'p' ? !take_text(out, &texts, *shape == 'p')
                                           : !take_number(out, &numbers, *shape == 'Q' ? 8 : 4))
            return false;
    if (frame->tag == 'l')
        return out->size == NETWORK_SIZE;
    return *shape == '*' || out->size == 0;
}

bool moment_check(uint8_t tag, const uint8_t *bytes, size_t length)
{
    const char *taken = tag == 'G' ? "dFALo" : "tew";
    struct wire wire = {bytes, length};
    struct frame frame;
    struct step step;
    int more;
    while ((more = wire_next(&wire, &frame)) == 1)
        if (!step_parse(&frame, &step) || strchr(taken, step.tag) == NULL)
            return false;
    return more == 0;
}

bool steps_check(const uint8_t *bytes, size_t length, const char **cgroup)
{
    struct wire wire = {bytes, length};
    struct frame frame;
    struct step step = {0};
    int more;
    *cgroup = NULL;
    while (step.tag != 'x' && (more = wire_next(&wire, &frame)) == 1) {
        if (!step_parse(&frame, &step) || (step.tag == 'g' && *cgroup != NULL))
            return false;
        if (step.tag == 'g')
            *cgroup = step.texts[0];
    }
    return step.tag == 'x' && wire.left == 0;
}
