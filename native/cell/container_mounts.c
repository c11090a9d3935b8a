/*
 * What no engine has words for, done to a container's mounts before its job starts, by a process of cell's that enters its mount
 * namespace for that. Each path is found without following a link, see container_paths.c.
 */
#include "cell.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* Nothing of the container is shown here for long: it is taken away in the end. */
#define STAGED "/sys"

static void change(const char *path, unsigned how_far, uint64_t set, uint64_t clear, uint64_t propagation)
{
    struct mount_attr how = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    int at = container_open(path);
    if (syscall(SYS_mount_setattr, at, "", how_far | AT_EMPTY_PATH, &how, sizeof how) < 0)
        fail("container-mounts", path);
    close(at);
}

static int tree_at(const char *path, unsigned how_far)
{
    int at = container_open(path);
    int tree = (int)syscall(SYS_open_tree, at, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | how_far);
    if (tree < 0)
        fail("container-mounts", path);
    close(at);
    return tree;
}

static void put(int tree, const char *path)
{
    int at = container_open(path);
    if (syscall(SYS_move_mount, tree, "", at, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        fail("container-mounts", path);
    close(at);
    close(tree);
}

static void make_parents(char *path)
{
    for (char *slash = strchr(path + strlen(STAGED) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            fail("container-mounts", path);
        *slash = '/';
    }
}

/*
 * In place of those that the engine was told of, which are files of the host: the list of mounts, which the job reads, would say
 * where. These are of a file system without a name, at the path that they have inside.
 */
static void own_file(const struct frame *frame)
{
    char staged[PATH_MAX];
    const char *path = (const char *)frame->bytes;
    size_t name = strlen(path) + 1, length = frame->length - name;
    snprintf(staged, sizeof staged, STAGED "%s", path);
    make_parents(staged);
    int file = open(staged, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (file < 0 || write(file, frame->bytes + name, length) != (ssize_t)length)
        fail("container-mounts", path);
    close(file);
    container_uncover(path);
    put(tree_at(staged, 0), path);
    change(path, 0, MOUNT_ATTR_RDONLY, 0, 0);
}

static void own_files(const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    if (mount("own", STAGED, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=16m,nr_inodes=128") < 0)
        fail("container-mounts", "own files");
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'w')
            own_file(&frame);
}

/* A folder of the job's for each place, all of one file system: an engine has but one for each, with a bound of its own. */
static void stage_scratch(const struct request *request)
{
    char options[96], folder[32];
    snprintf(options, sizeof options, "mode=0755,size=%llu,nr_inodes=%llu", (unsigned long long)request->scratch_bytes,
             (unsigned long long)request->scratch_inodes);
    if (mount("scratch", STAGED, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        fail("container-mounts", "scratch");
    for (int i = 0; i < request->place_count; i++) {
        snprintf(folder, sizeof folder, STAGED "/%d", i);
        if (mkdir(folder, 0700) < 0 || chown(folder, request->owner, request->owner) < 0 || chmod(folder, request->places[i]) < 0)
            fail("container-mounts", folder);
    }
}

/* `W`: its places, outer ones first; `N`: what is mounted in them, which goes with what it is mounted in, and comes back. */
static void scratch(const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    struct {
        struct frame frame;
        int tree;
    } nested[MAX_GRANTS];
    int count = 0, places = 0;
    char folder[32];
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'N' && count < MAX_GRANTS) {
            const char *path = (const char *)frame.bytes + 1;
            nested[count].frame = frame;
            nested[count++].tree = tree_at(path, AT_RECURSIVE);
        }
    wire = (struct wire){request->body.at, request->body.left};
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'W' && places < request->place_count) {
            const char *path = (const char *)frame.bytes;
            snprintf(folder, sizeof folder, STAGED "/%d", places++);
            container_uncover(path);
            container_point(path, true);
            put(tree_at(folder, 0), path);
        }
    for (int i = 0; i < count; i++) {
        const char *path = (const char *)nested[i].frame.bytes + 1;
        container_point(path, nested[i].frame.bytes[0] == POINT_FOLDER);
        put(nested[i].tree, path);
    }
    container_uncover(STAGED);
}

/* What engines mount without being asked, and the folders with it. */
static void take_away(void)
{
    container_uncover("/dev/mqueue");
    (void)rmdir("/dev/mqueue");
    container_uncover("/sys");
    change("/", 0, 0, MOUNT_ATTR_RDONLY, 0);
    if (rmdir("/sys") < 0 && errno != ENOENT)
        fail("container-mounts", "/sys");
    change("/", 0, MOUNT_ATTR_RDONLY, 0, 0);
}

static void finish(const struct request *request)
{
    stage_scratch(request);
    scratch(request);
    own_files(request);
    take_away();
    change("/", AT_RECURSIVE, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, MS_PRIVATE);
    change("/dev", AT_RECURSIVE, 0, MOUNT_ATTR_NODEV, 0);
    int shm = container_find("/dev/shm");
    if (shm >= 0)
        change("/dev/shm", 0, MOUNT_ATTR_NODEV, 0, 0);
    change("/dev", 0, MOUNT_ATTR_RDONLY, 0, 0);
    /* what is mounted in it are masks; its own files say themselves who may write */
    change("/proc", AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, 0);
    change("/proc", 0, 0, MOUNT_ATTR_RDONLY, 0);
}

void container_mounts(const struct request *request, int held)
{
    int status;
    pid_t child = fork();
    if (child < 0)
        fail("container-mounts", "fork");
    if (child == 0) {
        if (setns(held, CLONE_NEWNS) < 0)
            fail("container-mounts", "its mount namespace");
        finish(request);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        _exit(1); /* it said why */
}
