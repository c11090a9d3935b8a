/*
 * Paths in a container's mount namespace, which are walked a step at a time, or by openat2, and never through a symbolic link: what lies
 * there is an engine's, an image's and a grant's, and a link among it would lead a mount of ours astray.
 */
#include "cell.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int step_into(int folder, const char *path, unsigned flags)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | flags,
                           .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
}

static int root_folder(void)
{
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        fail("container-mounts", "/");
    return root;
}

int container_below(int root, const char *path)
{
    return step_into(root, path, 0);
}

int container_find(const char *path)
{
    int root = root_folder(), found = container_below(root, path), error = errno;
    close(root);
    errno = error;
    return found;
}

int container_open(const char *path)
{
    int found = container_find(path);
    if (found < 0)
        fail("container-mounts", path);
    return found;
}

/* The folder above `path`, whose last step is `name`. */
static int above(const char *path, const char **name, bool make)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = root_folder();
    char *step = copy + 1;
    for (char *slash; (slash = strchr(step, '/')) != NULL; step = slash + 1) {
        *slash = 0;
        if (make && mkdirat(folder, step, 0755) < 0 && errno != EEXIST && errno != EROFS)
            fail("container-mounts", path);
        int next = step_into(folder, step, O_DIRECTORY);
        if (next < 0)
            fail("container-mounts", path);
        close(folder);
        folder = next;
    }
    *name = path + (step - copy);
    return folder;
}

void container_point(const char *path, bool folder)
{
    const char *name;
    int at = above(path, &name, true);
    int made = folder ? mkdirat(at, name, 0755) : openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (made < 0 && errno != EEXIST && errno != EROFS)
        fail("container-mounts", path);
    if (!folder && made >= 0)
        close(made);
    close(at);
}

/* umount2 takes no descriptor, and a process of another pid namespace has no /proc/self here: so from the folder above. */
void container_uncover(const char *path)
{
    int found = container_find(path);
    if (found < 0 && errno == ENOENT)
        return;
    if (found < 0)
        fail("container-mounts", path);
    close(found);
    const char *name;
    int at = above(path, &name, false);
    if (fchdir(at) < 0)
        fail("container-mounts", path);
    while (umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        continue;
    if (errno != EINVAL || chdir("/") < 0)
        fail("container-mounts", path);
    close(at);
}
