/*
 * One folder per sandbox below each base, named after the launcher and a sequence number, so that what a killed
 * launcher leaves can be told from what is in use. The worker joins it before anything of the sandbox exists.
 *
 * On v2 a launcher's sandboxes stand in one folder of its own, the holder. It hands the controllers down itself, so
 * that nobody can take them from the base while a sandbox lives: systemd does that when the last unit that wanted
 * them stops, and the limits would silently be gone. The kernel then answers EBUSY.
 */
#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFIX "glovebox-"

#define CALLERS PREFIX "callers" /* not a launcher's number: never swept */

/* What sandboxes are limited by, as far as the base has it. */
static const char *const controllers[] = {"memory", "pids", "cpu"};

bool cgroup_is_unified(const struct cgroup_base *base)
{
    return strcmp(base->kind, "unified") == 0 || strcmp(base->kind, "occupied") == 0;
}

void cgroup_folder(char *out, size_t size, const struct cgroup_base *base, pid_t launcher, uint32_t sequence)
{
    char between = cgroup_is_unified(base) ? '/' : '-';
    snprintf(out, size, "%s/" PREFIX "%d%c%u", base->directory, (int)launcher, between, sequence);
}

static int write_file(const char *folder, const char *file, const char *value)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3500s/%s", folder, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -1;
    ssize_t done = write(fd, value, strlen(value));
    int error = errno;
    close(fd);
    errno = error;
    return done == (ssize_t)strlen(value) ? 0 : -1;
}

static size_t read_file(const char *folder, const char *file, char *out, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.3500s/%s", folder, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t got = fd < 0 ? 0 : read(fd, out, size - 1);
    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = 0;
    return got > 0 ? (size_t)got : 0;
}

int cgroup_write_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file,
                    const char *value)
{
    char folder[PATH_MAX];
    cgroup_folder(folder, sizeof folder, base, launcher, sequence);
    return write_file(folder, file, value);
}

size_t cgroup_read_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file, char *out,
                      size_t size)
{
    char folder[PATH_MAX];
    cgroup_folder(folder, sizeof folder, base, launcher, sequence);
    return read_file(folder, file, out, size);
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\n' || at[length] == 0))
            return true;
    return false;
}

/* Every one of our controllers that `folder` has, for the groups below it. */
static int hand_down(const char *folder)
{
    char have[256], words[64] = "";
    read_file(folder, "cgroup.controllers", have, sizeof have);
    for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++)
        if (has_word(have, controllers[i])) {
            strcat(words, *words != 0 ? " +" : "+");
            strcat(words, controllers[i]);
        }
    return *words == 0 ? 0 : write_file(folder, "cgroup.subtree_control", words);
}

/*
 * A group that was delegated with its processes in it, as a service's with Delegate=yes: they move to a group of
 * their own, since one with processes can't hand controllers down. Tried without first, for the hierarchy's own root.
 */
static int vacate(const char *folder)
{
    char callers[PATH_MAX], text[4096], pid[24], *rest;
    snprintf(callers, sizeof callers, "%.3500s/" CALLERS, folder);
    for (int tries = 0; hand_down(folder) < 0; tries++) {
        if (errno != EBUSY || tries == 100 || (mkdir(callers, 0755) < 0 && errno != EEXIST))
            return -1;
        read_file(folder, "cgroup.procs", text, sizeof text);
        for (char *at = text; (rest = strchr(at, '\n')) != NULL; at = rest + 1) {
            snprintf(pid, sizeof pid, "%.*s", (int)(rest - at), at);
            if (write_file(callers, "cgroup.procs", pid) < 0 && errno != ESRCH)
                return -1;
        }
    }
    return 0;
}

static int hold(const struct cgroup_base *base, pid_t launcher)
{
    char holder[PATH_MAX];
    if (strcmp(base->kind, "occupied") == 0 && vacate(base->directory) < 0)
        return -1;
    snprintf(holder, sizeof holder, "%.3500s/" PREFIX "%d", base->directory, (int)launcher);
    if (mkdir(holder, 0755) < 0 && errno != EEXIST)
        return -1;
    return hand_down(holder);
}

int cgroup_make(const struct settings *settings, pid_t launcher, uint32_t sequence)
{
    char folder[PATH_MAX];
    for (int i = 0; i < settings->cgroup_count; i++) {
        const struct cgroup_base *base = &settings->cgroups[i];
        cgroup_folder(folder, sizeof folder, base, launcher, sequence);
        int made = mkdir(folder, 0755);
        if (made < 0 && errno == ENOENT && cgroup_is_unified(base))
            made = hold(base, launcher) < 0 ? -1 : mkdir(folder, 0755);
        if (made < 0 && errno != EEXIST)
            return -1;
    }
    return 0;
}

/*
 * A child that begins its life in its group (v2), or -1 with errno. Not a move, for which the kernel locks out every fork and
 * exec of the machine. A container's seccomp profile may not know clone3: then, and on v1, the child joins by itself.
 */
pid_t cgroup_fork(const struct settings *settings, pid_t launcher, uint32_t sequence, bool *joined)
{
    *joined = false;
    if (settings->cgroup_count == 1 && cgroup_is_unified(&settings->cgroups[0])) {
        char folder[PATH_MAX];
        cgroup_folder(folder, sizeof folder, &settings->cgroups[0], launcher, sequence);
        int group = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct clone_args how = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)group};
        long made = group < 0 ? -1 : syscall(SYS_clone3, &how, sizeof how);
        if (group >= 0)
            close(group);
        *joined = made >= 0;
        if (made >= 0)
            return (pid_t)made;
    }
    return fork();
}

/*
 * By `tasks` where there is one (v1): a thread that moves itself needs no lock against every fork and exec of the
 * machine, for which `cgroup.procs` waits some 10 ms after a quiet while (kernel/cgroup/cgroup.c,
 * cgroup_procs_write_start). The worker has one thread, so that is the same move.
 */
int cgroup_join(const struct settings *settings, pid_t launcher, uint32_t sequence)
{
    for (int i = 0; i < settings->cgroup_count; i++) {
        const char *file = cgroup_is_unified(&settings->cgroups[i]) ? "cgroup.procs" : "tasks";
        if (cgroup_write_in(&settings->cgroups[i], launcher, sequence, file, "0") < 0)
            return -1;
    }
    return 0;
}

/* 0 when every folder is gone; -1 while one is still in use */
int cgroup_remove(const struct settings *settings, pid_t launcher, uint32_t sequence)
{
    char folder[PATH_MAX];
    int result = 0;
    for (int i = 0; i < settings->cgroup_count; i++) {
        cgroup_folder(folder, sizeof folder, &settings->cgroups[i], launcher, sequence);
        if (rmdir(folder) < 0 && errno != ENOENT)
            result = -1;
    }
    return result;
}

/* Whatever is still in there is not meant to be: a process that outlived the sandbox's first one. */
void cgroup_kill(const struct settings *settings, pid_t launcher, uint32_t sequence)
{
    for (int i = 0; i < settings->cgroup_count; i++) {
        char text[4096], *rest = text;
        if (cgroup_is_unified(&settings->cgroups[i]) &&
            cgroup_write_in(&settings->cgroups[i], launcher, sequence, "cgroup.kill", "1") == 0)
            continue;
        cgroup_read_in(&settings->cgroups[i], launcher, sequence, "cgroup.procs", text, sizeof text);
        for (long pid; (pid = strtol(rest, &rest, 10)) > 1;)
            kill((pid_t)pid, SIGKILL);
    }
}

/* A folder of ours with the folders in it. rmdir refuses those in use. */
static int remove_holder(int base, const char *holder)
{
    int fd = openat(base, holder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *inside = fd < 0 ? NULL : fdopendir(fd);
    if (inside != NULL) {
        for (struct dirent *entry; (entry = readdir(inside)) != NULL;)
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        closedir(inside);
    } else if (fd >= 0) {
        close(fd);
    }
    return unlinkat(base, holder, AT_REMOVEDIR);
}

/* The launcher ends: nothing of it stays. */
void cgroup_release(const struct settings *settings, pid_t launcher)
{
    char holder[PATH_MAX];
    for (int i = 0; i < settings->cgroup_count; i++) {
        if (!cgroup_is_unified(&settings->cgroups[i]))
            continue;
        snprintf(holder, sizeof holder, "%.3500s/" PREFIX "%d", settings->cgroups[i].directory, (int)launcher);
        remove_holder(AT_FDCWD, holder);
    }
}

/* Removes what launchers that no longer live have left. Never touches a folder in use: rmdir refuses those. */
void cgroup_sweep(const struct settings *settings)
{
    for (int i = 0; i < settings->cgroup_count; i++) {
        DIR *base = opendir(settings->cgroups[i].directory);
        if (base == NULL)
            continue;
        for (struct dirent *entry; (entry = readdir(base)) != NULL;) {
            if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0)
                continue;
            long launcher = strtol(entry->d_name + strlen(PREFIX), NULL, 10);
            if (launcher > 0 && kill((pid_t)launcher, 0) < 0 && errno == ESRCH)
                remove_holder(dirfd(base), entry->d_name);
        }
        closedir(base);
    }
}
