/*
 * A root that is a folder of the host's, an unpacked image for example. What stands in it is not to be trusted: /proc or /etc
 * may be a symbolic link, /etc/passwd another, a place for a grant may be missing or a file. Nothing is therefore mounted on
 * anything of it. The sandbox's own layer has each place that something will be mounted on, and the files of /etc that are
 * its own, and lies over the tree (overlayfs, read-only, nothing above): where the layer has a folder and the tree anything
 * else, the tree's is gone; where both have a folder, what is in either is there.
 *
 * The overlay is made with the sandbox's own uid: what that may not read in the tree, the job can't through it.
 */
#include "cell.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/* The layer is a file system that was made just now: no link of anybody's can be in the way. */
static void make_folders(char *path, size_t below)
{
    for (char *at = path + below; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            fail("root", path);
        *at = '/';
    }
}

static void make_point(const char *below, int grant, const char *inside)
{
    char path[64 + MAX_TEXT], granted[32];
    struct stat kind = {.st_mode = grant == POINT_FILE ? S_IFREG : S_IFDIR};
    snprintf(granted, sizeof granted, STAGE "/g%d", grant);
    if (snprintf(path, sizeof path, "%s%s", below, inside) >= (int)sizeof path ||
        (grant < MAX_GRANTS && lstat(granted, &kind) < 0))
        fail("root", inside);
    make_folders(path, strlen(below) + 1);
    int made = S_ISDIR(kind.st_mode) ? mkdir(path, 0755) : mknod(path, S_IFREG | 0444, 0);
    if (made < 0 && errno != EEXIST)
        fail("root", inside);
}

static void make_link(const char *target)
{
    char path[sizeof TREE_OWN + MAX_TEXT];
    const char *inside = target + strlen(target) + 1;
    if (snprintf(path, sizeof path, TREE_OWN "%s", inside) >= (int)sizeof path)
        fail("root", inside);
    make_folders(path, sizeof TREE_OWN);
    if (symlink(target, path) < 0)
        fail("root", inside);
}

/*
 * runsc makes its root read-only by words that leave these out, which the kernel takes for an attempt to take them off. What was mounted
 * in a user namespace has no devices and no setuid programs all the same (alloc_super, mnt_may_suid).
 */
static unsigned long plain(const struct settings *settings)
{
    return settings->sentry ? 0 : MS_NOSUID | MS_NODEV;
}

/* bubblewrap makes a root of the host's programs from nothing; a runtime is given one. */
bool tree_layered(const struct request *request)
{
    return request->tree != NULL || request->config != NULL;
}

/*
 * Of the host's own, where it is the root: bound here, so that runsc has one folder to serve and not a connection for each. A link in
 * the last place now was put there since the host was looked at.
 */
static void show(const char *path)
{
    char place[sizeof TREE_OWN + MAX_TEXT];
    struct mount_attr seal = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    int shown = (int)syscall(SYS_open_tree, AT_FDCWD, path,
                             AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (shown < 0 || snprintf(place, sizeof place, TREE_OWN "%s", path) >= (int)sizeof place ||
        syscall(SYS_mount_setattr, shown, "", AT_EMPTY_PATH | AT_RECURSIVE, &seal, sizeof seal) < 0 ||
        syscall(SYS_move_mount, shown, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        fail("root", path);
    close(shown);
}

void tree_own(const struct settings *settings, const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    if (mount("own", TREE_OWN, "tmpfs", plain(settings), "mode=0755,size=4m,nr_inodes=2048") < 0)
        fail("root", TREE_OWN);
    make_point(TREE_OWN, POINT_FOLDER, "/etc");
    make_point(TREE_OWN, POINT_FOLDER, "/var");
    if (symlink("/tmp", TREE_OWN "/var/tmp") < 0) /* as where the root is the host's programs */
        fail("root", TREE_OWN "/var/tmp");
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'm')
            make_point(TREE_OWN, frame.bytes[0], (const char *)frame.bytes + 1);
        else if (frame.tag == 'l')
            make_link((const char *)frame.bytes);
        else if (frame.tag == 'h')
            show((const char *)frame.bytes);
    if (settings->sentry)
        sentry_agent(settings->agent);
}

/* Places for grants in scratch folders: made here, they are the job's like everything there. */
void tree_nested(const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    char place[32];
    while (wire_next(&wire, &frame) == 1) {
        if (frame.tag != 'M')
            continue;
        snprintf(place, sizeof place, STAGE "/s/%d", frame.bytes[0]);
        make_point(place, frame.bytes[1], (const char *)frame.bytes + 2);
    }
}

/* nofollow: a folder of the tree can't say by an attribute that its contents are elsewhere. */
void tree_mount(const struct settings *settings)
{
    if (mount("root", TREE_ROOT, "overlay", MS_RDONLY | plain(settings),
              "lowerdir=" TREE_OWN ":" TREE ",redirect_dir=nofollow,metacopy=off,index=off,xino=off") < 0)
        fail("root", "overlay");
}
