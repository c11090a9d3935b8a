/*
 * Where an engine's runtime is gVisor's runsc, the container's mounts are its gofer's, a process of root's that opens files for the sentry. The
 * sentry asks only for what its own mounts allow; one that was taken over asks for anything. So what the engine had no words for holds
 * in the gofer's mounts, too: read-only, but for scratch, nosuid and nodev, and private.
 */
#include "cell.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* Below `root`, which is not the namespace's; through no link, see container_paths.c. */
static void change(int root, const char *path, unsigned how_far, uint64_t set, uint64_t clear, uint64_t propagation)
{
    struct mount_attr how = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    int at = container_below(root, path);
    if (at < 0 || syscall(SYS_mount_setattr, at, "", how_far | AT_EMPTY_PATH, &how, sizeof how) < 0)
        fail("gofer-mounts", path);
    close(at);
}

static void seal(const struct request *request, int root)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    change(root, "/", AT_RECURSIVE, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, MS_PRIVATE);
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'W')
            change(root, (const char *)frame.bytes, 0, 0, MOUNT_ATTR_RDONLY, 0);
}

void gofer_mounts(const struct request *request)
{
    char path[64];
    int status, held = hold_process(request, request->gofer);
    snprintf(path, sizeof path, "/proc/%d/root", (int)request->gofer);
    /* which it is, a process id still names; whose it is, was looked at */
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail("gofer-mounts", "root");
    pid_t child = fork();
    if (child < 0)
        fail("gofer-mounts", "fork");
    if (child == 0) {
        if (setns(held, CLONE_NEWNS) < 0)
            fail("gofer-mounts", "its mount namespace");
        seal(request, root);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        _exit(1); /* it said why */
    close(root);
    close(held);
}
