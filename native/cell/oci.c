/*
 * Where an OCI runtime makes the wall. Two things differ from bubblewrap:
 *
 * A runtime wants a root in its container. So the worker's user namespace has two ids: 0 is the sandbox's own id, and 1000 a second
 * one. The container's namespace has them the other way round: its 1000, who is the job, is the sandbox's own id, which the
 * scratch folders and the pipes belong to; its root is the second, which owns nothing and which nobody runs as. A
 * process maps no id but its own, so a mapper outside of the namespace writes both.
 *
 * A runtime is a large program with threads of its own. The worker therefore starts it, waits until it is gone, and only then sets the
 * limits, says who the sandbox's first process is, and hands over what that one waits to be told by. From then on it does nothing
 * but wait.
 */
#include "cell.h"
#include "../walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB_ID 1000
#define SENTRY_ID 65534 /* gVisor's kernel of the job is this one; see sentry.c */
#define CONFIG BUNDLE "/config.json"
#define PID_FILE BUNDLE "/pid"

static pid_t wait_for(pid_t pid, int *status)
{
    pid_t got;
    while ((got = waitpid(pid, status, 0)) < 0 && errno == EINTR)
        continue;
    return got;
}

/* By shadow-utils' own programs, which look into /etc/subuid whether the user may. */
static void map_by(const char *program, pid_t worker, uint32_t own, uint32_t second, uint32_t third)
{
    char pid[16], first[16], other[16], more[16], job[16], sentry[16];
    snprintf(pid, sizeof pid, "%d", (int)worker);
    snprintf(first, sizeof first, "%u", own);
    snprintf(job, sizeof job, "%d", JOB_ID);
    snprintf(other, sizeof other, "%u", second);
    snprintf(sentry, sizeof sentry, "%d", SENTRY_ID);
    snprintf(more, sizeof more, "%u", third);
    char *argv[] = {(char *)(uintptr_t)program, pid, "0", first, "1", job, other, "1", sentry, more, "1", NULL}, *nothing[] = {NULL};
    if (third == 0)
        argv[8] = NULL;
    int status;
    pid_t child = fork();
    if (child < 0)
        fail("ids", "fork");
    if (child == 0) {
        execve(program, argv, nothing);
        fail("ids", program);
    }
    if (wait_for(child, &status) != child || status != 0) {
        errno = EPERM;
        fail("ids", program);
    }
}

static void write_map(pid_t worker, const char *file, uint32_t own, uint32_t second, uint32_t third)
{
    char path[64], map[96];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)worker, file);
    int used = snprintf(map, sizeof map, "0 %u 1\n%d %u 1\n", own, JOB_ID, second);
    if (third != 0)
        snprintf(map + used, sizeof map - (size_t)used, "%d %u 1\n", SENTRY_ID, third);
    write_own("ids", path, map);
}

void oci_start_mapper(const struct settings *settings, const struct request *request, struct mapper *mapper)
{
    int go[2];
    pid_t worker = getpid();
    if (pipe2(go, O_CLOEXEC) < 0)
        fail("ids", "pipe");
    mapper->pid = fork();
    if (mapper->pid < 0)
        fail("ids", "fork");
    if (mapper->pid > 0) {
        close(go[0]);
        mapper->go = go[1];
        return;
    }
    char byte;
    close(go[1]);
    if (read(go[0], &byte, 1) != 1)
        _exit(1); /* the worker is gone */
    if (request->own_uid) {
        uint32_t number = (uint32_t)worker, own = request->uid_base + number;
        write_map(worker, "uid_map", own, request->second_uid + number, request->third_uid == 0 ? 0 : request->third_uid + number);
        write_map(worker, "gid_map", own, request->second_gid + number, request->third_gid == 0 ? 0 : request->third_gid + number);
    } else if (settings->newuidmap != NULL && settings->newgidmap != NULL) {
        map_by(settings->newuidmap, worker, getuid(), request->second_uid, request->third_uid);
        map_by(settings->newgidmap, worker, getgid(), request->second_gid, request->third_gid);
    } else {
        errno = ENOENT;
        fail("ids", "newuidmap");
    }
    _exit(0);
}

/* Once the worker is in its namespace. */
void oci_map(struct mapper *mapper)
{
    int status;
    if (write(mapper->go, "", 1) != 1 || wait_for(mapper->pid, &status) != mapper->pid)
        fail("ids", "mapper");
    if (status != 0)
        _exit(1); /* it said why */
    close(mapper->go);
}

void oci_bundle(const struct settings *settings, const struct request *request)
{
    if (!settings->sentry)
        devices_stage();
    if (mount("bundle", BUNDLE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=64") < 0)
        fail("bundle", BUNDLE);
    int file = open(CONFIG, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 || write(file, request->config, request->config_size) != (ssize_t)request->config_size)
        fail("bundle", CONFIG);
    close(file);
    /* the container's own namespace, and none below it: counted by the namespace that it is made in */
    if (!settings->sentry && WALL("no-user-namespaces"))
        write_own("bundle", "/proc/sys/user/max_user_namespaces", "1");
}

_Noreturn static void become_runtime(const struct settings *settings, const struct request *request,
                                     const struct channels *channels, pid_t worker)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int sources[] = {null, null, 2, channels->inside[0], channels->inside[1], channels->inside[2], channels->inside[3],
                           settings->agent};
    const int targets[] = {0, 1, 2, FD_CONTROL, FD_STDIN, FD_STDOUT, FD_STDERR, FD_AGENT};
    place_descriptors(sources, targets, (int)(sizeof sources / sizeof *sources), FD_FIRST_FREE_OCI);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail("lifeline", "parent-death signal");
    if (getppid() != worker)
        _exit(1); /* it was killed before the signal was asked for */
    char *nothing[] = {NULL};
    execve(settings->wall, (char **)(uintptr_t)request->argv, nothing);
    fail("exec", settings->wall);
}

/* The runtime said that its container runs. */
static pid_t first_process(void)
{
    char text[16] = "";
    int file = open(PID_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
    long pid = got > 0 ? strtol(text, NULL, 10) : 0;
    if (pid <= 1) {
        errno = EBADMSG;
        fail("runtime", "no process");
    }
    close(file);
    return (pid_t)pid;
}

_Noreturn void oci_run(const struct settings *settings, const struct request *request, const struct channels *channels,
                       struct cgroup_writes *limits)
{
    int status;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) /* what a runtime leaves is ours */
        fail("runtime", "subreaper");
    /*
     * From here on it must not die with the launcher: the first process that runc makes waits without end for a runc that dies before it
     * has told it to start. When the launcher or Node goes now, the agent finds its lifeline closed as soon as it runs.
     */
    if (prctl(PR_SET_PDEATHSIG, 0) < 0)
        fail("lifeline", "parent-death signal");
    pid_t worker = getpid(), runtime = fork();
    if (runtime < 0)
        fail("runtime", "fork");
    if (runtime == 0)
        become_runtime(settings, request, channels, worker);
    if (wait_for(runtime, &status) != runtime || status != 0) {
        errno = ECHILD;
        fail("runtime", "it failed");
    }
    pid_t first = first_process();
    cgroup_set_limits(limits);
    dprintf(2, "{ \"child-pid\": %d }\n", (int)first);
    channels_hand_over(settings, request->id, channels);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || close_range(3, ~0u, 0) < 0)
        fail("descriptors", "close");
    (void)prctl(PR_SET_NAME, "cell: waits"); /* ps(1) tells it from a launcher */
    pid_t ended;
    while ((ended = waitpid(-1, &status, 0)) != first)
        if (ended < 0 && errno != EINTR)
            _exit(1); /* it is gone already, or was never ours */
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
