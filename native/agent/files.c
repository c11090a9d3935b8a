/*
 * Ways to files that lead where they say, whatever a job has put on them: each step is taken by descriptor, and none through a link. So a
 * file goes where it was meant to also where another command ran before.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int closed(int fd, int result)
{
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

/* The folder `name` in `parent`, which is closed. -1 with errno, a symbolic link's being ELOOP or ENOTDIR. */
int files_step(int parent, const char *name)
{
    return closed(parent, openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/* Goes down to the folder of the last component, which *name is. */
int files_descend(int fd, char *path, char **name)
{
    char *rest = path;
    for (char *slash; fd >= 0 && (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
        *slash = 0;
        fd = files_step(fd, rest);
        *slash = '/';
    }
    *name = rest;
    return fd;
}

int files_root(void)
{
    return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int step_made(int parent, const char *name)
{
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST && errno != EROFS)
        return closed(parent, -1);
    return files_step(parent, name);
}

/* Makes an absolute folder, and those above it. 0 or an errno. */
int files_folder(char *path)
{
    int fd = files_root();
    for (char *rest = path + 1, *slash; fd >= 0 && *rest != 0; rest = slash + 1) {
        slash = strchr(rest, '/');
        if (slash != NULL)
            *slash = 0;
        fd = step_made(fd, rest);
        if (slash == NULL)
            break;
        *slash = '/';
    }
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* A new file at an absolute path, in place of one that is there. -1 with errno, also where a folder is. */
int files_open(char *path, mode_t mode)
{
    char *name;
    int folder = files_descend(files_root(), path + 1, &name);
    if (folder < 0)
        return -1;
    if (unlinkat(folder, name, 0) < 0 && errno != ENOENT && errno != EROFS)
        return closed(folder, -1);
    return closed(folder, openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}
