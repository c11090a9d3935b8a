/*
 * A /dev for an OCI runtime, which would mount its nodes without nosuid: the masks that it makes of /dev/null take their flags from there.
 * The same nodes as bubblewrap's.
 */
#include "cell.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A read-only mount takes no device's data from it: only its mode and its times can't be changed. */
static void bind_device(const char *name)
{
    char from[32], to[48];
    snprintf(from, sizeof from, "/dev/%s", name);
    snprintf(to, sizeof to, DEVICES "/%s", name);
    int node = (int)syscall(SYS_open_tree, AT_FDCWD, from, AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr plain = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
    if (node < 0 || syscall(SYS_mount_setattr, node, "", AT_EMPTY_PATH, &plain, sizeof plain) < 0 ||
        mknod(to, S_IFREG | 0444, 0) < 0 || syscall(SYS_move_mount, node, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("devices", from);
    close(node);
}

void devices_stage(void)
{
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const char *const links[][2] = {{"/proc/self/fd", DEVICES "/fd"},
                                           {"/proc/self/fd/0", DEVICES "/stdin"},
                                           {"/proc/self/fd/1", DEVICES "/stdout"},
                                           {"/proc/self/fd/2", DEVICES "/stderr"},
                                           {"pts/ptmx", DEVICES "/ptmx"}};
    if (mount("dev", DEVICES, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k,nr_inodes=32") < 0)
        fail("devices", DEVICES);
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
        bind_device(nodes[i]);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (symlink(links[i][0], links[i][1]) < 0)
            fail("devices", links[i][1]);
    if (mkdir(DEVICES "/pts", 0755) < 0 || mkdir(DEVICES "/shm", 0755) < 0)
        fail("devices", DEVICES "/pts");
}
