/*
 * In a container: makes some calls of which none does harm, and prints what each was answered, "NAME errno N", "NAME runs" or
 * "NAME signal N". Then waits for the end of its input, so that its filter can be read from outside.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ways into the kernel that libc has no function for */
static long call(long number, const unsigned long *a)
{
#if defined(__x86_64__)
    if (number >= 1L << 32) {
        /* by int 0x80 */
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(number - (1L << 32)), "b"(a[0]) : "memory", "r8", "r9", "r10", "r11");
        return result;
    }
#endif
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result < 0 ? -errno : result;
}

/* in a child: a filter may kill it, and what it makes is gone with it */
static void attempt(const char *name, long number, const unsigned long *arguments)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        long result = call(number, arguments);
        _exit(result < 0 && result > -255 ? (int)-result : 0);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        exit(1);
    if (WIFSIGNALED(status))
        printf("%s signal %d\n", name, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        printf("%s errno %d\n", name, WEXITSTATUS(status));
    else
        printf("%s runs\n", name);
}

/* NAME NUMBER A0 … A5, each an argument of its own */
int main(int argc, char **argv)
{
    for (int at = 1; at + 8 <= argc; at += 8) {
        unsigned long arguments[6];
        for (int i = 0; i < 6; i++)
            arguments[i] = strtoul(argv[at + 2 + i], NULL, 0);
        attempt(argv[at], strtol(argv[at + 1], NULL, 0), arguments);
    }
    puts("done");
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    return 0;
}
