/* The agent's end, and what the host is told of it. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long an agent on which the host hung up may take to end, and a host that has heard all to close the port; ms. */
#define LEAVE_MS 2000
#define LINGER_MS 1000
#define USAGE_BYTES 28

static char group[MAX_TEXT];

static int open_group(const char *name, int flags)
{
    char path[MAX_TEXT + 64];
    snprintf(path, sizeof path, "%s/%s", group, name);
    return open(path, flags | O_CLOEXEC);
}

/* Everything in it, whatever namespaces it made. */
static void kill_group(void)
{
    int file = open_group("cgroup.kill", O_WRONLY);
    if (file < 0)
        return;
    (void)!write(file, "1", 1);
    close(file);
}

/* The number after `key`, which begins a line; or the first of all. 0: there is none. */
static uint64_t number_of(const char *name, const char *key)
{
    char text[4096];
    int file = group[0] == 0 ? -1 : open_group(name, O_RDONLY);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    if (got <= 0)
        return 0;
    text[got] = 0;
    size_t length = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0)
            return strtoull(line + length, NULL, 10);
        if (*line == 0)
            break;
    }
    return 0;
}

static uint32_t small(uint64_t number)
{
    return number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

static int ended(struct started *agent)
{
    int status = 0;
    if (!port_wait(agent->pidfd, LEAVE_MS))
        syscall(SYS_pidfd_send_signal, agent->pidfd, SIGKILL, NULL, 0);
    if (group[0] != 0)
        kill_group();
    (void)port_wait(agent->pidfd, -1);
    while (waitpid(agent->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Of the agent's cgroup, where it has one. */
void account(const char *cgroup)
{
    if (cgroup != NULL)
        snprintf(group, sizeof group, "%s", cgroup);
}

static void put_usage(uint8_t *news, uint32_t status)
{
    wire_put_u32(news, status);
    wire_put_u64(news + 4, number_of("cpu.stat", "usage_usec "));
    wire_put_u64(news + 12, number_of("memory.peak", ""));
    wire_put_u32(news + 20, small(number_of("memory.events", "oom_kill ")));
    wire_put_u32(news + 24, small(number_of("pids.events", "max ")));
}

/* `u`: what it has used until now. */
void say_used(void)
{
    uint8_t news[USAGE_BYTES];
    put_usage(news, 0);
    port_say('u', news, sizeof news);
}

_Noreturn void end(struct started *agent)
{
    static uint8_t news[USAGE_BYTES + MAX_TEXT];
    close(agent->socket);
    int status = ended(agent);
    while (hear_errors(agent->errors)) /* nobody is left who could write more */
        continue;
    put_usage(news, (uint32_t)status);
    memcpy(news + USAGE_BYTES, complaints, complaint_bytes);
    port_say('n', news, USAGE_BYTES + complaint_bytes);
    (void)port_wait(-1, LINGER_MS);
    power_off();
}
