/* Where a control is tried, if not simply beside the sandbox. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return done;
}

/* Root of a user namespace of its own; nothing that it mounts or names is seen outside. */
bool become_privileged(void)
{
    char uids[32], gids[32];
    snprintf(uids, sizeof uids, "0 %u 1", (unsigned)geteuid());
    snprintf(gids, sizeof gids, "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP) < 0)
        return false;
    return write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", uids) &&
           write_file("/proc/self/gid_map", gids) && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* One who hands on all that it has: an open file, also as standard input, signals, a umask, a priority, limits, a folder. */
bool become_careless(void)
{
    sigset_t some;
    struct rlimit minutes = {900, RLIM_INFINITY}, hard;
    int file = memfd_create("left-open", 0);
    if (getrlimit(RLIMIT_CPU, &hard) < 0 || file < 0 || dup2(file, 0) < 0 || dup2(file, 9) < 0)
        return false;
    minutes.rlim_max = hard.rlim_max;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR1);
    umask(0);
    write_file("/proc/self/oom_score_adj", "500");
    return signal(SIGPIPE, SIG_IGN) != SIG_ERR && sigprocmask(SIG_BLOCK, &some, NULL) == 0 && chdir("/proc") == 0 &&
           setpriority(PRIO_PROCESS, 0, 15) == 0 && setrlimit(RLIMIT_CPU, &minutes) == 0;
}
