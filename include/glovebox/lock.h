/*
 * glovebox/lock.h: a job gives up what it no longer needs. docs/lock.md says what that is.
 *
 *     open_fonts(); connect_nothing_more();
 *     if (glovebox_lock("sealed") != 0)
 *         return EXIT_FAILURE;               // not locked: do not go on to the file of a stranger
 *     parse(input);
 *
 * One header, C89 and C++, no library. Public domain (CC0), so that it can be copied into any program.
 */
#ifndef GLOVEBOX_LOCK_H
#define GLOVEBOX_LOCK_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whole, or -1 with errno. */
static inline int glovebox_lock_write(int fd, const char *text, size_t left)
{
    while (left > 0) {
        ssize_t done = write(fd, text, left);
        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            text += done;
            left -= (size_t)done;
        }
    }
    return 0;
}

/*
 * Locks this process, all its threads, and every other process of the job, for good. 0 when that is so, else an error number:
 * ENOENT: this is no sandbox whose policy offers a lock; EPERM: it offers another one; EPIPE: nobody answered.
 * Call it once, before untrusted input is read. Not async-signal-safe.
 */
static inline int glovebox_lock(const char *profile)
{
    const char *number = getenv("GLOVEBOX_LOCK_FD");
    char answer[16], *end;
    size_t length = 0;
    long fd = number != NULL && *number != 0 ? strtol(number, &end, 10) : -1;
    if (fd < 0 || *end != 0 || strlen(profile) > 40)
        return ENOENT;
    if (glovebox_lock_write((int)fd, "lock ", 5) < 0 || glovebox_lock_write((int)fd, profile, strlen(profile)) < 0 ||
        glovebox_lock_write((int)fd, "\n", 1) < 0)
        return errno;
    while (length < sizeof answer) {
        ssize_t got = read((int)fd, answer + length, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : EPIPE;
        if (answer[length++] == '\n')
            break;
    }
    return length == 7 && memcmp(answer, "locked\n", 7) == 0 ? 0 : EPERM;
}

#endif
