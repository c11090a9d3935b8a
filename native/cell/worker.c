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
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEYCTL_JOIN_SESSION_KEYRING 1

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

/*
 * core(5): a limit of 0 does not stop the program that a piped core_pattern names, which the kernel starts on the host and
 * gives the job's memory; 1 does, and is too little for a file. A caller whose own hard limit is 0 can't set 1.
 */
static void no_core_dumps(void)
{
    struct rlimit one = {1, 1}, none = {0, 0};
    char first = 0;
    if (setrlimit(RLIMIT_CORE, &one) == 0)
        return;
    int pattern = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    bool known = pattern >= 0 && read(pattern, &first, 1) == 1;
    if (pattern >= 0)
        close(pattern);
    errno = EPERM;
    if (!known || first == '|' || first == '@' || setrlimit(RLIMIT_CORE, &none) < 0)
        fail("core-dumps", "a handler would be given them");
}

/* What a process inherits without being asked. Best effort where the kernel lacks the thing itself. */
static void inherit_nothing(void)
{
    for (int number = 1; number < NSIG && WALL("default-signals"); number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(0);
    personality(0);
    setpriority(PRIO_PROCESS, 0, 0);
    struct sched_param plain = {0};
    sched_setscheduler(0, SCHED_OTHER, &plain);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1)); /* served last */
    if (WALL("own-keyring"))
        syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    /* the policy's own limits come later; of these it has none, and a caller's would end jobs at random */
    static const int callers[] = {RLIMIT_CPU, RLIMIT_AS, RLIMIT_RSS, RLIMIT_DATA, RLIMIT_RTTIME};
    for (size_t i = 0; i < sizeof callers / sizeof *callers && WALL("reset-limits"); i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        if (setrlimit(callers[i], &limit) < 0 && getrlimit(callers[i], &limit) == 0) {
            limit.rlim_cur = limit.rlim_max; /* not root: as far as it goes */
            setrlimit(callers[i], &limit);
        }
    }
    if (WALL("no-core-dumps"))
        no_core_dumps();
    if (chdir("/") < 0)
        fail("inherit", "nothing");
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

static void write_own(const char *step, const char *path, const char *text)
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
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        fail("own-uid", "setresuid");
    if (prctl(PR_SET_DUMPABLE, 1) < 0) /* else /proc/self/setgroups is not ours */
        fail("own-uid", "dumpable");
}

static void enter_namespaces(void)
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
static void make_channels(const struct settings *settings, uint32_t id, int inside[4])
{
    int control[2], in[2], out[2], err[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0 || pipe2(in, O_CLOEXEC) < 0 ||
        pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        fail("channel", "pipe");
    hand_over(settings->ipc, id, "control", "", control[0]);
    hand_over(settings->ipc, id, "stdin", "", in[1]);
    hand_over(settings->ipc, id, "stdout", "", out[0]);
    hand_over(settings->ipc, id, "stderr", "", err[0]);
    inside[0] = control[1];
    inside[1] = in[0];
    inside[2] = out[1];
    inside[3] = err[1];
}

static int memory_file(const char *name, const char *bytes, size_t size)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        fail("memory-file", name);
    return fd;
}

static void place_descriptors(const int sources[], const int targets[], int count)
{
    int parked[16];
    for (int i = 0; i < count; i++)
        if ((parked[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, 64)) < 0)
            fail("descriptors", "park");
    for (int i = 0; i < count; i++)
        if (dup2(parked[i], targets[i]) < 0)
            fail("descriptors", "place");
    if (WALL("closed-descriptors") && close_range(FD_FIRST_FREE, ~0u, 0) < 0)
        fail("descriptors", "close");
}

_Noreturn void worker_main(const struct settings *settings, pid_t launcher, uint32_t sequence, int requests, int heard,
                           bool joined)
{
    struct request request;
    int inside[4];
    die_with(launcher);
    inherit_nothing();
    if (!joined && cgroup_join(settings, launcher, sequence) < 0)
        fail("cgroup", "join");

    await_request(requests, &request);
    cgroup_apply(settings, launcher, sequence, &request);
    set_oom_score(&request);
    pin(&request);
    bool staged = request.own_uid && (request_idmaps(&request) || request.tree_as_root);
    if (staged)
        stage_as_root(&request);
    if (request.own_uid)
        take_own_uid(&request);
    die_with(launcher); /* taking another uid had cleared it */
    make_channels(settings, request.id, inside);
    enter_namespaces();
    if (request.network.wanted)
        network_make(settings, &request, requests);
    stage_in_namespace(&request, staged);

    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int sources[] = {null,      null,      2,         inside[0], inside[1], inside[2], inside[3], settings->agent,
                     memory_file("filter", request.filter, request.filter_size),
                     memory_file("args", request.args, request.args_size), 2, heard};
    int targets[] = {0,         1,         2,        FD_CONTROL, FD_STDIN, FD_STDOUT, FD_STDERR, FD_AGENT,
                     FD_FILTER, FD_ARGS,   FD_INFO, FD_HEARD};
    place_descriptors(sources, targets, (int)(sizeof sources / sizeof *sources));
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
    execve(settings->bwrap, argv, WALL("empty-environment") ? nothing : environ);
    fail("exec", settings->bwrap);
}
