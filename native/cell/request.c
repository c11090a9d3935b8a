#include "cell.h"
#include "../wire.h"

#include <limits.h>
#include <string.h>

static bool absolute(const char *path)
{
    return path != NULL && path[0] == '/' && strlen(path) < PATH_MAX;
}

static bool take_grant(const struct frame *frame, struct request *out)
{
    if (out->grant_count == MAX_GRANTS || frame->length < 2)
        return false;
    struct frame rest = {.tag = frame->tag, .length = frame->length - 1, .bytes = frame->bytes + 1};
    const char *path = frame_string(&rest);
    uint8_t flags = frame->bytes[0];
    if (!absolute(path) || flags > (GRANT_IDMAPPED | GRANT_WRITABLE))
        return false;
    out->grants[out->grant_count++] = (struct grant){
        .path = path, .idmap = (flags & GRANT_IDMAPPED) != 0, .writable = (flags & GRANT_WRITABLE) != 0};
    return true;
}

static bool take_scratch(const struct frame *frame, struct request *out)
{
    if (frame->length < 16 || (frame->length - 16) % 4 != 0 || (frame->length - 16) / 4 > MAX_PLACES)
        return false;
    out->scratch_bytes = wire_u64(frame->bytes);
    out->scratch_inodes = wire_u64(frame->bytes + 8);
    out->place_count = (int)((frame->length - 16) / 4);
    for (int i = 0; i < out->place_count; i++)
        out->places[i] = wire_u32(frame->bytes + 16 + 4 * i) & 01777;
    return true;
}

/* `c`, and `C` for a file that may be absent: u8 index of the cgroup, then FILE NUL VALUE NUL. FILE is a plain name: a request can't leave its folder. */
static bool check_cgroup_write(const struct frame *frame)
{
    if (frame->length < 5 || frame->bytes[0] >= MAX_CGROUPS || frame->bytes[frame->length - 1] != 0)
        return false;
    const char *file = (const char *)frame->bytes + 1;
    size_t name = strnlen(file, frame->length - 1);
    if (name == 0 || name > 64 || strchr(file, '/') != NULL || file[0] == '.' || name + 2 >= frame->length)
        return false;
    const char *value = file + name + 1;
    return strlen(value) == frame->length - 1 - name - 2;
}

/* `e`: NAME NUL CONTENT: a small file of the sandbox's own /etc. */
static bool check_own_file(const struct frame *frame)
{
    const char *name = (const char *)frame->bytes;
    size_t length = strnlen(name, frame->length);
    return length > 0 && length < frame->length && length <= 64 && name[0] != '.' && strchr(name, '/') == NULL;
}

bool request_canonical(const char *path)
{
    if (!absolute(path))
        return false;
    while (*path != 0) {
        size_t step = strcspn(++path, "/");
        if (step == 0 || step > NAME_MAX || (step == 1 && path[0] == '.') || (step == 2 && memcmp(path, "..", 2) == 0))
            return false;
        path += step;
    }
    return true;
}

/* `r`: u8 flags, PATH NUL: the folder that is the root. */
static bool take_tree(const struct frame *frame, struct request *out)
{
    struct frame rest = {.tag = frame->tag, .length = frame->length - 1, .bytes = frame->bytes + 1};
    if (out->tree != NULL || frame->length < 2 || frame->bytes[0] > TREE_AS_ROOT)
        return false;
    out->tree_as_root = frame->bytes[0] == TREE_AS_ROOT;
    out->tree = frame_string(&rest);
    return request_canonical(out->tree);
}

/* `m`: u8 number of a grant, POINT_FILE or POINT_FOLDER, PATH NUL: where bubblewrap mounts something in a tree. */
static bool check_point(const struct frame *frame)
{
    struct frame rest = {.tag = frame->tag, .length = frame->length - 1, .bytes = frame->bytes + 1};
    return frame->length >= 2 && (frame->bytes[0] < MAX_GRANTS || frame->bytes[0] >= POINT_FILE) &&
           request_canonical(frame_string(&rest));
}

/* `l`: TARGET NUL PATH NUL: a symbolic link in the sandbox's own layer. */
static bool check_link(const struct frame *frame)
{
    const char *target = (const char *)frame->bytes;
    size_t length = strnlen(target, frame->length) + 1;
    if (length == 1 || length >= frame->length)
        return false;
    struct frame rest = {.tag = frame->tag, .length = frame->length - (uint32_t)length, .bytes = frame->bytes + length};
    return request_canonical(frame_string(&rest));
}

/* `M`: u8 index of a scratch folder, then as `m`: a place in that folder. */
static bool check_nested(const struct frame *frame)
{
    struct frame rest = {.tag = frame->tag, .length = frame->length - 1, .bytes = frame->bytes + 1};
    return frame->length >= 3 && frame->bytes[0] < MAX_PLACES && check_point(&rest);
}

/* `x`: an argument of the runtime. */
static bool take_argument(const struct frame *frame, struct request *out)
{
    const char *text = frame_string(frame);
    if (text == NULL || out->argc == MAX_ARGUMENTS)
        return false;
    out->argv[out->argc++] = text;
    return true;
}

/* `w`: PATH NUL CONTENT: a file of a container's own. */
static bool check_contained_file(const struct frame *frame)
{
    const char *path = (const char *)frame->bytes;
    size_t length = strnlen(path, frame->length);
    return length < frame->length && length < NAME_MAX && request_canonical(path) && strncmp(path, "/etc/", 5) == 0;
}

/* `W`: PATH NUL: where a container has a scratch folder; `h`: what of the host's is in the sandbox's own layer, at the same path. */
static bool check_place(const struct frame *frame)
{
    return request_canonical(frame_string(frame));
}

/* `P`: u32 its first process, u32 as whom the job runs, then the id of a container, 64 hexadecimal digits, NUL. */
static bool take_container(const struct frame *frame, struct request *out)
{
    if (out->container != NULL || frame->length != 4 + 4 + 64 + 1 || frame->bytes[frame->length - 1] != 0)
        return false;
    out->first = (pid_t)wire_u32(frame->bytes);
    out->owner = wire_u32(frame->bytes + 4);
    out->container = (const char *)frame->bytes + 8;
    return out->first > 1 && out->owner != 0 && strspn(out->container, "0123456789abcdef") == 64;
}

/* `G`: the first process is gVisor's sentry; u32 its gofer, which has the mounts. */
static bool take_gofer(const struct frame *frame, struct request *out)
{
    if (out->gofer != 0 || frame->length != 4)
        return false;
    out->gofer = (pid_t)wire_u32(frame->bytes);
    return out->gofer > 1;
}

/* `n`: u8 flags, the resolver's IPv4 address, then u16 ports. */
static bool take_network(const struct frame *frame, struct request *out)
{
    if (out->network.wanted || frame->length < 7 || frame->length % 2 == 0 || (frame->length - 5) / 2 > MAX_PORTS)
        return false;
    uint8_t flags = frame->bytes[0];
    out->network.wanted = true;
    out->network.loopback = (flags & NETWORK_LOOPBACK) != 0;
    out->network.by_port = (flags & NETWORK_BY_PORT) != 0;
    out->network.beyond = (flags & (NETWORK_BEYOND | NETWORK_TAP)) != 0;
    out->network.tap = (flags & NETWORK_TAP) != 0;
    memcpy(out->network.resolver, frame->bytes + 1, 4);
    out->network.port_count = (int)((frame->length - 5) / 2);
    for (int i = 0; i < out->network.port_count; i++) {
        const uint8_t *port = frame->bytes + 5 + 2 * i;
        out->network.ports[i] = (uint16_t)(port[0] | port[1] << 8);
        if (out->network.ports[i] == 0)
            return false;
    }
    return flags <= (NETWORK_LOOPBACK | NETWORK_BY_PORT | NETWORK_BEYOND | NETWORK_TAP);
}

/* `t`: u32 uid, u32 gid: the second of each that the worker's user namespace has; then the third, where there is one. */
static bool take_ids(const struct frame *frame, struct request *out)
{
    if (frame->length != 8 && frame->length != 16)
        return false;
    out->second_uid = wire_u32(frame->bytes);
    out->second_gid = wire_u32(frame->bytes + 4);
    out->third_uid = frame->length == 16 ? wire_u32(frame->bytes + 8) : 0;
    out->third_gid = frame->length == 16 ? wire_u32(frame->bytes + 12) : 0;
    return out->second_uid != 0 && out->second_gid != 0 && (frame->length == 8 || (out->third_uid != 0 && out->third_gid != 0));
}

/* `u`: u32 base, and where the sandbox opens a device that is a group's, u32 gid: never root's, whose files are the host's. */
static bool take_own_uid_frame(const struct frame *frame, struct request *out)
{
    out->own_uid = frame->length == 4 || frame->length == 8;
    out->uid_base = out->own_uid ? wire_u32(frame->bytes) : 0;
    out->group = frame->length == 8 ? wire_u32(frame->bytes + 4) : 0;
    if (frame->length == 8 && (out->group == 0 || out->group == UINT32_MAX))
        return false;
    return out->own_uid && out->uid_base >= 65536 && out->uid_base <= UINT32_MAX - (1u << 24);
}

static bool take(const struct frame *frame, struct request *out)
{
    switch (frame->tag) {
    case 'i':
        out->id = frame->length == 4 ? wire_u32(frame->bytes) : 0;
        return out->id != 0;
    case 'u':
        return take_own_uid_frame(frame, out);
    case 'o':
        out->oom_score = frame->length == 4 ? (int)wire_u32(frame->bytes) : -1;
        return out->oom_score >= 0 && out->oom_score <= 1000;
    case 'p':
        out->pinned = frame->length == 8;
        out->first_cpu = out->pinned ? wire_u32(frame->bytes) : 0;
        out->cpu_count = out->pinned ? wire_u32(frame->bytes + 4) : 0;
        return out->pinned && out->cpu_count > 0;
    case 'f':
        out->filter = (const char *)frame->bytes;
        out->filter_size = frame->length;
        return frame->length > 0 && frame->length % 8 == 0;
    case 'a':
        out->args = (const char *)frame->bytes;
        out->args_size = frame->length;
        return frame->length > 0 && frame->bytes[frame->length - 1] == 0;
    case 's':
        return take_scratch(frame, out);
    case 'g':
        return take_grant(frame, out);
    case 'r':
        return take_tree(frame, out);
    case 'm':
        return check_point(frame);
    case 'M':
        return check_nested(frame);
    case 'l':
        return check_link(frame);
    case 'b':
        out->config = (const char *)frame->bytes;
        out->config_size = frame->length;
        return frame->length > 0;
    case 'x':
        return take_argument(frame, out);
    case 't':
        return take_ids(frame, out);
    case 'c':
    case 'C':
        return check_cgroup_write(frame);
    case 'e':
        return check_own_file(frame);
    case 'W':
    case 'h':
        return check_place(frame);
    case 'N': /* what is mounted in such a folder, as `m` */
        return check_point(frame);
    case 'w':
        return check_contained_file(frame);
    case 'P':
        return take_container(frame, out);
    case 'G':
        return take_gofer(frame, out);
    case 'n':
        return take_network(frame, out);
    default:
        return false;
    }
}

bool request_idmaps(const struct request *request)
{
    for (int i = 0; i < request->grant_count; i++)
        if (request->grants[i].idmap)
            return true;
    return false;
}

bool request_networks(const uint8_t *bytes, size_t length)
{
    struct wire wire = {bytes, length};
    struct frame frame;
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'n')
            return true;
    return false;
}

/* False unless every item is known and well formed, and everything that a sandbox can't do without is there. */
bool request_parse(const uint8_t *bytes, size_t length, struct request *out)
{
    memset(out, 0, sizeof *out);
    out->oom_score = -1;
    out->body.at = bytes;
    out->body.left = length;
    struct wire wire = {bytes, length};
    struct frame frame;
    int more;
    while ((more = wire_next(&wire, &frame)) == 1)
        if (!take(&frame, out))
            return false;
    bool bubblewrap = out->args != NULL && out->filter != NULL && out->config == NULL && out->argc == 0;
    bool runtime = out->config != NULL && out->argc > 0 && out->second_uid != 0 && out->args == NULL && out->filter == NULL;
    if (out->container != NULL) /* all else is the engine's */
        return more == 0 && out->id != 0 && out->args == NULL && out->config == NULL && (out->place_count == 0 || out->gofer == 0);
    return more == 0 && out->id != 0 && (bubblewrap || runtime) && out->place_count > 0 && out->scratch_bytes > 0 &&
           out->scratch_inodes > 0;
}
