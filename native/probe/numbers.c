/* More than a limit allows: processors, processes, descriptors, output, core dumps. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 256, STACK = 64 << 10 };

/* ---- processors */

static long long clock_ns(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long spin_until;

static void *spin(void *ignored)
{
    while (clock_ns(CLOCK_MONOTONIC) < spin_until)
        for (volatile int i = 0; i < 20000; i++)
            continue;
    return ignored;
}

/* Each on a small stack, so that their number is bounded by nothing but a limit on processes. */
static int start_threads(long count, pthread_t *threads, void *(*body)(void *))
{
    pthread_attr_t small;
    int error = 0, made = 0;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    while (made < count && made < MAX_THREADS && (error = pthread_create(&threads[made], &small, body, NULL)) == 0)
        made++;
    pthread_attr_destroy(&small);
    errno = error;
    return made;
}

/* THREADS, ms: says how many hundredths of a processor this process had. Those that can't be made are not missed. */
static int n_spin(char **args)
{
    static pthread_t threads[MAX_THREADS];
    long long begin = clock_ns(CLOCK_MONOTONIC), used = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    spin_until = begin + atol(args[1]) * 1000000LL;
    int made = start_threads(atol(args[0]) - 1, threads, spin);
    spin(NULL);
    for (int i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
    say_number((long)(used * 100 / (clock_ns(CLOCK_MONOTONIC) - begin)));
    return 0;
}

/* WHICH: says on how many processors this process may run, `mine`: now; `all`: after it has asked for all of them. */
static int n_affinity(char **args)
{
    static cpu_set_t set[64]; /* more than any kernel has */
    if (strcmp(args[0], "all") == 0) {
        memset(set, 0xff, sizeof set);
        if (sched_setaffinity(0, sizeof set, set) < 0)
            return errno;
    }
    if (sched_getaffinity(0, sizeof set, set) < 0)
        return errno;
    say_number(CPU_COUNT_S(sizeof set, set));
    return 0;
}

/* ---- processes */

static int forks(long count)
{
    int made = 0;
    for (pid_t pid; made < count && (pid = fork()) >= 0; made++)
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
    int error = errno;
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM); /* a process group of its own, see n_together */
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    errno = error;
    return made;
}

static void *wait_for_end(void *ignored)
{
    for (;;)
        pause();
    return ignored;
}

static int threads(long count)
{
    static pthread_t made[MAX_THREADS];
    return start_threads(count, made, wait_for_end);
}

/* Each is its parent's memory, and its parent waits until it is over: all of them are there at once. */
static volatile int chained, chain_error;

static void chain(long left)
{
    pid_t pid = left == 0 ? 0 : vfork();
    if (pid > 0 || left == 0)
        return;
    if (pid < 0) {
        chain_error = errno;
        return;
    }
    chained++;
    chain(left - 1);
    _exit(0);
}

/* KIND, how many: says how many processes or threads there were at once, this one counted, and the first of the program. */
static int n_together(char **args)
{
    long count = atol(args[1]) - 2;
    int made = 0, error;
    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL);
    if (strcmp(args[0], "forks") == 0)
        made = forks(count);
    else if (strcmp(args[0], "threads") == 0)
        made = threads(count);
    else {
        chain(count);
        made = chained;
        errno = chain_error;
    }
    error = errno;
    say_number(made + 2);
    return made < count ? (error != 0 ? error : EAGAIN) : 0;
}

/* ---- descriptors */

/* HOW, how many: `open` opens so many, `high` asks for the number itself, `raise` asks for the limit first. */
static int n_descriptors(char **args)
{
    long wanted = atol(args[1]);
    struct rlimit limit = {(rlim_t)wanted + 64, (rlim_t)wanted + 64}, now;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0)
        return errno;
    /* what a program may always do: up to the hard limit */
    limit.rlim_max = now.rlim_max > limit.rlim_max ? now.rlim_max : limit.rlim_max;
    if (strcmp(args[0], "raise") == 0 && prlimit(0, RLIMIT_NOFILE, &limit, NULL) < 0)
        return errno;
    now.rlim_cur = now.rlim_max < limit.rlim_cur ? now.rlim_max : limit.rlim_cur;
    if (strcmp(args[0], "raise") != 0 && setrlimit(RLIMIT_NOFILE, &now) < 0)
        return errno;
    if (strcmp(args[0], "high") == 0)
        return dup2(1, (int)wanted) < 0 ? errno : 0;
    for (long held = 0; held < wanted; held++)
        if (open("/dev/null", O_RDONLY) < 0)
            return errno;
    return 0;
}

/* RESOURCE, soft, hard; `max` is no limit at all. */
static int n_set_rlimit(char **args)
{
    struct rlimit limit = {strcmp(args[1], "max") == 0 ? RLIM_INFINITY : strtoul(args[1], NULL, 10),
                           strcmp(args[2], "max") == 0 ? RLIM_INFINITY : strtoul(args[2], NULL, 10)};
    return result(setrlimit(atoi(args[0]), &limit));
}

/* The same by the call of that name: the C library asks by prlimit64. */
static int n_set_rlimit_raw(char **args)
{
    struct rlimit limit = {strtoul(args[1], NULL, 10), strtoul(args[2], NULL, 10)};
    return result((int)syscall(SYS_setrlimit, atoi(args[0]), &limit));
}

/* ---- output */

/* DESCRIPTOR, bytes; or `both`, standard output and error by turns */
static int n_flood(char **args)
{
    static char block[65536];
    bool both = strcmp(args[0], "both") == 0;
    long left = atol(args[1]);
    memset(block, 'o', sizeof block);
    for (int turn = 0; left > 0; turn++) {
        int fd = both ? 1 + turn % 2 : atoi(args[0]);
        ssize_t done = write(fd, block, left < (long)sizeof block ? (size_t)left : sizeof block);
        if (done < 0)
            return errno;
        left -= done;
    }
    return 0;
}

/* ---- core dumps */

/* FOLDER: crashes in it. `ok` when the kernel says that it dumped, to a file or to a program that the host starts. */
static int n_crash(char **args)
{
    struct rlimit limit;
    int status;
    if (chdir(args[0]) < 0)
        return errno;
    pid_t pid = fork();
    if (pid < 0)
        return errno;
    if (pid == 0) {
        if (getrlimit(RLIMIT_CORE, &limit) == 0) {
            limit.rlim_cur = limit.rlim_max;
            setrlimit(RLIMIT_CORE, &limit);
        }
        signal(SIGABRT, SIG_DFL);
        prctl(PR_SET_DUMPABLE, 1);
        abort();
    }
    waitpid(pid, &status, 0);
    unlink("core");
    char name[32];
    snprintf(name, sizeof name, "core.%d", (int)pid);
    unlink(name);
    return WCOREDUMP(status) ? 0 : ENODATA;
}

const struct attempt number_attempts[] = {
    {"spin", n_spin},
    {"processors", n_affinity},
    {"together", n_together},
    {"descriptors", n_descriptors},
    {"set-rlimit", n_set_rlimit},
    {"set-rlimit-raw", n_set_rlimit_raw},
    {"flood", n_flood},
    {"crash", n_crash},
    {NULL, NULL},
};
