/*
 * Where an engine makes the wall: the container runs already, and its first process waits to be told what to do. The worker holds on
 * to that process, makes the sandbox's network in its namespace, and from then on only waits: for its end, or for the
 * launcher's, which ends it. An engine that is killed leaves its containers running; this does not.
 */
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IPV6_OFF "/proc/sys/net/ipv6/conf/lo/disable_ipv6"

static bool has_ended(int held, int timeout_ms)
{
    struct pollfd end = {.fd = held, .events = POLLIN};
    return poll(&end, 1, timeout_ms) != 0;
}

/* By its cgroup, whose name is the container's whole id, with every driver that an engine has. */
static bool is_of(pid_t pid, const char *container)
{
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[got > 0 ? got : 0] = 0;
    return strstr(text, container) != NULL;
}

/* A process id is a name that others get: what is held is what had it while it was looked at. */
int hold_process(const struct request *request, pid_t pid)
{
    int held = (int)syscall(SYS_pidfd_open, pid, 0);
    if (held < 0)
        fail("container", "its first process");
    bool ours = is_of(pid, request->container);
    if (!ours || has_ended(held, 0)) {
        errno = ESRCH;
        fail("container", ours ? "it has ended" : "its first process is not in this pid namespace");
    }
    return held;
}

/* Engines switch it off where a container has no network of theirs. The name is of whoever opens it: this process, in that namespace. */
static void allow_ipv6(void)
{
    if (access(IPV6_OFF, F_OK) == 0)
        write_own("network", IPV6_OFF, "0");
}

static int signals_of(int number)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    if (sigprocmask(SIG_BLOCK, &one, NULL) < 0)
        fail("container", "signals");
    int made = signalfd(-1, &one, SFD_CLOEXEC);
    if (made < 0)
        fail("container", "signals");
    return made;
}

/* Node learns by `control` that the container is held; nothing is ever said there. */
static int say_held(const struct settings *settings, uint32_t id)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        fail("channel", "control");
    hand_over(settings->ipc, id, "control", "", pair[0]);
    return pair[1];
}

_Noreturn void container_hold(const struct settings *settings, const struct request *request, pid_t launcher, int requests)
{
    int signals = signals_of(SIGTERM);
    int held = hold_process(request, request->first);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
        fail("lifeline", "parent-death signal");
    bool over = getppid() != launcher;
    if (!over && request->network.wanted && request->network.beyond) {
        /* the gateway's is nobody's; the container's has one link to it */
        if (unshare(CLONE_NEWNET) < 0)
            fail("container", "a network namespace");
        network_make(settings, request, requests, held);
    } else if (!over && request->network.wanted) {
        if (setns(held, CLONE_NEWNET) < 0)
            fail("container", "its network namespace");
        allow_ipv6();
        network_make(settings, request, requests, -1);
    }
    if (!over) {
        if (request->gofer != 0)
            gofer_mounts(request);
        else if (request->place_count > 0) /* else all that there is of it is its network */
            container_mounts(request, held);
        (void)say_held(settings, request->id);
    }
    (void)prctl(PR_SET_NAME, "cell: waits"); /* ps(1) tells it from a launcher */
    struct pollfd watched[] = {{.fd = held, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    while (!over && watched[0].revents == 0 && watched[1].revents == 0)
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            over = true;
    /* whatever it was: when this process ends, nothing of the container runs */
    (void)syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0);
    while (!has_ended(held, -1))
        continue;
    _exit(0);
}
