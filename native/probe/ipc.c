/* What processes of one machine say to each other by, and the names of that machine. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

/* `@name` is an abstract socket, anything else a path. */
static int a_unix(char **args)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(args[0]);
    if (length >= sizeof to.sun_path)
        return ENAMETOOLONG;
    memcpy(to.sun_path, args[0], length);
    bool abstract = args[0][0] == '@';
    if (abstract)
        to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    /* Node 20 binds an abstract name as the whole field, later ones as long as it is */
    if (abstract && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return 0;
    return result(connect(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
}

/* The pair needs no family that is refused; a datagram one can be pointed at any socket afterwards. */
static int a_unix_pair(char **args)
{
    int pair[2];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
        return errno;
    strncpy(to.sun_path, args[0], sizeof to.sun_path - 1);
    return result(sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to));
}

static int a_shm(char **args)
{
    int id = shmget((key_t)strtol(args[0], NULL, 16), 0, 0);
    if (id < 0)
        return errno;
    char *text = shmat(id, NULL, SHM_RDONLY);
    if (text == (void *)-1)
        return errno;
    say_text(text);
    return 0;
}

static int a_shm_make(char **args)
{
    int id = shmget((key_t)strtol(args[0], NULL, 16), 4096, IPC_CREAT | 0666);
    char *text = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
    if (text == (char *)-1)
        return errno;
    strcpy(text, args[1]);
    return 0;
}

static int a_shm_remove(char **args)
{
    return result(shmctl(shmget((key_t)strtol(args[0], NULL, 16), 0, 0), IPC_RMID, NULL));
}

static int a_host_name(char **args)
{
    (void)args;
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return errno;
    say_text(name);
    return 0;
}

/* With a name: which is set first. */
static int a_domain_name(char **args)
{
    struct utsname names;
    if (args[0][0] != 0 && setdomainname(args[0], strlen(args[0])) < 0)
        return errno;
    if (uname(&names) < 0)
        return errno;
    say_text(names.domainname);
    return 0;
}

/* A POSIX queue of messages, by its name. */
static int a_queue(char **args)
{
    long queue = syscall(SYS_mq_open, args[0], O_RDONLY | O_NONBLOCK, 0, NULL);
    return result(queue);
}

const struct attempt ipc_attempts[] = {
    {"unix", a_unix},
    {"unix-pair", a_unix_pair},
    {"shm", a_shm},
    {"shm-make", a_shm_make},
    {"shm-remove", a_shm_remove},
    {"host-name", a_host_name},
    {"domain-name", a_domain_name},
    {"queue", a_queue},
    {NULL, NULL},
};
