/*
 * The first filter that another process lives under, as the kernel has it: filters PID > program. Needs CAP_SYS_ADMIN.
 */
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sock_filter filter[BPF_MAXINSNS];

int main(int argc, char **argv)
{
    pid_t pid = argc == 2 ? atoi(argv[1]) : 0;
    int status;
    if (pid <= 0 || ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
        waitpid(pid, &status, __WALL) != pid) {
        perror("filters");
        return 1;
    }
    /* they are counted from the one that was set first */
    long length = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, filter);
    if (length < 0) {
        perror("filters");
        return 1;
    }
    /* the process goes on when its tracer is gone */
    return fwrite(filter, sizeof filter[0], (size_t)length, stdout) == (size_t)length ? 0 : 1;
}
