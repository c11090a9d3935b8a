/* More bytes and files than scratch may hold. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char block[64 << 10];

/* More than one file, since the size of each is bounded, too. KiB go into a folder; how many did is said by the caller. */
static long fill_folder(const char *folder, long kib, int *error)
{
    enum { FILES = 8 };
    char path[4200];
    long done = 0;
    for (int file = 0; file < FILES && done < kib; file++) {
        snprintf(path, sizeof path, "%s/fill-%d-%d", folder, (int)getpid(), file);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            break;
        for (long own = 0; own < kib / FILES + 1; own += (long)sizeof block >> 10) {
            ssize_t wrote = write(fd, block, sizeof block);
            if (wrote < 0) {
                *error = errno;
                break;
            }
            done += wrote >> 10;
        }
        close(fd);
    }
    return done;
}

static void clear_folder(const char *folder)
{
    char path[4200];
    for (int file = 0; file < 8; file++) {
        snprintf(path, sizeof path, "%s/fill-%d-%d", folder, (int)getpid(), file);
        unlink(path);
    }
}

/* KiB, FOLDER…: says how many KiB all of the folders together took; `ok` when that is as many. */
static int f_fill_all(char **args)
{
    long wanted = atol(args[0]), done = 0;
    int error = 0;
    memset(block, 1, sizeof block);
    signal(SIGXFSZ, SIG_IGN);
    for (char **folder = args + 1; *folder != NULL && done < wanted; folder++)
        done += fill_folder(*folder, wanted - done, &error);
    for (char **folder = args + 1; *folder != NULL; folder++)
        clear_folder(*folder);
    say_number(done);
    return done >= wanted ? 0 : error != 0 ? error : ENOSPC;
}

/* COUNT, FOLDER…: the same with empty files and folders. */
static int f_inodes_all(char **args)
{
    long wanted = atol(args[0]), made = 0;
    int error = 0;
    char path[4200];
    for (char **folder = args + 1; *folder != NULL; folder++)
        for (long i = 0; made < wanted; i++, made++) {
            snprintf(path, sizeof path, "%s/inode-%ld", *folder, i);
            int fd = i % 2 == 0 ? open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) : mkdir(path, 0700);
            error = fd < 0 ? errno : error;
            if (fd < 0)
                break;
            if (fd > 0)
                close(fd);
        }
    for (char **folder = args + 1; *folder != NULL; folder++)
        for (long i = 0; i < wanted; i++) {
            snprintf(path, sizeof path, "%s/inode-%ld", *folder, i);
            if (i % 2 == 0 ? unlink(path) < 0 : rmdir(path) < 0)
                break;
        }
    say_number(made);
    return made >= wanted ? 0 : error;
}

/* HOW, KiB, FOLDER: one file of that size, of which nothing (`sparse`) or all (`allocate`) is there, or of memory. */
static int f_file_of(char **args)
{
    char path[4200];
    long size = atol(args[1]) << 10;
    bool memory = strcmp(args[0], "memory") == 0;
    snprintf(path, sizeof path, "%s/file-%d", args[2], (int)getpid());
    int fd = memory ? memfd_create("probe", 0) : open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno;
    signal(SIGXFSZ, SIG_IGN);
    int outcome = result(strcmp(args[0], "allocate") == 0 ? fallocate(fd, 0, 0, size) : ftruncate(fd, size));
    close(fd);
    if (!memory)
        unlink(path);
    return outcome;
}

const struct attempt fill_attempts[] = {
    {"fill-all", f_fill_all},
    {"inodes-all", f_inodes_all},
    {"file-of", f_file_of},
    {NULL, NULL},
};
