/* What a process has from its parent. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* FILE, of an environment: says the names in it. Values stay here: what is told of an attempt may go into reports. */
static int a_variables(char **args)
{
    char text[65536];
    size_t used = 0;
    ssize_t got;
    int fd = open(args[0], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    while (used < sizeof text - 1 && (got = read(fd, text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)got;
    int error = got < 0 ? errno : 0;
    close(fd);
    text[used] = 0;
    for (size_t at = 0; at < used; at += strlen(text + at) + 1) {
        const char *end = strchr(text + at, '=');
        say(end == NULL ? "?" : text + at, end == NULL ? 1 : (size_t)(end - (text + at)));
        say_text(" ");
    }
    return error;
}

static int a_cwd(char **args)
{
    (void)args;
    char path[4096];
    if (getcwd(path, sizeof path) == NULL)
        return errno;
    say_text(path);
    return 0;
}

static int a_umask(char **args)
{
    (void)args;
    say_number(umask(0));
    return 0;
}

static int a_nice(char **args)
{
    (void)args;
    errno = 0;
    say_number(getpriority(PRIO_PROCESS, 0));
    return errno;
}

static int a_signals(char **args)
{
    (void)args;
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN) {
            say_text("ignored:");
            say_number(number);
        }
        if (sigismember(&blocked, number) == 1) {
            say_text("blocked:");
            say_number(number);
        }
    }
    return 0;
}

static int a_rlimit(char **args)
{
    struct rlimit limit;
    if (getrlimit(atoi(args[0]), &limit) < 0)
        return errno;
    say_text(limit.rlim_cur == RLIM_INFINITY ? "unlimited" : "");
    if (limit.rlim_cur != RLIM_INFINITY)
        say_number((long)limit.rlim_cur);
    return 0;
}

static int a_session(char **args)
{
    (void)args;
    pid_t leader = getsid(0); /* 0: one that this namespace does not have */
    say_text(leader == getpid() || leader == getppid() ? "own " : "another ");
    say_number(leader);
    return 0;
}

static int a_oom_score(char **args)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd < 0)
        return errno;
    ssize_t done = write(fd, args[0], strlen(args[0]));
    return result(done);
}

static int a_core(char **args)
{
    (void)args;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        abort();
    waitpid(pid, &status, 0);
    say_text(WCOREDUMP(status) ? "dumped" : "not dumped");
    return 0;
}

const struct attempt inherited_attempts[] = {
    {"variables", a_variables},
    {"cwd", a_cwd},
    {"umask", a_umask},
    {"nice", a_nice},
    {"signals", a_signals},
    {"rlimit", a_rlimit},
    {"session", a_session},
    {"oom-score", a_oom_score},
    {"core", a_core},
    {NULL, NULL},
};
