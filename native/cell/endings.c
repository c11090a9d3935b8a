/* What is done when a sandbox is over: nothing of it is left when Node hears so. */
#include "launcher.h"
#include "../walls.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void reap(void)
{
    int status;
    struct rusage usage;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;)
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
            if (each->worker == pid && !each->exited) {
                each->exited = true;
                each->status = status;
                each->usage = usage;
            }
}

/* bubblewrap may die before its child: a subreaper, we then wait for that one ourselves. */
static bool agent_gone(struct sandbox *sandbox)
{
    if (sandbox->agent < 0)
        return !kill_orphans();
    struct pollfd end = {.fd = sandbox->agent, .events = POLLIN};
    if (poll(&end, 1, 0) == 1)
        return true;
    syscall(SYS_pidfd_send_signal, sandbox->agent, SIGKILL, NULL, 0);
    return false;
}

static size_t escape(char *out, const char *text, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            used += (size_t)sprintf(out + used, "\\u%04x", byte);
        else
            out[used++] = (char)byte;
    }
    out[used] = 0;
    return used;
}

static void report(struct sandbox *sandbox, const char *event, const struct cgroup_usage *usage)
{
    static char text[6 * MAX_TEXT + 1], datagrams[DATAGRAMS_JSON], line[6 * MAX_TEXT + DATAGRAMS_JSON + 512];
    const struct rusage *times = &sandbox->usage;
    long long waited_us = (times->ru_utime.tv_sec + times->ru_stime.tv_sec) * 1000000LL + times->ru_utime.tv_usec +
                          times->ru_stime.tv_usec;
    long long cpu_us = (long long)usage->cpu_us > waited_us ? (long long)usage->cpu_us : waited_us;
    escape(text, sandbox->text, sandbox->text_length);
    datagrams_write(&sandbox->datagrams, datagrams);
    snprintf(line, sizeof line,
             "{\"id\":%u,\"event\":\"%s\",\"status\":%d,\"killed\":%s,\"cpuUs\":%lld,\"maxRssBytes\":%lld,"
             "\"peakMemoryBytes\":%llu,\"oomKills\":%llu,\"forkRefusals\":%llu,\"datagrams\":%s,\"datagramsOmitted\":%llu,\"text\":\"%s\"}\n",
             sandbox->id, event, sandbox->status, sandbox->killed ? "true" : "false", cpu_us,
             times->ru_maxrss * 1024LL, (unsigned long long)usage->peak_memory,
             (unsigned long long)usage->oom_kills, (unsigned long long)usage->fork_refusals, datagrams,
             (unsigned long long)sandbox->datagrams.omitted, text);
    node_gone = !ipc_send(settings->ipc, line, -1) || node_gone;
}

/* What it has used until now. */
void report_used(struct sandbox *sandbox)
{
    struct cgroup_usage usage;
    read_log(sandbox);
    cgroup_read(settings, self, sandbox->sequence, &usage);
    report(sandbox, "used", &usage);
}

/* True when nothing of it is left and that was said. */
static bool bury(struct sandbox *sandbox)
{
    struct cgroup_usage usage;
    if (sandbox->errors >= 0)
        read_errors(sandbox);
    if (WALL("launcher-waits") && !agent_gone(sandbox))
        return false;
    read_log(sandbox); /* nobody is left to send more */
    cgroup_read(settings, self, sandbox->sequence, &usage);
    if (WALL("cgroup-removed") && cgroup_remove(settings, self, sandbox->sequence) < 0) {
        cgroup_kill(settings, self, sandbox->sequence);
        if (cgroup_remove(settings, self, sandbox->sequence) < 0)
            return false;
    }
    if (sandbox->id != 0 && !node_gone)
        report(sandbox, "ended", &usage);
    const int owned[] = {sandbox->requests, sandbox->errors, sandbox->log, sandbox->oom, sandbox->agent};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (owned[i] >= 0)
            close(owned[i]);
    return true;
}

/* True while some ended sandbox still waits for the kernel to let go of it. */
bool bury_the_dead(void)
{
    bool waiting = false;
    for (struct sandbox **link = &sandboxes; *link != NULL;) {
        struct sandbox *each = *link;
        if (!each->exited || !bury(each)) {
            waiting = waiting || each->exited;
            link = &each->next;
            continue;
        }
        *link = each->next;
        served = served || (settings->single && each->id != 0);
        spares_fail = each->id == 0;
        sandbox_count--;
        free(each);
    }
    return waiting;
}
