/*
 * Where a step's path leads. Below the job's root lies what an image holds: a link there could lead a step to another place of
 * this machine, so none is followed, on the whole way (openat2(2)).
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

static int open_in(const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

int path_open(const char *path, int flags)
{
    return open_in(path, (uint64_t)flags);
}

int path_parent(const char *path, const char **name)
{
    char folder[MAX_TEXT];
    const char *slash = strrchr(path, '/');
    size_t length = (size_t)(slash - path);
    *name = slash + 1;
    memcpy(folder, path, length);
    folder[length] = 0;
    return open_in(length == 0 ? "/" : folder, O_PATH | O_DIRECTORY);
}
