/*
 * One sandbox's start. The worker is prepared before a request comes (in its cgroups, nothing inherited), reads
 * one request, and becomes bubblewrap. As root it first takes the sandbox's own uid; from then on root and an
 * ordinary user take the same way.
 */
#include "cell.h"
#include "../walls.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Standard error is a pipe to the launcher: the line reaches the caller as the reason of a failed start. */
_Noreturn void fail(const char *step, const char *detail)
{
    int error = errno;
    dprintf(2, "cell: %s: %s: %d: %s\n", step, detail, error, strerror(error));
    _exit(1);
}

static void die_with(pid_t launcher)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail("lifeline", "parent-death signal");
    if (getppid() != launcher)
        _exit(1);
}

/* `requests` stays open: a network is told of there. */
static void await_request(int requests, struct request *request)
{
    uint8_t header[4];
    if (!wire_read(requests, header, sizeof header))
        _exit(0); /* the launcher is gone, or needs no worker any more */
    uint32_t length = wire_u32(header);
    uint8_t *bytes = length <= MAX_REQUEST ? malloc(length) : NULL;
    if (bytes == NULL || !wire_read(requests, bytes, length) || !request_parse(bytes, length, request)) {
        errno = EBADMSG;
        fail("request", "malformed");
    }
    if (!request->network.wanted)
        close(requests);
}

void write_own(const char *step, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail(step, path);
    close(fd);
}

static void set_oom_score(const struct request *request)
{
    char text[16];
    if (request->oom_score < 0)
        return;
    snprintf(text, sizeof text, "%d", request->oom_score);
    write_own("oom-score", "/proc/self/oom_score_adj", text);
}

static void pin(const struct request *request)
{
    cpu_set_t allowed, chosen;
    int online[CPU_SETSIZE], count = 0;
    if (!request->pinned)
        return;
    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        fail("pin", "affinity");
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed))
            online[count++] = cpu;
    CPU_ZERO(&chosen);
    for (uint32_t i = 0; i < request->cpu_count && i < (uint32_t)count; i++)
        CPU_SET(online[(request->first_cpu + i) % (uint32_t)count], &chosen);
    if (sched_setaffinity(0, sizeof chosen, &chosen) < 0)
        fail("pin", "affinity");
}

/* The uid is the worker's pid above a base: unique while the sandbox lives, with nothing to keep or clean up. */
static void take_own_uid(const struct request *request)
{
    uid_t uid = (uid_t)(request->uid_base + (uint32_t)getpid());
    if (setgroups(request->group != 0, &request->group) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        fail("own-uid", "setresuid");
    if (prctl(PR_SET_DUMPABLE, 1) < 0) /* else /proc/self/setgroups is not ours */
        fail("own-uid", "dumpable");
}

/* `mapper`: who maps two ids; NULL: the worker maps its own */
static void enter_namespaces(struct mapper *mapper)
{
    char map[32];
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int network = WALL("network-namespace") ? CLONE_NEWNET : 0, names = WALL("uts-namespace") ? CLONE_NEWUTS : 0;
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | network | names) < 0)
        fail("namespaces", "unshare");
    /* bubblewrap gives the sandbox a host name; its NIS domain would still be the host's */
    if (names != 0 && setdomainname("(none)", 6) < 0)
        fail("namespaces", "domain");
    if (mapper != NULL) {
        oci_map(mapper);
        return;
    }
    write_own("namespaces", "/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", (unsigned)uid);
    write_own("namespaces", "/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", (unsigned)gid);
    write_own("namespaces", "/proc/self/gid_map", map);
}

void hand_over(int ipc, uint32_t id, const char *end, const char *more, int handle)
{
    char line[224];
    int flags = fcntl(handle, F_GETFL);
    if (flags < 0 || fcntl(handle, F_SETFL, flags | O_NONBLOCK) < 0)
        fail("channel", end);
    snprintf(line, sizeof line,
             "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":{\"id\":%u,\"end\":\"%s\"%s}}\n", id, end, more);
    if (!ipc_send(ipc, line, handle))
        _exit(0);
    close(handle);
}

/* Made after the uid was taken: the job owns its pipes, so it may reopen /dev/stdout, and nothing else. */
static void make_channels(struct channels *made)
{
    int control[2], in[2], out[2], err[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0 || pipe2(in, O_CLOEXEC) < 0 ||
        pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        fail("channel", "pipe");
    *made = (struct channels){.inside = {control[1], in[0], out[1], err[1]},
                              .outside = {control[0], in[1], out[0], err[0]}};
}

void channels_hand_over(const struct settings *settings, uint32_t id, const struct channels *channels)
{
    static const char *const ends[] = {"control", "stdin", "stdout", "stderr"};
    for (int i = 0; i < 4; i++)
        hand_over(settings->ipc, id, ends[i], "", channels->outside[i]);
}

static int memory_file(const char *name, const char *bytes, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        fail("memory-file", name);
    return fd;
}

void place_descriptors(const int sources[], const int targets[], int count, unsigned first_free)
{
    int parked[16];
    for (int i = 0; i < count; i++)
        if ((parked[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 64)) < 0)
            fail("descriptors", "park");
    for (int i = 0; i < count; i++)
        if (dup2(parked[i], targets[i]) < 0)
            fail("descriptors", "place");
    if (WALL("closed-descriptors") && close_range(first_free, ~0u, 0) < 0)
        fail("descriptors", "close");
}

_Noreturn void worker_main(const struct settings *settings, pid_t launcher, uint32_t sequence, int requests, int heard,
                           bool joined)
{
    struct request request;
    struct channels channels;
    struct cgroup_writes limits;
    struct mapper mapper;
    die_with(launcher);
    inherit_nothing();
    if (!joined && cgroup_join(settings, launcher, sequence) < 0)
        fail("cgroup", "join");

    await_request(requests, &request);
    bool oci = request.config != NULL;
    if (oci != settings->oci || (request.container != NULL) != settings->engine) {
        errno = EBADMSG;
        fail("request", "for another program");
    }
    if (settings->engine)
        container_hold(settings, &request, launcher, requests);
    cgroup_open_limits(settings, launcher, sequence, &request, &limits);
    if (!oci)
        cgroup_set_limits(&limits);
    set_oom_score(&request);
    pin(&request);
    bool staged = request.own_uid && (request_idmaps(&request) || request.tree_as_root);
    if (staged)
        stage_as_root(&request);
    if (oci)
        oci_start_mapper(settings, &request, &mapper);
    if (request.own_uid)
        take_own_uid(&request);
    die_with(launcher); /* taking another uid had cleared it */
    if (!settings->sentry)
        make_channels(&channels);
    if (!oci)
        channels_hand_over(settings, request.id, &channels);
    enter_namespaces(oci ? &mapper : NULL);
    if (request.network.wanted)
        network_make(settings, &request, requests, -1);
    stage_in_namespace(settings, &request, staged);
    if (oci) {
        oci_bundle(settings, &request);
        if (settings->sentry)
            sentry_run(settings, &request, &limits);
        oci_run(settings, &request, &channels, &limits);
    }

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int sources[] = {null,      null,      2,         channels.inside[0], channels.inside[1], channels.inside[2], channels.inside[3],
                     settings->agent,
                     memory_file("filter", request.filter, request.filter_size),
                     memory_file("args", request.args, request.args_size), 2, heard};
    int targets[] = {0,         1,         2,        FD_CONTROL, FD_STDIN, FD_STDOUT, FD_STDERR, FD_AGENT,
                     FD_FILTER, FD_ARGS,   FD_INFO, FD_HEARD};
    place_descriptors(sources, targets, (int)(sizeof sources / sizeof *sources), FD_FIRST_FREE);
    /*
     * From here on it must not die halfway: bubblewrap's child waits without end for a bubblewrap that dies before it has
     * mapped the child's ids. When the launcher or Node goes now, the agent finds its lifeline closed as soon as it runs.
     * FD_HEARD is for the same reason.
     */
    if (prctl(PR_SET_PDEATHSIG, 0) < 0)
        fail("lifeline", "parent-death signal");
#ifdef GLOVEBOX_MUTABLE
    char *argv[] = {"bwrap", "--args", "9", "--", "/proc/self/fd/7", "--without", strdup(walls_without), NULL};
#else
    char *argv[] = {"bwrap", "--args", "9", "--", "/proc/self/fd/7", NULL};
#endif
    char *nothing[] = {NULL};
    execve(settings->wall, argv, WALL("empty-environment") ? nothing : environ);
    fail("exec", settings->wall);
}
