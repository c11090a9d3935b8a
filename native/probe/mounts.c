/* Mounts and roots, by the older and the newer calls. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static int a_mount(char **args)
{
    int outcome = result(mount("none", args[0], "tmpfs", 0, NULL));
    if (outcome == 0)
        umount2(args[0], MNT_DETACH);
    return outcome;
}

static int a_remount(char **args)
{
    return result(mount(NULL, args[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int a_umount(char **args)
{
    return result(umount2(args[0], MNT_DETACH));
}

static int a_chroot(char **args)
{
    return result(chroot(args[0]));
}

static int a_fs_mount(char **args)
{
    int fs = (int)syscall(SYS_fsopen, "tmpfs", 0);
    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return errno;
    int tree = (int)syscall(SYS_fsmount, fs, 0, 0);
    if (tree < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, args[0], MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return errno;
    umount2(args[0], MNT_DETACH);
    return 0;
}

static int a_open_tree(char **args)
{
    return result(syscall(SYS_open_tree, AT_FDCWD, args[0], OPEN_TREE_CLONE));
}

/* Changes nothing, but only for who may change mounts. */
static int a_mount_setattr(char **args)
{
    struct mount_attr none = {0};
    return result(syscall(SYS_mount_setattr, AT_FDCWD, args[0], 0, &none, sizeof none));
}

static int a_fspick(char **args)
{
    return result(syscall(SYS_fspick, AT_FDCWD, args[0], 0));
}

static int a_pivot_root(char **args)
{
    /* onto itself and not a mount: the kernel that looks at it says so in another word than EPERM */
    int outcome = result(syscall(SYS_pivot_root, args[0], args[0]));
    return outcome == EINVAL || outcome == EBUSY ? 0 : outcome;
}

static int a_move_mount(char **args)
{
    int outcome = result(syscall(SYS_move_mount, AT_FDCWD, args[0], AT_FDCWD, args[0], 0));
    return outcome == EINVAL || outcome == ELOOP ? 0 : outcome;
}

static int a_bind(char **args)
{
    int outcome = result(mount(args[0], args[1], NULL, MS_BIND | MS_REC, NULL));
    if (outcome == 0)
        umount2(args[1], MNT_DETACH);
    return outcome;
}

const struct attempt mounts_attempts[] = {
    {"mount", a_mount},
    {"remount", a_remount},
    {"umount", a_umount},
    {"chroot", a_chroot},
    {"fs-mount", a_fs_mount},
    {"open-tree", a_open_tree},
    {"mount-setattr", a_mount_setattr},
    {"fspick", a_fspick},
    {"pivot-root", a_pivot_root},
    {"move-mount", a_move_mount},
    {"bind", a_bind},
    {NULL, NULL},
};
