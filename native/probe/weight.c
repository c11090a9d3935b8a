/* Memory that is not the process's own: taken, held, and given back when the program ends. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static char block[MIB];

static int shared_file(int fd, long mib)
{
    for (long i = 0; fd >= 0 && i < mib; i++)
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            return errno;
    return fd < 0 ? errno : 0;
}

/* As a program's own: touched page by page. */
static int by_own(long mib)
{
    char *at = mmap(NULL, (size_t)mib * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return errno;
    memset(at, 1, (size_t)mib * MIB);
    return 0;
}

static int by_file(const char *folder, long mib)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/eat-%d", folder, (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    unlink(path);
    return shared_file(fd, mib);
}

static int by_posix_shm(long mib)
{
    char name[64];
    snprintf(name, sizeof name, "/glovebox-attack-%d", (int)getpid());
    int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
    shm_unlink(name);
    return shared_file(fd, mib);
}

/* Segments outlive who made them, unless they are marked. */
static int by_sysv_shm(long mib)
{
    for (long i = 0; i < mib; i += 16) {
        int id = shmget(IPC_PRIVATE, 16 * MIB, IPC_CREAT | 0600);
        char *at = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
        if (id >= 0)
            shmctl(id, IPC_RMID, NULL);
        if (at == (char *)-1)
            return errno;
        memset(at, 1, 16 * MIB);
    }
    return 0;
}

static int by_mapping(long mib)
{
    char *at = mmap(NULL, (size_t)mib * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return errno;
    memset(at, 1, (size_t)mib * MIB);
    return 0;
}

/* One byte read in every 2 MiB: each costs a page of tables (4 KiB) and none of its own, for all show the page of zeros. */
static int by_page_tables(long mib)
{
    size_t step = 2UL * MIB, tables = (size_t)mib * 256;
    char *at = mmap(NULL, step * tables, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return errno;
    madvise(at, step * tables, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < tables; i++)
        (void)*(volatile char *)(at + i * step);
    return 0;
}

/* Descriptors are few, processes more: each child fills as many buffers as it can, and waits for the others. */
static int in_children(long mib, long (*fill)(void))
{
    int told[2];
    long total = 0, filled = 0;
    if (pipe(told) < 0)
        return errno;
    for (int child = 0; child < 40 && total < mib * MIB; child++) {
        pid_t pid = fork();
        if (pid == 0) {
            filled = fill();
            _exit(write(told[1], &filled, sizeof filled) < 0 ? 1 : pause());
        }
        if (pid < 0 || read(told[0], &filled, sizeof filled) != (ssize_t)sizeof filled)
            break;
        total += filled;
    }
    /* what one that was killed had held was not held with the rest */
    bool killed = waitpid(-1, NULL, WNOHANG) > 0;
    say_number(total / MIB);
    signal(SIGTERM, SIG_IGN);
    kill(0, SIGTERM); /* a process group of its own, see w_eat */
    return killed ? ENOMEM : total < mib * MIB ? ENOBUFS : 0;
}

enum { ENOUGH = 32 * MIB }; /* for one child: outside nothing else ends it soon */

static long fill_own(void)
{
    enum { EACH = 16 };
    return by_own(EACH) == 0 ? EACH * MIB : 0;
}

static long fill_sockets(void)
{
    long filled = 0;
    int pair[2];
    while (filled < ENOUGH && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0)
        for (int end = 0; end < 2; end++)
            for (ssize_t done; (done = write(pair[end], block, 65536)) > 0;)
                filled += done;
    return filled;
}

static long fill_pipes(void)
{
    long filled = 0;
    int ends[2];
    while (filled < ENOUGH && pipe2(ends, O_NONBLOCK) == 0) {
        fcntl(ends[1], F_SETPIPE_SZ, MIB);
        for (ssize_t done; (done = write(ends[1], block, 65536)) > 0;)
            filled += done;
    }
    return filled;
}

/* KIND, MiB; for `file` also a folder */
static int w_eat(char **args)
{
    long mib = atol(args[1]);
    memset(block, 1, sizeof block);
    setpgid(0, 0);
    signal(SIGTERM, SIG_DFL);
    if (strcmp(args[0], "own") == 0)
        return by_own(mib);
    if (strcmp(args[0], "together") == 0)
        return in_children(mib, fill_own);
    if (strcmp(args[0], "file") == 0)
        return by_file(args[2], mib);
    if (strcmp(args[0], "posix-shm") == 0)
        return by_posix_shm(mib);
    if (strcmp(args[0], "sysv-shm") == 0)
        return by_sysv_shm(mib);
    if (strcmp(args[0], "memfd") == 0)
        return shared_file(memfd_create("attack", 0), mib);
    if (strcmp(args[0], "mapping") == 0)
        return by_mapping(mib);
    if (strcmp(args[0], "page-tables") == 0)
        return by_page_tables(mib);
    if (strcmp(args[0], "sockets") == 0)
        return in_children(mib, fill_sockets);
    if (strcmp(args[0], "pipes") == 0)
        return in_children(mib, fill_pipes);
    return EINVAL;
}

const struct attempt weight_attempts[] = {
    {"eat", w_eat},
    {NULL, NULL},
};
