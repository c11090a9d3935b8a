/* What stays: processes that nothing but SIGKILL ends, marks for whoever comes next, words on somebody else's channel. */
#define _GNU_SOURCE
#include "probe.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- processes */

/* In the open a process stays only as long as who started it, whose end of this descriptor closes; and no longer than so many s. */
enum { LIFELINE = 3, LONGEST_S = 60 };

static void deaf(void)
{
    sigset_t all;
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}

/* The one signal that ends it. */
static void alarm_anyway(void)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGALRM);
    signal(SIGALRM, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    alarm(LONGEST_S);
}

static bool over(bool lifeline, int wait_ms)
{
    struct pollfd end = {.fd = LIFELINE, .events = POLLIN};
    return lifeline && poll(&end, 1, wait_ms) > 0;
}

static void rest(bool lifeline)
{
    while (!over(lifeline, 1000))
        if (!lifeline)
            pause();
    _exit(0);
}

static void spin_on(bool lifeline)
{
    while (!over(lifeline, 0))
        for (volatile int i = 0; i < 1000000; i++)
            continue;
    _exit(0);
}

/* Not even its parent's process group or session is left of where it came from. */
static void as_daemon(bool lifeline)
{
    if (fork() != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    setsid();
    if (lifeline)
        alarm_anyway(); /* a child has none of its parent's */
    if (chdir("/") == 0)
        rest(lifeline);
    _exit(1);
}

/* Stopped, a process takes no signal but SIGKILL. Whoever started it in the open is not stopped, and kills it. */
static void stopped(bool lifeline)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            kill(getpid(), SIGSTOP);
    }
    if (lifeline) {
        while (!over(true, 1000))
            continue;
        if (pid > 0) /* -1 would be everybody */
            kill(pid, SIGKILL);
        _exit(0);
    }
    kill(1, SIGSTOP);
    kill(getppid(), SIGSTOP); /* never -1: in a sandbox that is broken that would be the caller's other processes */
    for (;;)
        kill(getpid(), SIGSTOP);
}

static void closed(bool lifeline)
{
    close(1);
    close(2);
    rest(lifeline);
}

/* KIND, a word to be found by, `lifeline`: never comes back. */
static int s_linger(char **args)
{
    bool lifeline = strcmp(args[2], "lifeline") == 0;
    deaf();
    if (lifeline)
        alarm_anyway();
    if (strcmp(args[0], "busy") == 0) {
        if (fork() > 0)
            fork();
        if (lifeline)
            alarm_anyway();
        spin_on(lifeline);
    }
    if (strcmp(args[0], "daemon") == 0)
        as_daemon(lifeline);
    if (strcmp(args[0], "stopped") == 0)
        stopped(lifeline);
    if (strcmp(args[0], "closed") == 0)
        closed(lifeline);
    rest(lifeline);
    return 0;
}

/* A word to be found by: leaves a daemon behind, and ends. */
static int s_leave_daemon(char **args)
{
    bool lifeline = strcmp(args[1], "lifeline") == 0;
    deaf();
    as_daemon(lifeline);
    wait(NULL);
    return 0;
}

/* Until it is told to go on, by a signal that ends nobody who is told as well. */
static int s_await(char **args)
{
    (void)args;
    sigset_t wanted;
    struct timespec longest = {.tv_sec = 7};
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGURG);
    sigprocmask(SIG_BLOCK, &wanted, NULL);
    return result(sigtimedwait(&wanted, NULL, &longest));
}

/* ---- marks */

/* As many of its hexadecimal digits as a key has room for. */
static key_t key_of(const char *mark)
{
    char digits[8];
    snprintf(digits, sizeof digits, "%.7s", mark);
    return (key_t)strtol(digits, NULL, 16);
}

/* A file is made whatever its folder is; `deep` hides it as programs do. */
static int file_mark(bool leave, const char *folder, const char *mark)
{
    char path[4300];
    struct stat found;
    snprintf(path, sizeof path, "%s/.cache-%s", folder, mark);
    if (!leave)
        return result(lstat(path, &found));
    int fd = open(path, O_WRONLY | O_CREAT, 0666);
    return fd < 0 ? errno : result(close(fd));
}

static int queue_mark(bool leave, const char *mark)
{
    char name[80];
    snprintf(name, sizeof name, "/%.60s", mark);
    struct mq_attr small = {.mq_maxmsg = 1, .mq_msgsize = 1};
    mqd_t queue = leave ? mq_open(name, O_RDWR | O_CREAT, 0600, &small) : mq_open(name, O_RDWR);
    return queue == (mqd_t)-1 ? errno : result(mq_close(queue));
}

/* The user's own keyring, which outlives each of the user's processes. */
static int key_mark(bool leave, const char *mark)
{
    enum { USER_KEYRING = -4, SEARCH = 10, SET_TIMEOUT = 15 };
    if (!leave)
        return result(syscall(SYS_keyctl, SEARCH, USER_KEYRING, "user", mark, 0));
    long key = syscall(SYS_add_key, "user", mark, "x", 1L, USER_KEYRING);
    if (key >= 0)
        syscall(SYS_keyctl, SET_TIMEOUT, key, LONGEST_S);
    return result(key);
}

static int mark(bool leave, char **args)
{
    if (strcmp(args[0], "file") == 0)
        return file_mark(leave, args[2], args[1]);
    if (strcmp(args[0], "shm") == 0)
        return result(shmget(key_of(args[1]), leave ? 4096 : 0, leave ? IPC_CREAT | 0666 : 0));
    if (strcmp(args[0], "sem") == 0)
        return result(semget(key_of(args[1]), leave ? 1 : 0, leave ? IPC_CREAT | 0666 : 0));
    if (strcmp(args[0], "queue") == 0)
        return queue_mark(leave, args[1]);
    if (strcmp(args[0], "key") == 0)
        return key_mark(leave, args[1]);
    return EINVAL;
}

/* KIND, mark, FOLDER */
static int s_leave(char **args)
{
    return mark(true, args);
}

static int s_find(char **args)
{
    return mark(false, args);
}

/* KIND, mark: for whoever left or found one in a namespace that does not end. */
static int s_forget(char **args)
{
    char name[80];
    if (strcmp(args[0], "shm") == 0)
        return result(shmctl(shmget(key_of(args[1]), 0, 0), IPC_RMID, NULL));
    if (strcmp(args[0], "sem") == 0)
        return result(semctl(semget(key_of(args[1]), 0, 0), 0, IPC_RMID));
    snprintf(name, sizeof name, "/%.60s", args[1]);
    return strcmp(args[0], "queue") == 0 ? result(mq_unlink(name)) : EINVAL;
}

/* ---- words on somebody else's channel */

/* "The job has ended by itself, with 7", as the first process of a sandbox says it. */
static size_t answer(uint8_t *bytes)
{
    memset(bytes, 0, WIRE_HEADER + 16);
    bytes[0] = 'E';
    wire_put_u32(bytes + 1, 16);
    wire_put_u32(bytes + WIRE_HEADER + 4, 7);
    return WIRE_HEADER + 16;
}

/* `ok` when some descriptor beyond the three took it. */
static int s_forge(char **args)
{
    (void)args;
    uint8_t bytes[64];
    size_t length = answer(bytes);
    int error = EBADF;
    signal(SIGPIPE, SIG_IGN);
    for (int fd = 3; fd < 1024; fd++) {
        if (write(fd, bytes, length) == (ssize_t)length)
            return 0;
        error = errno != EBADF ? errno : error;
    }
    return error;
}

/* The same where everyone may write: nobody is to take it for more than the job's words. */
static int s_say_answer(char **args)
{
    uint8_t bytes[64];
    size_t length = answer(bytes);
    for (int i = 0; i < atoi(args[0]); i++)
        for (int fd = 1; fd < 3; fd++)
            if (write(fd, bytes, length) < 0)
                return errno;
    return 0;
}

const struct attempt stay_attempts[] = {
    {"stay", s_linger},
    {"leave-daemon", s_leave_daemon},
    {"await", s_await},
    {"leave", s_leave},
    {"find", s_find},
    {"forget", s_forget},
    {"forge-frames", s_forge},
    {"say-answer", s_say_answer},
    {NULL, NULL},
};
