/* Other processes: seen, signalled, traced, read, written to, slowed down. `parent` is this program's own. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char target = 'x';

/* A number of the host that is its own here, or its parent's, is nobody's: another namespace counts from 1. */
pid_t pid_of(const char *text)
{
    if (strcmp(text, "parent") == 0)
        return getppid();
    pid_t pid = atoi(text);
    return pid == getpid() || pid == getppid() ? 0x3fffffff : pid;
}

static int a_pids(char **args)
{
    (void)args;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return errno;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (atoi(entry->d_name) > 0)
            say_number(atoi(entry->d_name));
    closedir(folder);
    return 0;
}

static int a_signal(char **args)
{
    return result(kill(pid_of(args[0]), atoi(args[1])));
}

static int a_ptrace(char **args)
{
    pid_t pid = pid_of(args[0]);
    if (ptrace(PTRACE_ATTACH, pid, 0, 0) < 0)
        return errno;
    waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return 0;
}

static int a_mem(char **args)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/mem", args[0]);
    int fd = open(path, O_RDWR);
    return fd < 0 ? errno : close(fd), fd < 0 ? errno : 0;
}

static int a_prlimit(char **args)
{
    struct rlimit limit;
    return result(prlimit(pid_of(args[0]), RLIMIT_NOFILE, NULL, &limit));
}

static int a_renice(char **args)
{
    /* the least of all: whoever was started by nice(1) may go on to it, too */
    return result(setpriority(PRIO_PROCESS, (id_t)pid_of(args[0]), 19));
}

static int a_peek(char **args)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {&target, 1};
    return result(process_vm_readv(pid_of(args[0]), &local, 1, &remote, 1, 0));
}

static int a_poke(char **args)
{
    struct iovec local = {&target, 1}, remote = {&target, 1};
    return result(process_vm_writev(pid_of(args[0]), &local, 1, &remote, 1, 0));
}

static int a_seize(char **args)
{
    pid_t pid = pid_of(args[0]);
    int outcome = result(ptrace(PTRACE_SEIZE, pid, 0, 0));
    return outcome; /* a tracer that exits lets go */
}

static int a_traceme(char **args)
{
    (void)args;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(result(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int a_kcmp(char **args)
{
    return result(syscall(SYS_kcmp, getpid(), pid_of(args[0]), KCMP_VM, 0, 0));
}

/* What is read is told: a control can see that it came from where it was aimed. */
static int a_vm_read(char **args)
{
    char bytes[64] = "";
    size_t wanted = args[2][0] != 0 ? strtoul(args[2], NULL, 10) % sizeof bytes : 1;
    struct iovec local = {bytes, wanted}, remote = {(void *)strtoul(args[1], NULL, 16), wanted};
    ssize_t got = process_vm_readv(pid_of(args[0]), &local, 1, &remote, 1, 0);
    if (got > 1)
        say(bytes, (size_t)got);
    return result(got);
}

/* Writes what is there already, where it can be read: nothing is changed. */
static int a_vm_write(char **args)
{
    char byte = 'g'; /* the first letter of each canary */
    struct iovec local = {&byte, 1}, remote = {(void *)strtoul(args[1], NULL, 16), 1};
    return result(process_vm_writev(pid_of(args[0]), &local, 1, &remote, 1, 0));
}

/* A child of its own, to aim at: a kernel may let nobody trace but a parent (Yama). */
static int a_trace_child(char **args)
{
    pid_t child = fork();
    if (child == 0)
        _exit(pause());
    if (child < 0)
        return errno;
    bool seize = strcmp(args[0], "seize") == 0;
    int outcome = result(seize ? ptrace(PTRACE_SEIZE, child, 0, 0) : ptrace(PTRACE_ATTACH, child, 0, 0));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return outcome;
}

static int a_io_priority(char **args)
{
    return result(syscall(SYS_ioprio_set, 1 /* process */, pid_of(args[0]), 2 << 13 | 4));
}

static int a_affinity(char **args)
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) < 0)
        return errno;
    return result(sched_setaffinity(pid_of(args[0]), sizeof all, &all));
}

/* Stays, so that the host can look at it. The word in its arguments is by what it is found. */
static int a_linger(char **args)
{
    struct timespec some = {.tv_nsec = 100000000L * (1 + atol(args[1]) % 60)};
    some.tv_sec = some.tv_nsec / 1000000000L;
    some.tv_nsec %= 1000000000L;
    return result(nanosleep(&some, NULL));
}

const struct attempt processes_attempts[] = {
    {"pids", a_pids},
    {"signal", a_signal},
    {"ptrace", a_ptrace},
    {"mem", a_mem},
    {"prlimit", a_prlimit},
    {"renice", a_renice},
    {"peek", a_peek},
    {"poke", a_poke},
    {"seize", a_seize},
    {"traceme", a_traceme},
    {"kcmp", a_kcmp},
    {"vm-read", a_vm_read},
    {"vm-write", a_vm_write},
    {"trace-child", a_trace_child},
    {"io-priority", a_io_priority},
    {"affinity", a_affinity},
    {"linger", a_linger},
    {NULL, NULL},
};
