/* Files and folders: looked for, read, made, linked, climbed out of. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int a_read(char **args)
{
    char buffer[8192];
    int fd = open(args[0], O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0 && strlen(said()) < 12000)
        say(buffer, (size_t)got);
    int error = got < 0 && said()[0] == 0 ? errno : 0;
    close(fd);
    return error;
}

static int a_list(char **args)
{
    DIR *folder = opendir(args[0]);
    if (folder == NULL)
        return errno;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            say_text(entry->d_name);
            say_text(" ");
        }
    closedir(folder);
    return 0;
}

static int a_link(char **args)
{
    char target[4096];
    ssize_t got = readlink(args[0], target, sizeof target);
    if (got < 0)
        return errno;
    say(target, (size_t)got);
    return 0;
}

static int a_there(char **args)
{
    struct stat found;
    return result(lstat(args[0], &found));
}

static int a_write(char **args)
{
    struct stat found;
    int fd = open(args[0], O_WRONLY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    if (fstat(fd, &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(1, 3))
        say_text("nowhere"); /* the null device keeps nothing */
    close(fd);
    return 0;
}

/* Really writes: for files of the kernel, where opening proves little. */
static int a_put(char **args)
{
    int fd = open(args[0], O_WRONLY);
    if (fd < 0)
        return errno;
    ssize_t done = write(fd, args[1], strlen(args[1]));
    int error = errno;
    close(fd);
    return done < 0 ? error : 0;
}

int create_in(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/glovebox-attack-%d", folder, (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    unlink(path);
    return 0;
}

static int a_create(char **args)
{
    return create_in(args[0]);
}

static int a_chdir(char **args)
{
    return result(chdir(args[0]));
}

/* Up from the working directory, and from every descriptor's: a root in which `/` has an outside shows it by other names. */
static int a_climb(char **args)
{
    struct stat here, root;
    if (chdir(args[0]) < 0)
        return errno;
    for (int step = 0; step < 64; step++)
        if (chdir("..") < 0)
            return errno;
    if (stat(".", &here) < 0 || stat("/", &root) < 0)
        return errno;
    return here.st_dev == root.st_dev && here.st_ino == root.st_ino ? EXDEV : 0;
}

static int a_hard_link(char **args)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/hard-link-%d", args[1], (int)getpid());
    int outcome = result(link(args[0], path));
    unlink(path);
    return outcome;
}

/* By a descriptor, as for a file that has no name here. */
static int a_hard_link_fd(char **args)
{
    char path[4200], name[64];
    int fd = open(args[0], O_PATH);
    if (fd < 0)
        return errno;
    snprintf(path, sizeof path, "%s/hard-link-%d", args[1], (int)getpid());
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int outcome = result(linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
    unlink(path);
    return outcome;
}

/* CVE-2019-5736's last step: a program that has just ended is opened for writing by a name that was kept. */
static int a_overwrite(char **args)
{
    char name[64];
    int kept = open(args[0], O_PATH);
    if (kept < 0)
        return errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", kept);
    int fd = open(name, O_WRONLY);
    return fd < 0 ? errno : result(write(fd, "", 0));
}

/* Would it be allowed? Nothing is opened, so a place that is somebody's stays as it was. */
static int a_may_write(char **args)
{
    return result(faccessat(AT_FDCWD, args[0], W_OK, AT_EACCESS));
}

/* The same place by a way up: from its working directory, as far as it goes. */
static int a_read_from_above(char **args)
{
    char path[4200] = "";
    for (int step = 0; step < 40; step++)
        strcat(path, "../");
    strncat(path, args[0] + 1, sizeof path - strlen(path) - 1);
    char *words[] = {path, NULL};
    return a_read(words);
}

const struct attempt files_attempts[] = {
    {"read", a_read},
    {"list", a_list},
    {"link", a_link},
    {"there", a_there},
    {"write", a_write},
    {"put", a_put},
    {"create", a_create},
    {"chdir", a_chdir},
    {"climb", a_climb},
    {"hard-link", a_hard_link},
    {"hard-link-fd", a_hard_link_fd},
    {"overwrite", a_overwrite},
    {"may-write", a_may_write},
    {"read-from-above", a_read_from_above},
    {NULL, NULL},
};
