/* Calls by their numbers, all of them: which does the filter let through that it should refuse? */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A filter of one's own that hands every call to a tracer, of which there is none: the kernel then answers ENOSYS and does
 * nothing. It takes the strictest action of all filters, and to refuse with an error is stricter: so a call that the sandbox
 * refuses comes back with the sandbox's error, one that it lets through with ENOSYS, and none is carried out.
 */
static int let_nothing_happen(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

/* All arguments all ones: no descriptor, no address, no flag that there is. */
static bool is_refused(long number, int with)
{
    errno = 0;
    return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) == -1 && errno == with;
}

static int each_of(const char *ranges, int with)
{
    int passed = 0;
    for (char *at = NULL; *ranges != 0; ranges = *at == '.' ? at + 1 : at) {
        long first = strtol(ranges, &at, 10), last = first;
        if (at == ranges)
            return EINVAL;
        if (*at == '-')
            last = strtol(at + 1, &at, 10);
        if (*at != 0 && *at != '.')
            return EINVAL;
        for (long number = first; number <= last && number < 4096; number++)
            if (!is_refused(number, with)) {
                say_number(number);
                passed++;
            }
    }
    return passed > 0 ? 0 : with;
}

/* ERRNO, `1-3.7.9-11`: succeeds when one of these numbers would not be refused with it, and says which. */
static int a_refused_numbers(char **args)
{
    int outcome = let_nothing_happen();
    return outcome != 0 ? outcome : each_of(args[1], atoi(args[0]));
}

/* The same of calls that are refused as if the kernel had none, and so must be made to see whether it has. */
static int a_unknown_numbers(char **args)
{
    return each_of(args[0], ENOSYS);
}

const struct attempt filter_attempts[] = {
    {"refused-numbers", a_refused_numbers},
    {"unknown-numbers", a_unknown_numbers},
    {NULL, NULL},
};
