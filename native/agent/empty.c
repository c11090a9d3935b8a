/*
 * Empties a job's folders for the next one of the same tenant. Every process of the job is dead by now. What it left is hostile: nothing is
 * followed, nothing that is mounted there is touched, and what can't be removed ends the sandbox.
 */
#include "agent.h"
#include "../wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Each takes a descriptor. */
#define MAX_DEPTH 200

/* `is_kept`: something is mounted in it. */
static bool empty_folder(int fd, dev_t device, int depth, bool *is_kept);

static bool remove_folder(int parent, const char *name, dev_t device, int depth, bool *is_kept)
{
    struct stat found;
    bool keeps = false;
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    /* the job may have taken its own rights away; a link is none of this kind */
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, flags);
    if (fd < 0 || fstat(fd, &found) < 0) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (found.st_dev != device) {
        close(fd);
        *is_kept = true;
        return true;
    }
    if (fchmod(fd, 0700) < 0 || !empty_folder(fd, device, depth, &keeps))
        return false;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
        return true;
    *is_kept = *is_kept || keeps || errno == EBUSY;
    return keeps || errno == EBUSY;
}

static bool remove_entry(int parent, const char *name, dev_t device, int depth, bool *is_kept)
{
    struct stat found;
    if (fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT;
    if (S_ISDIR(found.st_mode))
        return remove_folder(parent, name, device, depth, is_kept);
    if (found.st_dev != device) {
        *is_kept = true;
        return true;
    }
    return unlinkat(parent, name, 0) == 0 || errno == ENOENT;
}

/* `fd` is closed. Twice: a folder may be read past what is removed from it meanwhile. */
static bool empty_folder(int fd, dev_t device, int depth, bool *is_kept)
{
    if (depth == MAX_DEPTH) {
        close(fd);
        errno = ENAMETOOLONG;
        return false;
    }
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return false;
    }
    bool good = true, has_removed = true;
    while (good && has_removed) {
        has_removed = false;
        rewinddir(folder);
        for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            bool stays = false;
            good = remove_entry(fd, entry->d_name, device, depth + 1, &stays);
            has_removed = has_removed || !stays;
            *is_kept = *is_kept || stays;
        }
    }
    int error = errno;
    closedir(folder);
    errno = error;
    return good;
}

/* What a folder itself could carry over: attributes, which tmpfs has since Linux 6.6, flags, and times. */
static bool forget_marks(int fd)
{
    char names[65536], unused;
    int flags = 0;
    const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
    ssize_t length = flistxattr(fd, names, sizeof names);
    if (length < 0 && errno != ENOTSUP && errno != ENOSYS)
        return false;
    for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1)
        /* one of a security module is not the job's, and can't be set by it either */
        if (strncmp(name, "security.", 9) != 0 && fremovexattr(fd, name) < 0 && fgetxattr(fd, name, &unused, 0) >= 0)
            return false;
    if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags != 0) {
        flags = 0;
        if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
            return false;
    }
    return futimens(fd, now) == 0;
}

/* By its absolute path; a link in place of a folder on the way there was put there by the job. */
static void empty_place(char *path, mode_t mode)
{
    struct stat found;
    char *name;
    bool is_kept = false;
    int parent = files_descend(files_root(), path + 1, &name);
    int fd = parent < 0 ? -1 : openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        give_up(errno, path);
    close(fd);
    /* before it is opened: the job may have taken the right to */
    if (fchmodat(parent, name, 0700, 0) < 0)
        give_up(errno, path);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(parent);
    int kept = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the next closes its own */
    if (kept < 0 || fstat(fd, &found) < 0 || fchmod(fd, mode) < 0 || !empty_folder(fd, found.st_dev, 0, &is_kept) ||
        !forget_marks(kept))
        give_up(errno, path);
    close(kept);
}

union semaphores {
    int value;
    struct semid_ds *data;
    struct seminfo *info;
};

/* What the namespace of System V's objects holds outlives processes. Where a kernel has none of a kind, none is there. */
static void empty_ipc(void)
{
    struct shm_info shared;
    struct shmid_ds segment;
    struct msginfo queues;
    struct msqid_ds queue;
    struct seminfo sets;
    struct semid_ds set;
    union semaphores about = {.info = &sets};
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&shared);
    for (int i = 0; i <= last; i++) {
        int id = shmctl(i, SHM_STAT, &segment);
        if (id >= 0 && shmctl(id, IPC_RMID, NULL) < 0)
            give_up(errno, "shared memory");
    }
    last = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)&queues);
    for (int i = 0; i <= last; i++) {
        int id = msgctl(i, MSG_STAT, &queue);
        if (id >= 0 && msgctl(id, IPC_RMID, NULL) < 0)
            give_up(errno, "message queues");
    }
    last = semctl(0, 0, SEM_INFO, about);
    about.data = &set;
    for (int i = 0; i <= last; i++) {
        int id = semctl(i, 0, SEM_STAT, about);
        if (id >= 0 && semctl(id, 0, IPC_RMID) < 0)
            give_up(errno, "semaphores");
    }
}

/* `n`: u32 whether System V's objects go, too; u32 mode and NUL-terminated path of each folder, again and again. */
void empty_for_another(const struct message *request)
{
    if (request->length < 4)
        give_up(EBADMSG, "folders");
    if (wire_u32(request->bytes) != 0)
        empty_ipc();
    for (uint32_t at = 4; at < request->length;) {
        char *path = (char *)request->bytes + at + 4;
        if (request->length - at < 6 || path[0] != '/' || path[1] == 0)
            give_up(EBADMSG, "folders");
        at += 4 + (uint32_t)strlen(path) + 1; /* there is a NUL behind the message */
        if (at > request->length)
            give_up(EBADMSG, "folders");
        empty_place(path, wire_u32((uint8_t *)path - 4) & 07777);
    }
}
