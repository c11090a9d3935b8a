/*
 * Words of somebody else's, looked for in all that a job can read. They are given as the complement of their bytes, in hex, and never
 * put together: else they would be found in the memory and the arguments of who looks for them.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS = 4, LONGEST = 64, CHUNK = 65536, MOST_BYTES = 4 << 20, STDIN_MS = 2000, OTHERS_MS = 50 };

static uint8_t hidden[WORDS][LONGEST];
static size_t lengths[WORDS];
static size_t words;
static char **skips;
static time_t since;
static long looked;

static int take_words(char **args)
{
    for (words = 0; words < WORDS && args[words][0] != 0; words++) {
        size_t digits = strlen(args[words]);
        if (digits < 16 || digits > 2 * LONGEST)
            return EINVAL;
        for (size_t i = 0; i < digits / 2; i++)
            if (sscanf(args[words] + 2 * i, "%2hhx", &hidden[words][i]) != 1)
                return EINVAL;
        lengths[words] = digits / 2;
    }
    return words > 0 ? 0 : EINVAL;
}

static bool holds(const uint8_t *bytes, size_t length)
{
    for (size_t word = 0; word < words; word++) {
        uint8_t first = (uint8_t)~hidden[word][0];
        for (size_t at = 0; at + lengths[word] <= length; at++) {
            const uint8_t *next = memchr(bytes + at, first, length - at - lengths[word] + 1);
            if (next == NULL)
                break;
            at = (size_t)(next - bytes);
            size_t same = 1;
            while (same < lengths[word] && (uint8_t)(bytes[at + same] ^ hidden[word][same]) == 0xff)
                same++;
            if (same == lengths[word])
                return true;
        }
    }
    return false;
}

static void look_at(const char *where, const void *bytes, size_t length)
{
    looked++;
    if (!holds(bytes, length))
        return;
    /* where it stands may hold it as well */
    say_text(holds((const uint8_t *)where, strlen(where)) ? "a name" : where);
    say_text(" ");
}

static void look_at_name(const char *name)
{
    look_at(name, name, strlen(name));
}

/* What is there now: of one that is written to for ever, a part. */
static void look_through(const char *where, int fd, int patience_ms)
{
    static uint8_t bytes[LONGEST + CHUNK];
    struct pollfd there = {.fd = fd, .events = POLLIN};
    size_t kept = 0;
    for (size_t total = 0; total < MOST_BYTES && poll(&there, 1, patience_ms) == 1;) {
        ssize_t got = read(fd, bytes + kept, CHUNK);
        if (got <= 0)
            return;
        look_at(where, bytes, kept + (size_t)got);
        total += (size_t)got;
        size_t all = kept + (size_t)got;
        kept = all < LONGEST - 1 ? all : LONGEST - 1;
        memmove(bytes, bytes + all - kept, kept);
    }
}

static void look_into(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return;
    look_through(path, fd, OTHERS_MS);
    close(fd);
}

static bool is_skipped(const char *path)
{
    for (char **skip = skips; *skip != NULL && **skip != 0; skip++) {
        size_t length = strlen(*skip);
        if (strncmp(path, *skip, length) == 0 && (path[length] == '/' || path[length] == 0))
            return true;
    }
    return false;
}

static int look_at_file(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)where;
    if (is_skipped(path))
        return FTW_SKIP_SUBTREE;
    if (kind == FTW_NS)
        return FTW_CONTINUE;
    look_at_name(path);
    /* what is older than the words does not hold them */
    if (S_ISREG(found->st_mode) && found->st_ctime >= since)
        look_into(path);
    char target[4096];
    ssize_t got = S_ISLNK(found->st_mode) ? readlink(path, target, sizeof target) : -1;
    if (got > 0)
        look_at(path, target, (size_t)got);
    return FTW_CONTINUE;
}

static int outcome(void)
{
    if (looked == 0)
        return ENODATA;
    return said()[0] != 0 ? 0 : ENOENT;
}

/* SINCE, WORDS joined by `+`, places that are left out … */
static int s_files(char **args)
{
    char *parts[WORDS + 1], none[] = "", *rest = args[1];
    for (int i = 0; i <= WORDS; i++)
        parts[i] = rest != NULL ? strsep(&rest, "+") : none;
    int error = take_words(parts);
    if (error != 0)
        return error;
    since = (time_t)atoll(args[0]);
    skips = args + 2;
    /* its own files may go while they are listed */
    for (int again = 0; again < 8; again++)
        if (nftw("/", look_at_file, 40, FTW_PHYS | FTW_ACTIONRETVAL) == 0 || errno != ENOENT)
            break;
    return outcome();
}

/* Each mapping of its own that it may read. */
static int s_memory(char **args)
{
    char line[4400], rights[8], name[4100];
    unsigned long begin, end;
    int error = take_words(args);
    if (error != 0)
        return error;
    FILE *list = fopen("/proc/self/maps", "re");
    if (list == NULL)
        return errno;
    while (fgets(line, sizeof line, list) != NULL) {
        name[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %4099s", &begin, &end, rights, name) < 3 || rights[0] != 'r')
            continue;
        /* the kernel's own pages, of which some can't be read here */
        if (strncmp(name, "[v", 2) != 0)
            look_at(name, (const void *)begin, end - begin);
    }
    fclose(list);
    return outcome();
}

/* That never end, or stand for memory or disks of a whole machine. */
static bool is_endless(const char *name)
{
    static const char *const endless[] = {"kmsg", "kcore", "mem", "pagemap", "clear_refs", "trace_pipe", "event", "acpi"};
    for (size_t i = 0; i < sizeof endless / sizeof *endless; i++)
        if (strcmp(name, endless[i]) == 0)
            return true;
    return false;
}

/* Links are looked at, and not followed; `levels`: below /proc each process has folders, and so have its threads. */
static void look_below(const char *folder, int levels)
{
    char path[4300], target[4096];
    DIR *list = opendir(folder);
    if (list == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_endless(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%.255s", folder, entry->d_name);
        look_at_name(path);
        struct stat found;
        if (lstat(path, &found) < 0)
            continue;
        ssize_t got = S_ISLNK(found.st_mode) ? readlink(path, target, sizeof target) : -1;
        if (got > 0)
            look_at(path, target, (size_t)got);
        if (S_ISREG(found.st_mode))
            look_into(path);
        else if (S_ISDIR(found.st_mode) && levels > 0)
            look_below(path, levels - 1);
    }
    closedir(list);
}

/* What the kernel tells of processes, mounts, names, keys, sockets and queues. */
static int s_kernel(char **args)
{
    int error = take_words(args);
    if (error != 0)
        return error;
    look_below("/proc", 4);
    return outcome();
}

/* What waits to be read in each descriptor that it has. */
static int s_descriptors(char **args)
{
    char path[40];
    int error = take_words(args);
    if (error != 0)
        return error;
    for (int fd = 0; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && fd != 1 && fd != 2) {
            snprintf(path, sizeof path, "descriptor %d", fd);
            looked++;
            look_through(path, fd, fd == 0 ? STDIN_MS : OTHERS_MS);
        }
    return outcome();
}

/* System V memory, by its index, whoever's it is. */
static int s_segments(char **args)
{
    struct shmid_ds segment;
    int error = take_words(args);
    if (error != 0)
        return error;
    int last = shmctl(0, SHM_INFO, &segment);
    if (last < 0)
        return errno;
    looked++; /* there may be none */
    for (int index = 0; index <= last; index++) {
        int id = shmctl(index, SHM_STAT, &segment);
        void *bytes = id < 0 ? (void *)-1 : shmat(id, NULL, SHM_RDONLY);
        if (bytes != (void *)-1)
            look_at("segment", bytes, segment.shm_segsz);
    }
    return outcome();
}

const struct attempt search_attempts[] = {
    {"search-files", s_files},
    {"search-memory", s_memory},
    {"search-kernel", s_kernel},
    {"search-descriptors", s_descriptors},
    {"search-segments", s_segments},
    {NULL, NULL},
};
