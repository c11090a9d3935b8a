/* Other processes, by a descriptor of theirs; and namespaces, joined and made. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int a_pidfd_getfd(char **args)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid_of(args[0]), 0);
    return pidfd < 0 ? errno : result(syscall(SYS_pidfd_getfd, pidfd, atoi(args[1]), 0));
}

static int with_pidfd(const char *pid, int (*use)(int pidfd, long how), long how)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid_of(pid), 0);
    return pidfd < 0 ? errno : use(pidfd, how);
}

static int steal(int pidfd, long fd)
{
    return result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

static int a_steal_fd(char **args)
{
    return with_pidfd(args[0], steal, atol(args[1]));
}

static int join_by_pidfd(int pidfd, long flags)
{
    return result(setns(pidfd, (int)flags));
}

static int a_setns_pidfd(char **args)
{
    return with_pidfd(args[0], join_by_pidfd, strtol(args[1], NULL, 16));
}

static char target;

static int advise(int pidfd, long address)
{
    struct iovec range = {(void *)(address & ~4095L), 4096};
    return result(syscall(SYS_process_madvise, pidfd, &range, 1, MADV_COLD, 0));
}

static int a_process_madvise(char **args)
{
    long address = strtol(args[1], NULL, 16);
    return with_pidfd(args[0], advise, address != 0 ? address : (long)&target);
}

static int a_setns(char **args)
{
    int fd = open(args[0], O_RDONLY);
    return fd < 0 ? errno : result(setns(fd, 0));
}

static int a_unshare(char **args)
{
    return result(unshare((int)strtol(args[0], NULL, 16)));
}

static int a_clone(char **args)
{
    long pid = syscall(SYS_clone, strtoul(args[0], NULL, 16) | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int a_clone3(char **args)
{
    struct clone_args how = {.flags = strtoull(args[0], NULL, 16), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &how, sizeof how);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

const struct attempt pidfds_attempts[] = {
    {"pidfd-getfd", a_pidfd_getfd},
    {"steal-fd", a_steal_fd},
    {"setns-pidfd", a_setns_pidfd},
    {"process-madvise", a_process_madvise},
    {"setns", a_setns},
    {"unshare", a_unshare},
    {"clone", a_clone},
    {"clone3", a_clone3},
    {NULL, NULL},
};
