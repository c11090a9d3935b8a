/* What a worker would have of whoever called: nothing of it reaches the sandbox. */
#include "cell.h"
#include "../walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEYCTL_JOIN_SESSION_KEYRING 1

/*
 * core(5): a limit of 0 does not stop the program that a piped core_pattern names, which the kernel starts on the host and
 * gives the job's memory; 1 does, and is too little for a file. A caller whose own hard limit is 0 can't set 1.
 */
static void no_core_dumps(void)
{
    struct rlimit one = {1, 1}, none = {0, 0};
    char first = 0;
    if (setrlimit(RLIMIT_CORE, &one) == 0)
        return;
    int pattern = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
    bool known = pattern >= 0 && read(pattern, &first, 1) == 1;
    if (pattern >= 0)
        close(pattern);
    errno = EPERM;
    if (!known || first == '|' || first == '@' || setrlimit(RLIMIT_CORE, &none) < 0)
        fail("core-dumps", "a handler would be given them");
}

/* What a process inherits without being asked. Best effort where the kernel lacks the thing itself. */
void inherit_nothing(void)
{
    for (int number = 1; number < NSIG && WALL("default-signals"); number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    umask(0);
    personality(0);
    setpriority(PRIO_PROCESS, 0, 0);
    struct sched_param plain = {0};
    sched_setscheduler(0, SCHED_OTHER, &plain);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NR - 1)); /* served last */
    if (WALL("own-keyring"))
        syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
    /* the policy's own limits come later; of these it has none, and a caller's would end jobs at random */
    static const int callers[] = {RLIMIT_CPU, RLIMIT_AS, RLIMIT_RSS, RLIMIT_DATA, RLIMIT_RTTIME};
    for (size_t i = 0; i < sizeof callers / sizeof *callers && WALL("reset-limits"); i++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        if (setrlimit(callers[i], &limit) < 0 && getrlimit(callers[i], &limit) == 0) {
            limit.rlim_cur = limit.rlim_max; /* not root: as far as it goes */
            setrlimit(callers[i], &limit);
        }
    }
    if (WALL("no-core-dumps"))
        no_core_dumps();
    if (chdir("/") < 0)
        fail("inherit", "nothing");
}
