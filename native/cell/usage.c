/* What a sandbox used, as its groups say it, and the news that its memory ran out. */
#include "cgroup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* The number after `key` in a "key value" file; the whole file's number when key is NULL. */
static uint64_t number_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file,
                          const char *key)
{
    char text[1024];
    if (cgroup_read_in(base, launcher, sequence, file, text, sizeof text) == 0)
        return 0;
    if (key == NULL)
        return strtoull(text, NULL, 10);
    size_t length = strlen(key);
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length + 1, NULL, 10);
    }
    return 0;
}

void cgroup_read(const struct settings *settings, pid_t launcher, uint32_t sequence, struct cgroup_usage *usage)
{
    memset(usage, 0, sizeof *usage);
    for (int i = 0; i < settings->cgroup_count; i++) {
        const struct cgroup_base *base = &settings->cgroups[i];
        bool unified = cgroup_is_unified(base);
        if (unified || strcmp(base->kind, "memory") == 0) {
            usage->peak_memory =
                number_in(base, launcher, sequence, unified ? "memory.peak" : "memory.max_usage_in_bytes", NULL);
            usage->oom_kills =
                number_in(base, launcher, sequence, unified ? "memory.events" : "memory.oom_control", "oom_kill");
        }
        if (unified)
            usage->cpu_us = number_in(base, launcher, sequence, "cpu.stat", "usage_usec");
        if (unified || strcmp(base->kind, "pids") == 0)
            usage->fork_refusals = number_in(base, launcher, sequence, "pids.events", "max");
    }
}

static int open_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file, int flags)
{
    char folder[PATH_MAX - 80], path[PATH_MAX];
    cgroup_folder(folder, sizeof folder, base, launcher, sequence);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

/*
 * A descriptor that becomes readable when the kernel has run out of the sandbox's memory; -1 where there is none
 * (v2 needs none: memory.oom.group ends the whole sandbox at once).
 */
int cgroup_watch_oom(const struct settings *settings, pid_t launcher, uint32_t sequence)
{
    for (int i = 0; i < settings->cgroup_count; i++) {
        const struct cgroup_base *base = &settings->cgroups[i];
        if (strcmp(base->kind, "memory") != 0)
            continue;
        int control = open_in(base, launcher, sequence, "memory.oom_control", O_RDONLY);
        int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        char line[64];
        snprintf(line, sizeof line, "%d %d", event, control);
        bool watched = control >= 0 && event >= 0 &&
                       cgroup_write_in(base, launcher, sequence, "cgroup.event_control", line) == 0;
        if (control >= 0)
            close(control);
        if (watched)
            return event;
        if (event >= 0)
            close(event);
    }
    return -1;
}
