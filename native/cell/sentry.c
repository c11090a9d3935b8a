/*
 * Where the wall is another kernel: gVisor's runsc, whose sentry runs the job. Three things differ from an OCI runtime of this kernel's:
 *
 * The runtime stays, and is the sandbox: the worker becomes it. All that it starts dies with it, by parent-death signals of its
 * own, so ours stays on through the exec, and to end the sandbox is to kill the worker.
 *
 * Of descriptors it passes on 0, 1 and 2 alone. The agent carries its channels over the first two (native/agent/carrier.c), which are one
 * socket and no pipe: a file of /proc/1/fd that is a pipe can be opened once more, and a job that did so could speak for the agent.
 *
 * It is three on the host: runsc is the worker's uid, the gofer, who opens files for the sentry, the second, and the sentry the third.
 */
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AGENTS_FOLDER TREE_OWN "/.glovebox"
#define AGENT AGENTS_FOLDER "/agent"
#define HOSTS_OWN_NETWORK "/proc/sys/net/core"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* It is found by a path, which a sealed file in memory has none of. Read-only to all: nothing that tells the job anything. */
void sentry_agent(int agent)
{
    struct stat found;
    if (mkdir(AGENTS_FOLDER, 0755) < 0)
        fail("bundle", AGENTS_FOLDER);
    int file = open(AGENT, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0555);
    if (file < 0 || fstat(agent, &found) < 0)
        fail("bundle", AGENT);
    for (off_t done = 0; done < found.st_size;)
        if (sendfile(file, agent, &done, (size_t)(found.st_size - done)) <= 0)
            fail("bundle", AGENT);
    close(file);
}

/*
 * runsc takes a network namespace for the host's own where it finds some file there: until August 2024 one that each namespace has
 * since Linux 6.10. Only for whom runs here, and only once they are in the namespace that is meant. The gofer makes a procfs, which the
 * kernel gives to those alone who see the whole of one already (mount_too_revealing): so there is another, without the cover.
 */
static void cover_sysctls(void)
{
    int whole = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc", AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (whole < 0 ||
        syscall(SYS_move_mount, whole, "", AT_FDCWD, WHOLE_PROC, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("network", WHOLE_PROC);
    close(whole);
    if (mount("none", HOSTS_OWN_NETWORK, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0555,size=4k,nr_inodes=2") < 0)
        fail("network", HOSTS_OWN_NETWORK);
}

_Noreturn void sentry_run(const struct settings *settings, const struct request *request, struct cgroup_writes *limits)
{
    int wire[2];
    if (request->network.wanted)
        cover_sysctls();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire) < 0)
        fail("channel", "socket");
    hand_over(settings->ipc, request->id, "wire", "", wire[0]);
    cgroup_set_limits(limits);
    const int sources[] = {wire[1], wire[1], 2}, targets[] = {0, 1, 2};
    place_descriptors(sources, targets, (int)(sizeof sources / sizeof *sources), 3);
    /* becoming another program of the same rights keeps it; said once more, since all rests on it */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail("lifeline", "parent-death signal");
    char *nothing[] = {NULL};
    execve(settings->wall, (char **)(uintptr_t)request->argv, nothing);
    fail("exec", settings->wall);
}
