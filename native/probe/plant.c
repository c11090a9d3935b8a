/* What a job leaves in a folder of outputs, for whoever collects it. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* As in stay.c: an attempt in the open ends with who started it. */
enum { LIFELINE = 3, LONGEST_S = 60 };

static int made(int fd)
{
    return fd < 0 ? errno : result(close(fd));
}

static int bound_at(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || strlen(path) >= sizeof to.sun_path)
        return fd < 0 ? errno : ENAMETOOLONG;
    strcpy(to.sun_path, path);
    return result(bind(fd, (struct sockaddr *)&to, sizeof to));
}

/* Two files of holes. */
static int sized(const char *path, const char *kib)
{
    char second[4300];
    snprintf(second, sizeof second, "%s-too", path);
    for (int i = 0; i < 2; i++) {
        int fd = open(i == 0 ? path : second, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0 || ftruncate(fd, atol(kib) << 10) < 0)
            return errno;
        close(fd);
    }
    return 0;
}

/* Now a plain file, now a link: long after the program that did the rest has ended. In the open, until its lifeline ends. */
static int swapped(const char *path, const char *target, bool lifeline)
{
    char link[4300];
    pid_t pid = fork();
    if (pid != 0)
        return result(pid);
    setsid();
    snprintf(link, sizeof link, "%s.link", path);
    signal(SIGALRM, SIG_DFL);
    alarm(LONGEST_S);
    struct pollfd end = {.fd = LIFELINE, .events = POLLIN};
    while (!lifeline || poll(&end, 1, 0) == 0) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        if (fd >= 0)
            close(fd);
        if (symlink(target, link) < 0 || rename(link, path) < 0 || unlink(path) < 0)
            continue;
    }
    _exit(0);
}

/* KIND, FOLDER, what it leads to or how large it is. The folder is made; a plain file lies beside. */
static int p_plant(char **args)
{
    const char *kind = args[0], *folder = args[1], *more = args[2];
    char path[4200];
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/0-plain", folder);
    if (made(open(path, O_WRONLY | O_CREAT, 0600)) != 0)
        return errno;
    snprintf(path, sizeof path, "%s/planted", folder);
    if (strcmp(kind, "link") == 0)
        return result(symlink(more, path));
    if (strcmp(kind, "fifo") == 0)
        return result(mkfifo(path, 0600));
    if (strcmp(kind, "socket") == 0)
        return bound_at(path);
    if (strcmp(kind, "sparse") == 0)
        return sized(path, more);
    if (strcmp(kind, "swapped") == 0)
        return swapped(path, more, strcmp(args[3], "lifeline") == 0);
    static const char *const names[][2] = {
        {"newline", "a\nb"}, {"escape", "\033]0;x\007"}, {"not-utf8", "\xff\xfe"}, {"reversed", "gnp\u202egpj.exe"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(kind, names[i][0]) == 0) {
            snprintf(path, sizeof path, "%s/%s", folder, names[i][1]);
            return made(open(path, O_WRONLY | O_CREAT, 0600));
        }
    return EINVAL;
}

const struct attempt plant_attempts[] = {
    {"plant", p_plant},
    {NULL, NULL},
};
