/* All steps, in the agent's own namespaces, up to its start. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From here on what it sees as the root of all groups is its own. */
static void join_cgroup(const char *path)
{
    int folder = path_open(path, O_RDONLY | O_DIRECTORY);
    int procs = folder < 0 ? -1 : openat(folder, "cgroup.procs", O_WRONLY | O_CLOEXEC);
    if (procs < 0 || write(procs, "0", 1) < 0 || unshare(CLONE_NEWCGROUP) < 0)
        step_failed("cgroup", path);
    close(procs);
    close(folder);
}

/* No rights, and no way to any: not by a setuid program, nor by one with capabilities of its own. */
static void become(uid_t uid, gid_t gid)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    for (int each = 0; prctl(PR_CAPBSET_READ, each) >= 0; each++)
        if (prctl(PR_CAPBSET_DROP, each) < 0)
            step_failed("capabilities", "");
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        step_failed("user", "");
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        step_failed("capabilities", "");
}

static void execute(const struct step *step, int agent)
{
    char name[] = "agent", how[] = "--carried";
    char *argv[] = {name, how, NULL}, *envp[] = {NULL};
    sigset_t none;
    sigemptyset(&none);
    enter_root(step->texts[0]);
    become(step->numbers[0], step->numbers[1]);
    if (setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0 || close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        step_failed("start", "");
    umask(022);
    syscall(SYS_execveat, agent, "", argv, envp, AT_EMPTY_PATH);
    step_failed("start", "agent");
}

static void do_step(const struct step *step, int agent)
{
    switch (step->tag) {
    case 't': set_clock(step); break;
    case 'e': take_entropy(step); break;
    case 'd': make_folders(step); break;
    case 'F': make_file(step); break;
    case 'A': append_there(step); break;
    case 'o': own_there(step); break;
    case 'L': make_link(step); break;
    case 'w':
    case 'W': write_there(step); break;
    case 'm':
    case 'M': mount_there(step); break;
    case 'k': make_device(step); break;
    case 'l': make_network(step); break;
    case 'g': join_cgroup(step->texts[0]); break;
    case 'h':
        if (sethostname(step->texts[0], strlen(step->texts[0])) < 0)
            step_failed("host name", step->texts[0]);
        break;
    default: execute(step, agent);
    }
}

void moment_do(const uint8_t *bytes, size_t length)
{
    struct wire wire = {bytes, length};
    struct frame frame;
    struct step step;
    while (wire_next(&wire, &frame) == 1 && step_parse(&frame, &step))
        do_step(&step, -1);
}

void steps_do(const uint8_t *bytes, size_t length, int agent)
{
    struct wire wire = {bytes, length};
    struct frame frame;
    struct step step;
    umask(0);
    while (wire_next(&wire, &frame) == 1 && step_parse(&frame, &step))
        do_step(&step, agent);
}
