/*
 * What the kernel decides about system calls under a filter, without any of them taking place.
 *   verdicts FILTER < cases     a case is "abi number a0 a1 a2 a3 a4 a5", abi one of native, i386, x32
 * Prints for each case "allow", "kill", "errno N", or "signal N" for a call that went past the filters.
 *
 * Each case has a child of its own with two filters. The first answers everything with ERRNO(MARKER), the second
 * is FILTER. The kernel runs all filters and takes the most restrictive action; among equals it takes that of
 * the filter installed last (kernel/seccomp.c, seccomp_run_filters). So a call that FILTER allows comes back
 * with MARKER, one that it refuses with its own error number, and no call is ever carried out.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARKER 4000
/* sixth argument of the two calls that the child itself must still make */
#define MAGIC 0x676c6f76u
#define EXIT_ALLOWED 250
#define EXIT_BROKEN 251

static struct sock_filter filter[BPF_MAXINSNS];
static unsigned short filter_length;

static long native_call(long nr, const unsigned long *a)
{
#if defined(__x86_64__)
    long result;
    register unsigned long r10 __asm__("r10") = a[3];
    register unsigned long r8 __asm__("r8") = a[4];
    register unsigned long r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = nr;
    register unsigned long x0 __asm__("x0") = a[0];
    register unsigned long x1 __asm__("x1") = a[1];
    register unsigned long x2 __asm__("x2") = a[2];
    register unsigned long x3 __asm__("x3") = a[3];
    register unsigned long x4 __asm__("x4") = a[4];
    register unsigned long x5 __asm__("x5") = a[5];
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return (long)x0;
#endif
}

#if defined(__x86_64__)
static long i386_call(long nr, const unsigned long *a)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "r8", "r9", "r10", "r11", "memory");
    return result;
}
#endif

static long make_call(const char *abi, long nr, const unsigned long *a)
{
#if defined(__x86_64__)
    if (strcmp(abi, "i386") == 0)
        return i386_call(nr, a);
    if (strcmp(abi, "x32") == 0)
        return native_call(nr | 0x40000000, a);
#else
    (void)abi;
#endif
    return native_call(nr, a);
}

static long install(struct sock_filter *program, unsigned short length)
{
    struct sock_fprog described = {.len = length, .filter = program};
    unsigned long a[6] = {SECCOMP_SET_MODE_FILTER, 0, (unsigned long)&described, 0, 0, MAGIC};
    return native_call(SYS_seccomp, a);
}

static void leave(int code)
{
    unsigned long a[6] = {(unsigned long)code, 0, 0, 0, 0, MAGIC};
    native_call(SYS_exit_group, a);
    __builtin_trap();
}

static void child(const char *abi, long nr, const unsigned long *a)
{
    struct sock_filter marker[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAGIC, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | MARKER),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        leave(EXIT_BROKEN);
    if (install(marker, sizeof marker / sizeof marker[0]) < 0 || install(filter, filter_length) < 0)
        leave(EXIT_BROKEN);
    long result = make_call(abi, nr, a);
    if (result == -MARKER)
        leave(EXIT_ALLOWED);
    leave(result <= 0 && result > -200 ? (int)-result : EXIT_BROKEN);
}

static int judge(const char *abi, long nr, const unsigned long *a)
{
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0)
        child(abi, nr, a);
    int status;
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return puts("kill");
    if (WIFSIGNALED(status))
        return printf("signal %d\n", WTERMSIG(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) == EXIT_BROKEN)
        return -1;
    if (WEXITSTATUS(status) == EXIT_ALLOWED)
        return puts("allow");
    return printf("errno %d\n", WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    ssize_t size = fd < 0 ? -1 : read(fd, filter, sizeof filter);
    if (size <= 0 || size % (ssize_t)sizeof filter[0] != 0) {
        fprintf(stderr, "usage: verdicts FILTER < cases\n");
        return 2;
    }
    filter_length = (unsigned short)(size / (ssize_t)sizeof filter[0]);
    /* nothing buffered may be written twice, by parent and child */
    setvbuf(stdout, NULL, _IOLBF, 0);
    char abi[16];
    unsigned long nr, a[6];
    int fields;
    while ((fields = scanf("%15s %lu %lu %lu %lu %lu %lu %lu", abi, &nr, a, a + 1, a + 2, a + 3, a + 4, a + 5)) == 8) {
        if (judge(abi, (long)nr, a) < 0) {
            fprintf(stderr, "no verdict on %s %lu\n", abi, nr);
            return 1;
        }
    }
    return fields == EOF ? 0 : 2;
}
