/*
 * Sends what the job left at a path: plain files and folders, nothing else. Every process of the job is dead by now,
 * so nothing moves; what was planted before is never followed: each step is opened by descriptor, without symlinks.
 */
#include "agent.h"
#include "../walls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 64
#define CHUNK (256u << 10)

static void refuse(enum refusal kind, const char *path)
{
    channel_write2('X', kind, 4, path);
}

static bool send_file(int fd, uint64_t size, const char *path)
{
    static uint8_t buffer[CHUNK];
    channel_write2('F', size, 8, path);
    for (uint64_t left = size; left > 0;) {
        ssize_t got = read(fd, buffer, left < CHUNK ? (size_t)left : CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            refuse(REFUSE_UNREADABLE, path);
            return false;
        }
        channel_write('B', buffer, (uint32_t)got);
        left -= (uint64_t)got;
    }
    return true;
}

static bool send_entry(int parent, const char *name, char *path, size_t length, int depth);

static bool send_folder(int fd, char *path, size_t length, int depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        refuse(REFUSE_UNREADABLE, path);
        return false;
    }
    channel_write('D', path, (uint32_t)length);
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        size_t more = strlen(entry->d_name);
        if (length + more + 2 > PATH_MAX || depth == MAX_DEPTH) {
            refuse(REFUSE_DEPTH, path);
            good = false;
            break;
        }
        path[length] = '/';
        memcpy(path + length + 1, entry->d_name, more + 1);
        good = send_entry(dirfd(folder), entry->d_name, path, length + 1 + more, depth + 1);
        path[length] = 0;
    }
    closedir(folder);
    return good;
}

static bool send_entry(int parent, const char *name, char *path, size_t length, int depth)
{
    struct stat found;
    bool follows = !WALL("collected-last");
    if (fstatat(parent, name, &found, follows ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT || depth > 0)
            refuse(REFUSE_UNREADABLE, path);
        else
            channel_write('M', "", 0);
        return false;
    }
    if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) {
        refuse(S_ISLNK(found.st_mode) ? REFUSE_SYMLINK : REFUSE_SPECIAL, path);
        return false;
    }
    int flags = O_RDONLY | (follows ? 0 : O_NOFOLLOW) | O_NONBLOCK | O_CLOEXEC | (S_ISDIR(found.st_mode) ? O_DIRECTORY : 0);
    int fd = openat(parent, name, flags);
    if (fd < 0 || fstat(fd, &found) < 0) {
        refuse(REFUSE_UNREADABLE, path);
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (S_ISDIR(found.st_mode))
        return send_folder(fd, path, length, depth);
    bool good = send_file(fd, (uint64_t)found.st_size, path);
    close(fd);
    return good;
}

/*
 * Opens the folder that holds the last component of `below`; *name is that component. A place may lie in scratch, where the
 * job renames the folders above it: those are looked at too. -1 with errno.
 */
static int open_parent(char *place, char *below, char **name)
{
    int fd = files_descend(files_root(), place + 1, name);
    if (fd >= 0)
        fd = files_step(fd, *name);
    return fd < 0 ? fd : files_descend(fd, below, name);
}

/* `o`: the place (a scratch folder) NUL the path below it; an empty path is the place itself. */
void collect(const struct message *request)
{
    char path[PATH_MAX], *place = (char *)request->bytes, *name;
    size_t split = strlen(place);
    if (split + 1 > request->length || place[0] != '/' || place[1] == 0)
        give_up(EBADMSG, "collect");
    char *below = place + split + 1;
    size_t length = strlen(below);
    if (length >= PATH_MAX)
        give_up(ENAMETOOLONG, "collect");
    memcpy(path, below, length + 1);
    int parent = open_parent(place, below, &name);
    if (parent < 0) {
        if (errno == ENOENT)
            channel_write('M', "", 0);
        else
            refuse(errno == ENOTDIR || errno == ELOOP ? REFUSE_SYMLINK : REFUSE_UNREADABLE, path);
    } else {
        send_entry(parent, length > 0 ? name : ".", path, length, 0);
        close(parent);
    }
    channel_write('Z', "", 0);
}
