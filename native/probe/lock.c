/* What a job gives up when it locks itself (docs/lock.md): tried in itself, in a thread, in a child of before. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/glovebox/lock.h"

static int opens(void)
{
    return result(open("/proc/self/status", O_RDONLY | O_CLOEXEC));
}

static int creates(void)
{
    return create_in("/tmp");
}

static int makes_a_folder(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/locked-%d", (int)getpid());
    int outcome = result(mkdir(path, 0700));
    rmdir(path);
    return outcome;
}

static int makes_a_socket(void)
{
    return result(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int makes_a_pair(void)
{
    int ends[2];
    return result(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static int executes(void)
{
    execute_itself();
    return errno;
}

static int go[2];

static int told_to_go(void)
{
    char byte;
    return read(go[0], &byte, 1) == 1 ? opens() : EPIPE;
}

static void *in_thread(void *outcome)
{
    *(int *)outcome = told_to_go();
    return NULL;
}

static int asked(bool ask)
{
    return ask && glovebox_lock("sealed") != 0 ? EPROTO : 0;
}

static int by_thread(bool ask)
{
    pthread_t thread;
    int outcome = 0, made = pipe(go) < 0 ? errno : pthread_create(&thread, NULL, in_thread, &outcome);
    int lock = made != 0 ? made : asked(ask);
    if (made != 0 || write(go[1], "x", 1) != 1)
        return made != 0 ? made : errno;
    pthread_join(thread, NULL);
    return lock != 0 ? lock : outcome;
}

static int by_child(bool ask)
{
    int status = 0;
    pid_t child = pipe(go) < 0 ? -1 : fork();
    if (child < 0)
        return errno;
    if (child == 0)
        _exit(told_to_go());
    int lock = asked(ask);
    if (write(go[1], "x", 1) != 1)
        return errno;
    waitpid(child, &status, 0);
    return lock != 0 ? lock : WEXITSTATUS(status);
}

static const struct {
    const char *name;
    int (*try)(void);
} things[] = {
    {"open", opens},           {"create", creates},    {"folder", makes_a_folder},
    {"socket", makes_a_socket}, {"pair", makes_a_pair}, {"exec", executes},
};

static int tried(const char *name, bool ask)
{
    if (strcmp(name, "thread") == 0)
        return by_thread(ask);
    if (strcmp(name, "child") == 0)
        return by_child(ask);
    for (size_t i = 0; i < sizeof things / sizeof *things; i++)
        if (strcmp(things[i].name, name) == 0) {
            int lock = asked(ask);
            return lock != 0 ? lock : things[i].try();
        }
    return EINVAL;
}

/* EPROTO: it was not locked, whatever it asked for. */
static int a_locked(char **args)
{
    return tried(args[0], true);
}

static int a_unlocked(char **args)
{
    return tried(args[0], false);
}

const struct attempt lock_attempts[] = {
    {"locked", a_locked},
    {"unlocked", a_unlocked},
    {NULL, NULL},
};
