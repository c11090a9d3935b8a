/* What a sandbox's groups are limited to, as its request says. */
#include "cgroup.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The limits themselves, as the request names them. Any that can't be set stops the start. Opened by who may, and set when
 * they are to hold: a runtime is larger than what it starts.
 */
void cgroup_open_limits(const struct settings *settings, pid_t launcher, uint32_t sequence, const struct request *request,
                        struct cgroup_writes *out)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    char folder[PATH_MAX], path[PATH_MAX];
    out->count = 0;
    while (wire_next(&wire, &frame) == 1) {
        if (frame.tag != 'c' && frame.tag != 'C')
            continue;
        const char *name = (const char *)frame.bytes + 1;
        errno = ENOENT;
        if (frame.bytes[0] >= settings->cgroup_count || out->count == MAX_CGROUP_WRITES)
            fail("cgroup", name);
        cgroup_folder(folder, sizeof folder, &settings->cgroups[frame.bytes[0]], launcher, sequence);
        snprintf(path, sizeof path, "%.3500s/%s", folder, name);
        int file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
        if (file < 0 && frame.tag == 'C' && errno == ENOENT)
            continue;
        if (file < 0)
            fail("cgroup", name);
        out->each[out->count].file = file;
        out->each[out->count].name = name;
        out->each[out->count++].value = name + strlen(name) + 1;
    }
}

void cgroup_set_limits(struct cgroup_writes *writes)
{
    for (int i = 0; i < writes->count; i++) {
        const char *value = writes->each[i].value;
        if (write(writes->each[i].file, value, strlen(value)) != (ssize_t)strlen(value))
            fail("cgroup", writes->each[i].name);
        close(writes->each[i].file);
    }
    writes->count = 0;
}
