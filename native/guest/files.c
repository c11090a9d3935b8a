/* Steps that make and write files; whatever is wrong ends this process, see step_failed. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int parent_of(const char *what, const char *path, const char **name)
{
    int folder = path_parent(path, name);
    if (folder < 0)
        step_failed(what, path);
    return folder;
}

/* Of what was just made, or was there; the mode last, as a new owner takes some of its bits. */
static void belong(int fd, const char *what, const char *path, const struct step *step)
{
    if (fchown(fd, step->numbers[1], step->numbers[2]) < 0 || fchmod(fd, (mode_t)(step->numbers[0] & 07777)) < 0)
        step_failed(what, path);
}

void make_folders(const struct step *step)
{
    char path[MAX_TEXT];
    strcpy(path, step->texts[0]); /* none is longer, see take_text */
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        const char *name;
        if (slash != NULL)
            *slash = 0;
        int folder = parent_of("mkdir", path, &name);
        if (mkdirat(folder, name, 0755) < 0 && errno != EEXIST)
            step_failed("mkdir", path);
        close(folder);
        if (slash == NULL)
            break;
        *slash = '/';
    }
    int made = path_open(path, O_RDONLY | O_DIRECTORY);
    if (made < 0)
        step_failed("mkdir", path);
    belong(made, "mkdir", path, step);
    close(made);
}

static void write_whole(int fd, const struct step *step)
{
    for (uint32_t done = 0; done < step->size;) {
        ssize_t put = write(fd, step->bytes + done, step->size - done);
        if (put < 0 && errno != EINTR)
            step_failed("write", step->texts[0]);
        done += put > 0 ? (uint32_t)put : 0;
    }
    if (close(fd) < 0)
        step_failed("write", step->texts[0]);
}

void make_file(const struct step *step)
{
    const char *path = step->texts[0], *name;
    int folder = parent_of("create", path, &name);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        step_failed("create", path);
    close(folder);
    belong(fd, "create", path, step);
    write_whole(fd, step);
}

void make_link(const struct step *step)
{
    const char *name;
    int folder = parent_of("symlink", step->texts[1], &name);
    if (symlinkat(step->texts[0], folder, name) < 0)
        step_failed("symlink", step->texts[1]);
    close(folder);
}

void make_device(const struct step *step)
{
    const char *name;
    int folder = parent_of("mknod", step->texts[0], &name);
    mode_t mode = (mode_t)(step->numbers[0] & 0777);
    if (mknodat(folder, name, S_IFCHR | mode, makedev(step->numbers[1], step->numbers[2])) < 0 ||
        fchmodat(folder, name, mode, 0) < 0)
        step_failed("mknod", step->texts[0]);
    close(folder);
}

/* What the kernel reads there it reads at once. An image's pipe would be waited at for its reader, who never comes. */
void write_there(const struct step *step)
{
    int fd = path_open(step->texts[0], O_WRONLY | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT && step->tag == 'W')
        return;
    if (fd < 0)
        step_failed("write", step->texts[0]);
    write_whole(fd, step);
}

void append_there(const struct step *step)
{
    int fd = path_open(step->texts[0], O_WRONLY | O_APPEND | O_NONBLOCK);
    if (fd < 0)
        step_failed("write", step->texts[0]);
    write_whole(fd, step);
}

void own_there(const struct step *step)
{
    int fd = path_open(step->texts[0], O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        step_failed("own", step->texts[0]);
    belong(fd, "own", step->texts[0], step);
    close(fd);
}
