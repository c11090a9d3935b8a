/* The host's files: who opens them, and who waits for them. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Another process opens the path: was it seen? */
static int a_watch(char **args)
{
    char events[4096];
    int watch = inotify_init1(IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, args[0], IN_OPEN | IN_ACCESS) < 0)
        return errno;
    if (fork() == 0) {
        int fd = open(args[0], O_RDONLY);
        _exit(fd < 0);
    }
    wait(NULL);
    return read(watch, events, sizeof events) > 0 ? 0 : ENOMSG;
}

static int a_notify(char **args)
{
    int folder = open(args[0], O_RDONLY | O_DIRECTORY);
    signal(SIGIO, SIG_IGN); /* what it tells by, and what would end this */
    return folder < 0 ? errno : result(fcntl(folder, F_NOTIFY, 1 /* DN_ACCESS */));
}

static int a_lease(char **args)
{
    int fd = open(args[0], O_RDONLY);
    return fd < 0 ? errno : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

/* A lock that belongs to a file, not to a process, and so has no pid that a namespace could hide. */
static int a_file_lock(char **args)
{
    struct flock lock = {.l_type = F_RDLCK};
    int fd = open(args[0], O_RDONLY);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
        return errno;
    char line[256];
    FILE *locks = fopen("/proc/locks", "r");
    if (locks == NULL)
        return errno;
    while (fgets(line, sizeof line, locks) != NULL)
        if (strstr(line, "OFDLCK") != NULL)
            return 0;
    return ENOENT;
}

static int a_watch_mount(char **args)
{
    int group = (int)syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, O_RDONLY);
    return group < 0 ? errno : result(syscall(SYS_fanotify_mark, group, 1 /* add */, 0x20ULL /* open */, AT_FDCWD, args[0]));
}

const struct attempt watching_attempts[] = {
    {"watch", a_watch},
    {"notify", a_notify},
    {"lease", a_lease},
    {"file-lock", a_file_lock},
    {"watch-mount", a_watch_mount},
    {NULL, NULL},
};
