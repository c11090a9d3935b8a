/* A process of the host to aim at, and what it keeps: a canary in memory, a socket, a segment, a queue, a fifo. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static bool listens(const char *name)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (name[0] != '@' || length >= sizeof to.sun_path || fd < 0)
        return false;
    memcpy(to.sun_path, name, length);
    to.sun_path[0] = 0;
    return bind(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0 &&
           listen(fd, 16) == 0;
}

/* -1: this kernel has none. Removed by its key even if nobody removes it: see below. */
static int segment(const char *canary, key_t *key)
{
    for (int i = 0; i < 64; i++) {
        *key = (key_t)(0x67000000 + getpid() * 64 + i);
        int id = shmget(*key, 4096, IPC_CREAT | IPC_EXCL | 0666);
        if (id < 0 && errno == EEXIST)
            continue;
        char *at = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
        if (at != (char *)-1)
            snprintf(at, 4096, "%s", canary);
        return id;
    }
    return -1;
}

/* By descriptors, without following a link: everyone may write there, and swap one folder for another. */
static void remove_below(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlinkat(fd, entry->d_name, 0) < 0) {
            remove_below(fd, entry->d_name);
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
    closedir(folder);
}

/*
 * Says where it keeps what, and stays until its standard input ends. That is who started it: killed, it could remove nothing, so that
 * is done here, its folder included.
 */
int be_decoy(const char *name, const char *folder)
{
    const char *canary = getenv("GLOVEBOX_CANARY"), *fifo = getenv("GLOVEBOX_FIFO");
    char byte;
    key_t key = 0;
    if (canary == NULL || !listens(name) || prctl(PR_SET_DUMPABLE, 1) < 0)
        return 1;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where Yama would let nobody but a parent look */
    int memory = segment(canary, &key);
    long queue = syscall(SYS_mq_open, canary, O_RDWR | O_CREAT | O_EXCL, 0666, NULL);
    umask(0);
    if (fifo != NULL && mkfifo(fifo, 0666) < 0)
        return 1;
    printf("ready %lx %x %s\n", (unsigned long)canary, memory < 0 ? 0 : (unsigned)key, queue < 0 ? "-" : canary);
    fflush(stdout);
    while (read(0, &byte, 1) > 0 || errno == EINTR)
        errno = 0;
    if (memory >= 0)
        shmctl(memory, IPC_RMID, NULL);
    if (queue >= 0)
        syscall(SYS_mq_unlink, canary);
    if (folder == NULL)
        return 0;
    remove_below(AT_FDCWD, folder);
    return rmdir(folder) < 0 ? 1 : 0;
}
