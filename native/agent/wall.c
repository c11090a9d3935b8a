/*
 * The second wall for files: Landlock, where the kernel has it. The first is the mount namespace; this one holds when a
 * mount shows more than it should, and for what no mount forbids, such as writing to a fifo in a read-only grant.
 *
 * A third, where AppArmor or SELinux runs and has a profile or domain for jobs.
 *
 * Rights are checked where a file is opened, made, renamed or executed; what is open already stays open.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In ABI 1 nothing may be renamed from one folder to another, whatever is granted: most programs would break. */
#define OLDEST_ABI 2
/* ABI 2 knows the rights up to 1 << 13 (moving between folders), ABI 3 truncating, ABI 5 ioctl on devices. */
#define RIGHTS_ABI_2 0x3fffu
#define RIGHTS_ABI_3 0x7fffu
#define RIGHTS_ABI_5 0xffffu
/* Executing, writing, reading, truncating, ioctl: all that a rule on anything but a folder may grant. */
#define RIGHTS_OF_FILES 0xc007u

static uint64_t rights_of(uint32_t abi)
{
    return abi >= 5 ? RIGHTS_ABI_5 : abi >= 3 ? RIGHTS_ABI_3 : RIGHTS_ABI_2;
}

/* Which ABI of Landlock is used here; 0: none. */
uint32_t wall_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi >= OLDEST_ABI ? (uint32_t)abi : 0;
}

static int allow_beneath(int ruleset, uint64_t handled, const struct place *place)
{
    struct stat found;
    int fd = open(place->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int error = 0;
    struct landlock_path_beneath_attr beneath = {.allowed_access = place->rights & handled, .parent_fd = fd};
    if (fstat(fd, &found) < 0)
        error = errno;
    else if (!S_ISDIR(found.st_mode))
        beneath.allowed_access &= RIGHTS_OF_FILES;
    /* a rule that grants nothing is an error to the kernel, and is what having no rule means */
    if (error == 0 && beneath.allowed_access != 0 &&
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
        error = errno;
    close(fd);
    return error;
}

/*
 * Nothing but `job->places` from here on, for this process and all that come from it. 0, also where the kernel has no Landlock
 * and none was promised (`job->landlock_least` is 0); an errno, with *about a path or what failed.
 */
int wall_build(const struct job *job, const char **about)
{
    *about = "landlock";
    if (job->place_count == 0)
        return 0;
    uint32_t abi = wall_abi();
    if (abi == 0 || abi < job->landlock_least)
        return job->landlock_least > 0 ? EOPNOTSUPP : 0;
    struct landlock_ruleset_attr attr = {.handled_access_fs = rights_of(abi)};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
    if (ruleset < 0)
        return errno;
    int error = 0;
    for (int i = 0; i < job->place_count && error == 0; i++)
        if ((error = allow_beneath(ruleset, attr.handled_access_fs, &job->places[i])) != 0)
            *about = job->places[i].path;
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        error = errno;
    close(ruleset);
    return error;
}

static int open_wish(enum security_module module)
{
    if (module == APPARMOR) {
        int fd = open("/proc/self/attr/apparmor/exec", O_WRONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
            return fd; /* Linux before 5.8 has only the file for whichever module there is, as SELinux always has */
    }
    return open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
}

/* The next program that this process executes runs under `job->label`. 0, or an errno, with *about the module. */
int wall_confine(const struct job *job, const char **about)
{
    char wish[512];
    *about = job->label_of == SELINUX ? "selinux" : "apparmor";
    if (job->label == NULL)
        return 0;
    int length = snprintf(wish, sizeof wish, "%s%s", job->label_of == SELINUX ? "" : "exec ", job->label);
    if (length < 0 || (size_t)length >= sizeof wish)
        return EINVAL;
    int fd = open_wish(job->label_of);
    if (fd < 0)
        return errno;
    ssize_t done = write(fd, wish, (size_t)length);
    int error = done == length ? 0 : done < 0 ? errno : EIO;
    close(fd);
    return error;
}
