/* In the mount namespace that is the agent's later. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's <sys/mount.h> and the kernel's <linux/mount.h> define the same things, and older ones of each not together */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#define DETACH 2

/* A name for what was found without following a link: mount(2) takes no descriptor. */
struct held {
    int fd;
    char path[32];
};

static struct held hold(const char *path)
{
    struct held held = {.fd = path_open(path, O_PATH)};
    if (held.fd < 0)
        step_failed("mount", path);
    snprintf(held.path, sizeof held.path, "/proc/self/fd/%d", held.fd);
    return held;
}

static const struct {
    unsigned long flag;
    uint64_t attribute;
} ATTRIBUTES[] = {
    {MS_RDONLY, MOUNT_ATTR_RDONLY},   {MS_NOSUID, MOUNT_ATTR_NOSUID},   {MS_NODEV, MOUNT_ATTR_NODEV},
    {MS_NOEXEC, MOUNT_ATTR_NOEXEC},   {MS_NOATIME, MOUNT_ATTR_NOATIME}, {MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW},
};

/* A bind takes no flags with it; they are set on all that came with it. */
static void bind(const struct step *step, const char *target)
{
    unsigned long rest = step->wide & ~(unsigned long)(MS_BIND | MS_REC);
    struct mount_attr wanted = {0};
    for (size_t i = 0; i < sizeof ATTRIBUTES / sizeof *ATTRIBUTES; i++)
        if (rest & ATTRIBUTES[i].flag) {
            wanted.attr_set |= ATTRIBUTES[i].attribute;
            rest &= ~ATTRIBUTES[i].flag;
        }
    if (wanted.attr_set & MOUNT_ATTR_NOATIME)
        wanted.attr_clr = MOUNT_ATTR__ATIME;
    errno = EINVAL;
    if (rest != 0)
        step_failed("bind", step->texts[2]);
    struct held source = hold(step->texts[1]);
    if (mount(source.path, target, NULL, step->wide & (MS_BIND | MS_REC), NULL) < 0)
        step_failed("bind", step->texts[2]);
    close(source.fd);
    if (wanted.attr_set == 0)
        return;
    struct held made = hold(step->texts[2]);
    if (syscall(SYS_mount_setattr, made.fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted) < 0)
        step_failed("bind", step->texts[2]);
    close(made.fd);
}

/* What one kernel shows another has not: there is nothing to cover then. */
static bool is_absent(const char *path)
{
    int fd = path_open(path, O_PATH);
    if (fd >= 0)
        close(fd);
    return fd < 0 && (errno == ENOENT || errno == ENOTDIR);
}

void mount_there(const struct step *step)
{
    const char *type = step->texts[0], *data = step->texts[3];
    if (step->tag == 'M' && is_absent(step->texts[2]))
        return;
    struct held target = hold(step->texts[2]);
    if (step->wide & MS_BIND && !(step->wide & MS_REMOUNT))
        bind(step, target.path);
    else if (mount(step->texts[1], target.path, type, (unsigned long)step->wide, *data != 0 ? data : NULL) < 0)
        step_failed("mount", step->texts[2]);
    close(target.fd);
}

/* Nothing of this machine's own root is reached from there, whatever the rights. */
void enter_root(const char *path)
{
    int root = path_open(path, O_RDONLY | O_DIRECTORY);
    if (root < 0 || fchdir(root) < 0)
        step_failed("root", path);
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", DETACH) < 0 || chdir("/") < 0)
        step_failed("root", path);
    close(root);
}
