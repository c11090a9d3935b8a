/* Files by their handles, which go past every folder on the way. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static int a_file_handle(char **args)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } named = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount_id, folder = open(args[0], O_RDONLY | O_DIRECTORY);
    if (folder < 0 || name_to_handle_at(AT_FDCWD, args[0], &named.handle, &mount_id, 0) < 0)
        return errno;
    return result(open_by_handle_at(folder, &named.handle, O_RDONLY));
}

/* CVE-2014-5077's way ("shocker"): a handle that was guessed, the root of most file systems, by a descriptor that is shown. */
static int a_guessed_handle(char **args)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + 8];
    } root = {.handle = {.handle_bytes = 8, .handle_type = 1}};
    uint32_t inode = 2;
    int folder = open(args[0], O_RDONLY | O_DIRECTORY);
    memcpy(root.handle.f_handle, &inode, sizeof inode);
    return folder < 0 ? errno : result(open_by_handle_at(folder, &root.handle, O_RDONLY | O_DIRECTORY));
}

const struct attempt handles_attempts[] = {
    {"file-handle", a_file_handle},
    {"guessed-handle", a_guessed_handle},
    {NULL, NULL},
};
