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
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The layer is a file system that was made just now: no link of anybody's can be in the way. */
static void make_folders(char *path)
{
    for (char *at = path + sizeof TREE_OWN; (at = strchr(at, '/')) != NULL; at++) {
        *at = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            fail("root", path);
        *at = '/';
    }
}

static void make_point(int grant, const char *inside)
{
    char path[sizeof TREE_OWN + MAX_TEXT], granted[32];
    struct stat kind = {.st_mode = grant == POINT_FILE ? S_IFREG : S_IFDIR};
    snprintf(granted, sizeof granted, STAGE "/g%d", grant);
    if (snprintf(path, sizeof path, TREE_OWN "%s", inside) >= (int)sizeof path ||
        (grant < MAX_GRANTS && lstat(granted, &kind) < 0))
        fail("root", inside);
    make_folders(path);
    int made = S_ISDIR(kind.st_mode) ? mkdir(path, 0755) : mknod(path, S_IFREG | 0444, 0);
    if (made < 0 && errno != EEXIST)
        fail("root", inside);
}

void tree_own(const struct request *request)
{
    struct wire wire = {request->body.at, request->body.left};
    struct frame frame;
    if (mount("own", TREE_OWN, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m,nr_inodes=2048") < 0)
        fail("root", TREE_OWN);
    make_point(POINT_FOLDER, "/etc");
    make_point(POINT_FOLDER, "/var");
    if (symlink("/tmp", TREE_OWN "/var/tmp") < 0) /* as where the root is the host's programs */
        fail("root", TREE_OWN "/var/tmp");
    while (wire_next(&wire, &frame) == 1)
        if (frame.tag == 'm')
            make_point(frame.bytes[0], (const char *)frame.bytes + 1);
}

/* nofollow: a folder of the tree can't say by an attribute that its contents are elsewhere. */
void tree_mount(void)
{
    if (mount("root", TREE_ROOT, "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV,
              "lowerdir=" TREE_OWN ":" TREE ",redirect_dir=nofollow,metacopy=off,index=off,xino=off") < 0)
        fail("root", "overlay");
}
