/* Another program, by every call and from every kind of process: this one again, which then says so itself. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char self[] = "/proc/self/exe";
static char name[] = "probe", there[] = THERE;
static char *no_environment[] = {NULL};

static char **argv_there(void)
{
    static char words[8192], *argv[] = {name, there, words, NULL};
    snprintf(words, sizeof words, "%s", current_words());
    return argv;
}

void execute_itself(void)
{
    execve(self, argv_there(), no_environment);
}

static void by_execveat(void)
{
    syscall(SYS_execveat, AT_FDCWD, self, argv_there(), no_environment, 0);
}

static void by_descriptor(void)
{
    int fd = open(self, O_PATH | O_CLOEXEC);
    if (fd >= 0)
        syscall(SYS_execveat, fd, "", argv_there(), no_environment, AT_EMPTY_PATH);
}

static void by_memory_file(void)
{
    char buffer[65536], path[64];
    int from = open(self, O_RDONLY | O_CLOEXEC), to = memfd_create("program", 0);
    if (from < 0 || to < 0)
        return;
    for (ssize_t got; (got = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, (size_t)got) != got)
            return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", to);
    execve(path, argv_there(), no_environment);
}

/* Made before there are threads: snprintf(3) empties what another thread's execve(2) is reading. */
static char **argv_made;

static void *in_thread(void *error)
{
    execve(self, argv_made, no_environment);
    *(int *)error = errno;
    return NULL;
}

/* Several at once: one question each, to whoever is asked. */
static void by_threads(void)
{
    pthread_t threads[8];
    int made = 0, failed = 0, errors[8] = {0};
    argv_made = argv_there();
    while (made < 8 && (failed = pthread_create(&threads[made], NULL, in_thread, &errors[made])) == 0)
        made++;
    for (int i = 0; i < made; i++)
        pthread_join(threads[i], NULL);
    errno = made > 0 ? errors[0] : failed;
}

static void by_vfork(void)
{
    volatile int error = 0;
    char **argv = argv_there();
    pid_t pid = vfork();
    if (pid == 0) {
        execve(self, argv, no_environment);
        error = errno;
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (error == 0 && status == 0 && pid > 0)
        _exit(0);
    errno = error;
}

static void by_spawn(void)
{
    pid_t pid;
    int status = -1, error = posix_spawn(&pid, self, NULL, NULL, argv_there(), no_environment);
    if (error == 0 && waitpid(pid, &status, 0) == pid && status == 0)
        _exit(0);
    errno = error;
}

static const struct {
    const char *name;
    void (*try)(void);
} ways[] = {
    {"execve", execute_itself}, {"execveat", by_execveat},  {"descriptor", by_descriptor}, {"memory-file", by_memory_file},
    {"threads", by_threads},    {"vfork", by_vfork},        {"spawn", by_spawn},
};

/* Never comes off here: whoever takes this program's place says that it did. */
static int a_exec(char **args)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].name, args[0]) == 0) {
            ways[i].try();
            return errno;
        }
    return EINVAL;
}

const struct attempt exec_attempts[] = {
    {"exec", a_exec},
    {NULL, NULL},
};
