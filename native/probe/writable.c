/* Everything that can be seen: what of it can be written to? */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every folder and file that can be seen, outside the places in `skip`: which of them can be written to? */
enum { WALKS = 8 };

static char **skips;
static long seen;
static int deepest;

static bool is_skipped(const char *path)
{
    for (char **skip = skips; *skip != NULL && **skip != 0; skip++)
        if (strncmp(path, *skip, strlen(*skip)) == 0 && (path[strlen(*skip)] == '/' || path[strlen(*skip)] == 0))
            return true;
    /* its own processes: those of others are tried by number */
    return strncmp(path, "/proc/", 6) == 0 && path[6] >= '0' && path[6] <= '9';
}

static bool is_writable(const char *path, const struct stat *found)
{
    if (S_ISDIR(found->st_mode))
        return create_in(path) == 0;
    if (!S_ISREG(found->st_mode) || faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
        return false;
    int fd = open(path, O_WRONLY);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int try_one(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    /* gone since its folder was read: nothing is known of it */
    if (kind == FTW_NS)
        return FTW_CONTINUE;
    if (is_skipped(path) || where->level > deepest)
        return FTW_SKIP_SUBTREE;
    seen++;
    if (is_writable(path, found)) {
        say_text(path);
        say_text(" ");
    }
    return FTW_CONTINUE;
}

/* A folder that goes while the tree is walked ends the walk: then it is walked anew. */
static int walked(const char *from, int levels)
{
    deepest = levels;
    for (int again = 0; again < WALKS; again++) {
        if (nftw(from, try_one, 40, FTW_PHYS | FTW_ACTIONRETVAL) == 0)
            return seen > 0 ? 0 : ENOENT;
        if (errno != ENOENT)
            break;
    }
    return errno;
}

static int a_writable_below(char **args)
{
    skips = args + 1;
    return walked(args[0], 1000);
}

/* The same, three folders deep: however many programs a host has, this ends soon. */
static int a_writable_near(char **args)
{
    skips = args + 1;
    int outcome = walked(args[0], 3);
    return outcome != 0 ? outcome : said()[0] != 0 ? 0 : EROFS;
}

/* Each mount by its place, below `top`: whether it is read-only is a property of the whole. */
static int mounts_below(const char *top)
{
    char line[8192], place[4096];
    struct stat found;
    FILE *list = fopen("/proc/self/mountinfo", "r");
    if (list == NULL)
        return errno;
    while (fgets(line, sizeof line, list) != NULL)
        if (sscanf(line, "%*s %*s %*s %*s %4095s", place) == 1 && strncmp(place, top, strlen(top)) == 0 && !is_skipped(place) && lstat(place, &found) == 0 &&
            is_writable(place, &found)) {
            say_text(place);
            say_text(" ");
        }
    fclose(list);
    return said()[0] != 0 ? 0 : EROFS;
}

static int a_writable_mounts(char **args)
{
    skips = args;
    return mounts_below("/");
}

/* For a control: of a folder, as a mount of its own. */
static int a_writable_mount_of(char **args)
{
    skips = args + 1;
    return mount(args[0], args[0], NULL, MS_BIND, NULL) < 0 ? errno : mounts_below(args[0]);
}

const struct attempt writable_attempts[] = {
    {"writable-below", a_writable_below},
    {"writable-mounts", a_writable_mounts},
    {"writable-mount-of", a_writable_mount_of},
    {"writable-near", a_writable_near},
    {NULL, NULL},
};
