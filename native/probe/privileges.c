/* Who it is, and becoming somebody else. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int a_no_new_privileges(char **args)
{
    (void)args;
    say_number(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    return 0;
}

static int a_status(char **args)
{
    char line[512];
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return errno;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, args[0], strlen(args[0])) == 0 && line[strlen(args[0])] == ':')
            say_text(line + strlen(args[0]) + 2);
    fclose(file);
    return 0;
}

static int a_ids(char **args)
{
    (void)args;
    gid_t groups[64];
    int count = getgroups(64, groups);
    say_number(geteuid());
    say_number(getegid());
    for (int i = 0; i < count; i++)
        say_number(groups[i]);
    return 0;
}

static int a_setuid(char **args)
{
    return result(setuid((uid_t)atoi(args[0])));
}

static int a_setuid_file(char **args)
{
    int fd = open(args[0], O_WRONLY | O_CREAT, 0700);
    if (fd < 0)
        return errno;
    int outcome = result(fchmod(fd, 04755));
    struct stat found;
    if (outcome == 0 && fstat(fd, &found) == 0 && (found.st_mode & S_ISUID) == 0)
        outcome = EPERM;
    close(fd);
    unlink(args[0]);
    return outcome;
}

static int a_device(char **args)
{
    int outcome = result(mknod(args[0], S_IFCHR | 0600, makedev(1, 1)));
    unlink(args[0]);
    return outcome;
}

static int a_capget(char **args)
{
    (void)args;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{0}};
    if (syscall(SYS_capget, &header, sets) < 0)
        return errno;
    unsigned any = 0;
    for (int i = 0; i < 2; i++)
        any |= sets[i].effective | sets[i].permitted | sets[i].inheritable;
    return any != 0 ? 0 : EPERM;
}

/* Any capability that it may add to those that it has, in any set: none is left to be raised. */
static int a_raise_capability(char **args)
{
    (void)args;
    for (unsigned long each = 0; each < 64; each++)
        if (prctl(PR_CAPBSET_READ, each, 0, 0, 0) == 1)
            return 0;
    return EPERM;
}

static int a_setgid(char **args)
{
    return result(setgid((gid_t)atoi(args[0])));
}

static int a_setgroups(char **args)
{
    gid_t group = (gid_t)atoi(args[0]);
    return result(setgroups(1, &group));
}

static int a_setfsuid(char **args)
{
    setfsuid((uid_t)atoi(args[0]));
    return setfsuid((uid_t)-1) == atoi(args[0]) ? 0 : EPERM;
}

/* On a file of its own: version 2 of vfs_cap_data, all that there is, effective. */
static int a_file_capability(char **args)
{
    static const unsigned char all[20] = {1, 0, 0, 2, 255, 255, 255, 255, 0, 0, 0, 0, 255, 1, 0, 0};
    char path[4200];
    snprintf(path, sizeof path, "%s/capable-%d", args[0], (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT, 0700);
    if (fd < 0)
        return errno;
    int outcome = result(setxattr(path, "security.capability", all, sizeof all, 0));
    close(fd);
    unlink(path);
    return outcome;
}

const struct attempt privileges_attempts[] = {
    {"status", a_status},
    {"no-new-privileges", a_no_new_privileges},
    {"ids", a_ids},
    {"setuid", a_setuid},
    {"setuid-file", a_setuid_file},
    {"device", a_device},
    {"capget", a_capget},
    {"raise-capability", a_raise_capability},
    {"setgid", a_setgid},
    {"setgroups", a_setgroups},
    {"setfsuid", a_setfsuid},
    {"file-capability", a_file_capability},
    {NULL, NULL},
};
