/* Bytes and files, until a folder is full. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fills a folder; says how many MiB went in before it was full. */
static int a_fill(char **args)
{
    static char block[1 << 20];
    char path[4200];
    long total = 0, limit = atol(args[1]);
    memset(block, 1, sizeof block);
    snprintf(path, sizeof path, "%s/fill-%d", args[0], (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT, 0600), outcome = 0;
    if (fd < 0)
        return errno;
    while (total < limit << 20) {
        ssize_t done = write(fd, block, sizeof block);
        if (done < 0) {
            outcome = errno;
            break;
        }
        total += done;
    }
    say_number(total >> 20);
    close(fd);
    return outcome;
}

static int a_inodes(char **args)
{
    char path[4200];
    long limit = atol(args[1]), made = 0;
    int outcome = 0;
    for (; made < limit; made++) {
        snprintf(path, sizeof path, "%s/i%ld", args[0], made);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0) {
            outcome = errno;
            break;
        }
        close(fd);
    }
    say_number(made);
    for (long i = 0; i < made; i++) {
        snprintf(path, sizeof path, "%s/i%ld", args[0], i);
        unlink(path);
    }
    return outcome;
}

const struct attempt amounts_attempts[] = {
    {"fill", a_fill},
    {"inodes", a_inodes},
    {NULL, NULL},
};
