/*
 * What bubblewrap can't make itself stands on a small tree at STAGE, in a mount namespace of the worker's own:
 *   STAGE/g0, g1 …   the granted host paths, each a detached clone with nosuid and nodev, read-only unless granted live,
 *                    idmapped where asked
 *   STAGE/s/0, 1 …   the scratch folders: one file system, bounded in bytes and inodes
 *   STAGE/e          the sandbox's own /etc
 *   STAGE/d          a /dev, for an OCI runtime (devices.c)
 *   STAGE/b          what an OCI runtime is told, and keeps (oci.c)
 *   STAGE/p          all of /proc, for gVisor with a network (sentry.c)
 *   STAGE/r, o, t    a root that is a folder of the host's, the sandbox's own layer over it, and the two as one (tree.c);
 *                    the sandbox's own /etc is in that layer then
 * bubblewrap binds from there. STAGE covers /sys, which a sandbox never shows.
 */
#include "cell.h"
#include "../walls.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUPS STAGE "/fs/cgroup"

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* Policies name canonical paths. A symlink on the way now was put there since: refuse, don't follow. */
static int open_canonical(const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    if (!WALL("grant-without-links"))
        how.resolve = 0;
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

static void write_file(const char *step, const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail(step, path);
    close(fd);
}

/*
 * A user namespace whose one mapping shows the files of `owner` as the sandbox's uid. The mapping lives in the
 * namespace, so a child holds it just long enough for it to be opened.
 */
static int mapping_of(const struct stat *owner, uid_t uid)
{
    int ready[2], hold[2];
    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(hold, O_CLOEXEC) < 0)
        fail("idmap", "pipe");
    pid_t child = fork();
    if (child < 0)
        fail("idmap", "fork");
    if (child == 0) {
        char byte = 1;
        close(hold[1]);
        if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], &byte, 1) == 1)
            while (read(hold[0], &byte, 1) < 0 && errno == EINTR)
                continue;
        _exit(0);
    }
    close(ready[1]);
    char byte, path[64], line[64];
    if (read(ready[0], &byte, 1) != 1)
        fail("idmap", "unshare");
    snprintf(path, sizeof path, "/proc/%d/uid_map", (int)child);
    snprintf(line, sizeof line, "%u %u 1", (unsigned)owner->st_uid, (unsigned)uid);
    write_file("idmap", path, line);
    snprintf(path, sizeof path, "/proc/%d/gid_map", (int)child);
    snprintf(line, sizeof line, "%u %u 1", (unsigned)owner->st_gid, (unsigned)uid);
    write_file("idmap", path, line);
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)child);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace < 0)
        fail("idmap", "namespace");
    close(hold[1]);
    close(hold[0]);
    close(ready[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return namespace;
}

static int clone_tree(const struct grant *grant, uid_t uid)
{
    struct stat found;
    int path = open_canonical(grant->path);
    if (path < 0 || fstat(path, &found) < 0)
        fail("grant", grant->path);
    int tree = (int)syscall(SYS_open_tree, path, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        fail("grant", grant->path);
    uint64_t plain = WALL("grant-nodev") ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV : 0;
    struct mount_attr seal = {.attr_set = plain | (grant->writable ? 0 : MOUNT_ATTR_RDONLY)};
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &seal, sizeof seal) < 0)
        fail("grant", grant->path);
    if (grant->idmap) {
        struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)mapping_of(&found, uid)};
        if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &map, sizeof map) < 0)
            fail("grant-idmap", grant->path);
        close((int)map.userns_fd);
    }
    close(path);
    return tree;
}

static void attach(int tree, int index)
{
    char target[32];
    struct stat kind;
    snprintf(target, sizeof target, STAGE "/g%d", index);
    if (fstat(tree, &kind) < 0)
        fail("grant", target);
    int made = S_ISDIR(kind.st_mode) ? mkdir(target, 0755) : mknod(target, S_IFREG | 0644, 0);
    if (made < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("grant", target);
    close(tree);
}

/* Read-only like a read grant, and under its own owners: who may not read a file of it on the host may not inside. */
static void attach_tree(const struct request *request)
{
    struct grant whole = {.path = request->tree, .idmap = false, .writable = false};
    int tree = clone_tree(&whole, 0);
    if (mkdir(TREE, 0755) < 0 || mkdir(TREE_ROOT, 0755) < 0 ||
        syscall(SYS_move_mount, tree, "", AT_FDCWD, TREE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("root", request->tree);
    close(tree);
}

/*
 * A clone brings along what is mounted below: a chroot's /proc would show the host's processes. Looked at where it is
 * attached, so that what was checked is what is shown.
 */
static void refuse_kernel_files(const struct request *request)
{
    static const char *const kinds[] = {"proc",      "sysfs",      "cgroup",    "cgroup2", "devtmpfs",   "devpts",      "mqueue",
                                        "debugfs",   "tracefs",    "securityfs", "bpf",     "efivarfs",   "selinuxfs",   "configfs",
                                        "fusectl",   "pstore",     "nsfs",      "autofs",  "rpc_pipefs", "binfmt_misc"};
    char *line = NULL;
    size_t room = 0;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    if (mounts == NULL)
        fail("grant", "mountinfo");
    while (getline(&line, &room, mounts) > 0) {
        const char *point = line, *type = strstr(line, " - ");
        for (int field = 0; field < 4 && point != NULL; field++)
            point = strchr(point, ' ') != NULL ? strchr(point, ' ') + 1 : NULL;
        if (point == NULL || type == NULL || strncmp(point, STAGE "/g", sizeof STAGE "/g" - 1) != 0)
            continue;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strncmp(type + 3, kinds[i], strlen(kinds[i])) == 0 && type[3 + strlen(kinds[i])] == ' ') {
                int index = atoi(point + sizeof STAGE "/g" - 1);
                errno = EPERM;
                fail("grant-kernel", index < request->grant_count ? request->grants[index].path : "");
            }
    }
    free(line);
    fclose(mounts);
}

/* runc does not start without a /sys/fs/cgroup to look at. No container sees it: none has a /sys. */
static int clone_groups(void)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, GROUPS, AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr seal = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (tree >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &seal, sizeof seal) < 0)
        fail("stage", GROUPS);
    return tree;
}

static void attach_groups(int tree)
{
    if (mkdir(STAGE "/fs", 0755) < 0 || mkdir(GROUPS, 0755) < 0 ||
        syscall(SYS_move_mount, tree, "", AT_FDCWD, GROUPS, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("stage", GROUPS);
    close(tree);
}

static void stage_base(const struct request *request)
{
    int trees[MAX_GRANTS];
    int count = request->grant_count;
    uid_t uid = (uid_t)(request->uid_base + (uint32_t)getpid());
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        fail("stage", "private");
    for (int i = 0; i < count; i++)
        trees[i] = clone_tree(&request->grants[i], uid);
    int groups = request->config != NULL ? clone_groups() : -1;
    if (mount("stage", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k,nr_inodes=256") < 0)
        fail("stage", STAGE);
    if (mkdir(STAGE "/s", 0755) < 0 || mkdir(STAGE "/e", 0755) < 0)
        fail("stage", STAGE "/s");
    if (tree_layered(request) && mkdir(TREE_OWN, 0755) < 0)
        fail("stage", TREE_OWN);
    if (request->config != NULL && (mkdir(DEVICES, 0755) < 0 || mkdir(BUNDLE, 0755) < 0 || mkdir(WHOLE_PROC, 0755) < 0))
        fail("stage", BUNDLE);
    if (request->tree != NULL)
        attach_tree(request);
    if (groups >= 0)
        attach_groups(groups);
    for (int i = 0; i < count; i++)
        attach(trees[i], i);
    if (count > 0)
        refuse_kernel_files(request);
}

void stage_as_root(const struct request *request)
{
    if (unshare(CLONE_NEWNS) < 0)
        fail("stage", "unshare");
    stage_base(request);
}

static void own_files(const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    const char *folder = tree_layered(request) ? TREE_OWN "/etc" : STAGE "/e";
    if (!tree_layered(request) && mount("etc", folder, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=256") < 0)
        fail("own-files", folder);
    while (wire_next(&wire, &frame) == 1) {
        if (frame.tag != 'e')
            continue;
        const char *name = (const char *)frame.bytes;
        size_t skip = strlen(name) + 1;
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0 || write(fd, frame.bytes + skip, frame.length - skip) != (ssize_t)(frame.length - skip))
            fail("own-files", name);
        close(fd);
    }
}

void stage_in_namespace(const struct settings *settings, const struct request *request, bool staged)
{
    if (!staged)
        stage_base(request);
    char options[128], path[64];
    snprintf(options, sizeof options, "mode=0755,size=%llu,nr_inodes=%llu", (unsigned long long)request->scratch_bytes,
             (unsigned long long)request->scratch_inodes);
    if (mount("scratch", STAGE "/s", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        fail("scratch", options);
    for (int i = 0; i < request->place_count; i++) {
        snprintf(path, sizeof path, STAGE "/s/%d", i);
        if (mkdir(path, 0700) < 0 || chmod(path, request->places[i]) < 0)
            fail("scratch", path);
    }
    tree_nested(request);
    if (tree_layered(request))
        tree_own(settings, request);
    own_files(request);
    if (request->tree != NULL)
        tree_mount(settings);
}
