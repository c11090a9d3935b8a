/* What the machine came with is a file system in memory. This process moves to one of its own and leaves nothing of the first. */
#include "guest.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT "/root"

/* Executed by descriptor: its file has no name by then. */
int boot_agent(void)
{
    int agent = open("/agent", O_RDONLY | O_CLOEXEC);
    if (agent < 0)
        fail("open", "/agent");
    return agent;
}

uint8_t *boot_steps(size_t *length)
{
    struct stat about;
    int file = open("/steps", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    if (fstat(file, &about) < 0 || about.st_size > MAX_STEPS)
        fail("open", "/steps");
    *length = (size_t)about.st_size;
    uint8_t *steps = malloc(*length + 1);
    if (steps == NULL || !wire_read(file, steps, *length))
        fail("read", "/steps");
    close(file);
    return steps;
}

static void mount_new(const char *type, const char *target, unsigned long flags, const char *data)
{
    if (mkdir(target, 0755) < 0 && errno != EEXIST)
        fail("mkdir", target);
    if (mount(type, target, type, flags, data) < 0)
        fail("mount", target);
}

/* Of the file system that this process still is in; the new one is another device. */
static void remove_below(int folder, dev_t device)
{
    DIR *list = fdopendir(folder);
    if (list == NULL) {
        close(folder);
        return;
    }
    for (const struct dirent *each; (each = readdir(list)) != NULL;) {
        struct stat about;
        const char *name = each->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) < 0 ||
            about.st_dev != device)
            continue;
        if (S_ISDIR(about.st_mode))
            remove_below(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), device);
        (void)unlinkat(folder, name, S_ISDIR(about.st_mode) ? AT_REMOVEDIR : 0);
    }
    closedir(list);
}

/* The root of a mount that can be left: the first file system of all can't, see pivot_root(2). */
static void move_root(void)
{
    struct stat about;
    int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (old < 0 || fstat(old, &about) < 0)
        fail("open", "/");
    remove_below(old, about.st_dev);
    if (chdir(ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        fail("move", ROOT);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        fail("private", "/");
}

void boot_machine(void)
{
    const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    mount_new("tmpfs", ROOT, MS_NOSUID | MS_NODEV, "mode=0755");
    mount_new("proc", ROOT "/proc", plain, NULL);
    mount_new("sysfs", ROOT "/sys", plain, NULL);
    mount_new("cgroup2", ROOT "/sys/fs/cgroup", plain, NULL);
    mount_new("devtmpfs", ROOT "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755");
    /* for what only one machine has, of all that go on from one: the job's namespaces show the same */
    mount_new("tmpfs", ROOT "/own", plain, "mode=0755,size=16m");
    /* … and what is granted to its job alone, which may be programs; src/boundary/microvm/grants/bounds.ts */
    mount_new("tmpfs", ROOT "/granted", MS_NOSUID | MS_NODEV, "mode=0755,size=128m,nr_inodes=10k");
    modules_load();
    move_root();
}
