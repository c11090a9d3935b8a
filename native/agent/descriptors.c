/* What the job inherits: nothing but what it is given. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry {
    uint64_t inode, offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* By system calls alone: opendir(3) allocates, which a child of a process with threads must not. */
static int by_listing(void)
{
    _Alignas(struct entry) char entries[4096];
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno;
    long got;
    while ((got = syscall(SYS_getdents64, folder, entries, sizeof entries)) > 0)
        for (long at = 0; at < got;) {
            const struct entry *each = (const struct entry *)(const void *)(entries + at);
            int fd = atoi(each->name); /* 0: `.` and `..` */
            if (fd > 2 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
                return errno;
            at += each->length;
        }
    int error = got < 0 ? errno : 0;
    close(folder);
    return error;
}

/* All but 0, 1 and 2 are closed by the next exec. 0 or an errno. gVisor can close a range, but not mark one. */
int close_on_exec(void)
{
    if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? by_listing() : errno;
}
