/*
 * Executed as a sandbox's first program: tries every way to execute another one, and to make a socket. One line each:
 * name TAB "ok" or the error's number. `second-exec there` is what it tries to become: it exits with 77.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THERE = 77 };

static char *self;
static char *argv_there[] = {"second-exec", "there", NULL};
static char *no_environment[] = {NULL};

/* Each of these returns only when it failed. */

static void by_execve(void)
{
    execve(self, argv_there, no_environment);
}

static void by_execveat(void)
{
    syscall(SYS_execveat, AT_FDCWD, self, argv_there, no_environment, 0);
}

static void by_descriptor(void)
{
    int fd = open(self, O_PATH | O_CLOEXEC);
    syscall(SYS_execveat, fd, "", argv_there, no_environment, AT_EMPTY_PATH);
}

static void by_proc_self(void)
{
    execve("/proc/self/exe", argv_there, no_environment);
}

static void by_memory_file(void)
{
    char buffer[65536], path[64];
    int from = open(self, O_RDONLY | O_CLOEXEC), to = memfd_create("program", 0);
    for (ssize_t got; (got = read(from, buffer, sizeof buffer)) > 0;)
        if (write(to, buffer, (size_t)got) != got)
            return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", to);
    execve(path, argv_there, no_environment);
}

static void by_loader(void)
{
    char *argv[] = {"ld.so", "/usr/bin/true", NULL};
    execve("/lib64/ld-linux-x86-64.so.2", argv, no_environment);
}

static void *in_thread(void *unused)
{
    (void)unused;
    by_execve();
    exit(errno);
}

static void by_thread(void)
{
    pthread_t thread;
    if ((errno = pthread_create(&thread, NULL, in_thread, NULL)) == 0)
        pthread_join(thread, NULL);
}

/* Two threads at once: one listener, two questions. */
static void by_many_threads(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, in_thread, NULL);
    pthread_join(threads[0], NULL);
}

static int status_of(pid_t pid)
{
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void by_vfork(void)
{
    volatile int error = 0;
    pid_t pid = vfork();
    if (pid == 0) {
        execve(self, argv_there, no_environment);
        error = errno;
        _exit(1);
    }
    int status = status_of(pid);
    if (status == THERE)
        _exit(THERE);
    errno = error;
}

static void by_spawn(void)
{
    pid_t pid;
    int error = posix_spawn(&pid, self, NULL, NULL, argv_there, no_environment);
    if (error == 0 && status_of(pid) == THERE)
        _exit(THERE);
    errno = error;
}

static void by_shell(void)
{
    int status = system("exit 77");
    if (WIFEXITED(status) && WEXITSTATUS(status) == THERE)
        _exit(THERE);
    errno = ENOSYS; /* the shell itself could not be started: system(3) says 127 and no number */
}

static void attempt(const char *name, void (*way)(void))
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        way();
        _exit(errno);
    }
    int status = status_of(pid);
    if (status == THERE || (way == by_loader && status == 0))
        printf("%s\tok\n", name);
    else
        printf("%s\t%d\n", name, status);
}

/* How many families have a socket of some type. */
static void sockets(const char *name, int (*make)(int, int))
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM | SOCK_CLOEXEC};
    int made = 0, error = 0;
    for (int family = 0; family < 64; family++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            if (make(family, types[i]) == 0)
                made++;
            else if (error == 0 || errno != EAFNOSUPPORT)
                error = errno;
        }
    if (made > 0)
        printf("%s\tok\n", name);
    else
        printf("%s\t%d\n", name, error);
}

static int one(int family, int type)
{
    int fd = socket(family, type, 0);
    return fd < 0 ? -1 : close(fd);
}

static int pair(int family, int type)
{
    int fds[2];
    return socketpair(family, type, 0, fds) < 0 ? -1 : close(fds[0]) | close(fds[1]);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "there") == 0)
        return THERE;
    self = argv[0];
    attempt("execve", by_execve);
    attempt("execveat", by_execveat);
    attempt("descriptor", by_descriptor);
    attempt("proc-self-exe", by_proc_self);
    attempt("memory-file", by_memory_file);
    attempt("loader", by_loader);
    attempt("thread", by_thread);
    attempt("threads", by_many_threads);
    attempt("vfork", by_vfork);
    attempt("posix_spawn", by_spawn);
    attempt("shell", by_shell);
    sockets("socket", one);
    sockets("socketpair", pair);
    /* last, because it may succeed: the first process itself, not a child of it */
    if (argc > 1 && strcmp(argv[1], "itself") == 0)
        return 0;
    char *again[] = {self, "itself", NULL};
    fflush(stdout);
    execve(self, again, no_environment);
    printf("itself\t%d\n", errno);
    return 0;
}
