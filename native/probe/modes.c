/* Every call that sets a mode: is there a file afterwards that runs as its owner, or a device? */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

enum { SETID = S_ISUID | S_ISGID };

static long by_open(const char *path, mode_t mode)
{
    return syscall(
#ifdef SYS_open
        SYS_open, path, O_WRONLY | O_CREAT, mode
#else
        SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, mode
#endif
    );
}

static long by_openat2(const char *path, mode_t mode)
{
    struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = mode};
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

/* A file without a name, which gets one when it is ready. */
static long by_tmpfile(const char *path, mode_t mode)
{
    char folder[4200], name[64];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    int fd = openat(AT_FDCWD, folder, O_TMPFILE | O_WRONLY, mode);
    if (fd < 0)
        return -1;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Calls that change the mode of a file that is there. */
static long on_file(const char *call, const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0700);
    if (fd < 0)
        return -1;
    if (strcmp(call, "fchmod") == 0)
        return fchmod(fd, mode);
    if (strcmp(call, "fchmodat") == 0)
        return syscall(SYS_fchmodat, AT_FDCWD, path, mode);
    if (strcmp(call, "fchmodat2") == 0)
        return syscall(SYS_fchmodat2, AT_FDCWD, path, mode, 0);
    if (strcmp(call, "fchmodat2-fd") == 0)
        return syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH);
    if (strcmp(call, "chmod-junk") == 0) /* the kernel reads 16 bits */
        return syscall(SYS_fchmodat, AT_FDCWD, path, (uint64_t)mode | 0xdeadbeef00000000UL);
    if (strcmp(call, "chmod-fd") == 0) {
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        return chmod(name, mode);
    }
    return strcmp(call, "chmod") == 0 ? chmod(path, mode) : (errno = EINVAL, -1);
}

static long set_mode(const char *call, const char *path, mode_t mode)
{
    if (strcmp(call, "open") == 0)
        return by_open(path, mode);
    if (strcmp(call, "openat") == 0)
        return syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, mode);
    if (strcmp(call, "openat2") == 0)
        return by_openat2(path, mode);
    if (strcmp(call, "tmpfile") == 0)
        return by_tmpfile(path, mode);
    if (strcmp(call, "creat") == 0)
        return creat(path, mode);
    if (strcmp(call, "mknod") == 0)
        return mknod(path, S_IFREG | mode, 0);
    if (strcmp(call, "mknodat") == 0)
        return mknodat(AT_FDCWD, path, S_IFREG | mode, 0);
    return on_file(call, path, mode);
}

/* CALL, FOLDER, BITS in octal */
static int m_setid(char **args)
{
    char path[4200];
    struct stat found = {0};
    snprintf(path, sizeof path, "%s/setid-%d", args[1], (int)getpid());
    umask(0);
    int outcome = result(set_mode(args[0], path, (mode_t)strtoul(args[2], NULL, 8)));
    if (stat(path, &found) == 0 && (found.st_mode & SETID) != 0)
        outcome = 0; /* it is there, whatever was answered */
    else if (outcome == 0)
        outcome = EPERM;
    unlink(path);
    return outcome;
}

/* Folders: a setgid one gives its group to what is made in it, and its bit to folders. */
static int m_setid_folder(char **args)
{
    char path[4200];
    struct stat found = {0};
    snprintf(path, sizeof path, "%s/setid-%d", args[0], (int)getpid());
    if (mkdir(path, 0700) < 0)
        return errno;
    int outcome = result(chmod(path, 02755));
    if (outcome == 0 && stat(path, &found) == 0 && (found.st_mode & SETID) == 0)
        outcome = EPERM;
    rmdir(path);
    return outcome;
}

/* KIND, FOLDER: `whiteout` is what overlayfs reads as "deleted", and needs no privilege since Linux 5.8. */
static int m_node(char **args)
{
    char path[4200], other[4210];
    snprintf(path, sizeof path, "%s/node-%d", args[1], (int)getpid());
    snprintf(other, sizeof other, "%s.other", path);
    long made;
    if (strcmp(args[0], "character") == 0)
        made = mknod(path, S_IFCHR | 0600, makedev(1, 1));
    else if (strcmp(args[0], "block") == 0)
        made = mknodat(AT_FDCWD, path, S_IFBLK | 0600, makedev(8, 0));
    else if (strcmp(args[0], "whiteout") == 0)
        made = mknod(path, S_IFCHR, makedev(0, 0));
    else {
        close(creat(path, 0600));
        made = renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_WHITEOUT);
    }
    int outcome = result(made);
    unlink(path);
    unlink(other);
    return outcome;
}

const struct attempt mode_attempts[] = {
    {"setid", m_setid},
    {"setid-folder", m_setid_folder},
    {"node", m_node},
    {NULL, NULL},
};
