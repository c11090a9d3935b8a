/* What comes before "go": the command, its environment and limits, and the job's own input files. */
#include "agent.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void append(char ***list, int *count, char *item)
{
    if (*count == MAX_STRINGS)
        give_up(E2BIG, "arguments");
    if ((*count & (*count + 1)) == 0) { /* 0, 1, 3, 7 …: room for twice as many, and the NULL */
        char **larger = realloc(*list, (2 * (size_t)*count + 3) * sizeof *larger);
        if (larger == NULL)
            give_up(ENOMEM, "arguments");
        *list = larger;
    }
    (*list)[(*count)++] = item;
    (*list)[*count] = NULL;
}

static void make_folder(char *path)
{
    if (path[0] != '/')
        give_up(EBADMSG, "folder");
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL)
            *slash = 0;
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            give_up(errno, path);
        if (slash == NULL)
            return;
        *slash = '/';
    }
}

static int make_file(const struct message *message)
{
    const char *path = (const char *)message->bytes + 4;
    if (message->length < 5)
        give_up(EBADMSG, "file");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, wire_u32(message->bytes) & 0777);
    if (fd < 0)
        give_up(errno, path);
    return fd;
}

static void write_file(int fd, const struct message *message)
{
    for (uint32_t done = 0; done < message->length;) {
        ssize_t count = write(fd, message->bytes + done, message->length - done);
        if (count < 0 && errno != EINTR)
            give_up(errno, "input");
        done += count > 0 ? (uint32_t)count : 0;
    }
}

static void take_limit(struct job *job, const struct message *message)
{
    if (message->length != 20 || job->limit_count == MAX_LIMITS)
        give_up(EBADMSG, "limit");
    job->limits[job->limit_count].resource = (int)wire_u32(message->bytes);
    job->limits[job->limit_count].limit.rlim_cur = (rlim_t)wire_u64(message->bytes + 4);
    job->limits[job->limit_count].limit.rlim_max = (rlim_t)wire_u64(message->bytes + 12);
    job->limit_count++;
}

static void take_place(struct job *job, const struct message *message)
{
    if (message->length < 5 || message->bytes[4] != '/' || job->place_count == MAX_PLACES)
        give_up(EBADMSG, "place");
    struct place *larger = realloc(job->places, ((size_t)job->place_count + 1) * sizeof *larger);
    if (larger == NULL)
        give_up(ENOMEM, "places");
    larger[job->place_count++] =
        (struct place){.path = (const char *)message->bytes + 4, .rights = wire_u32(message->bytes)};
    job->places = larger;
}

static void take_label(struct job *job, const struct message *message)
{
    uint32_t module = message->length < 5 ? 0 : wire_u32(message->bytes);
    if (module != APPARMOR && module != SELINUX)
        give_up(EBADMSG, "label");
    job->label_of = (enum security_module)module;
    job->label = (const char *)message->bytes + 4;
}

static void take_program(struct program *program, const struct message *message)
{
    if (program->length != 0 || message->length == 0 || message->length % sizeof(struct sock_filter) != 0 ||
        message->length > BPF_MAXINSNS * sizeof(struct sock_filter))
        give_up(EBADMSG, "filter");
    *program = (struct program){.bytes = message->bytes, .length = message->length};
}

static void take_lock(struct job *job, const struct message *message)
{
    if (message->length < 5)
        give_up(EBADMSG, "lock");
    job->lock_one_exec = wire_u32(message->bytes) == 1;
    job->lock_line = (const char *)message->bytes + 4;
}

void prepare(struct job *job)
{
    struct message message;
    int file = -1;
    for (;;) {
        if (!channel_read(&message))
            leave(0);
        bool keep = false;
        switch (message.tag) {
        case 'w': job->workdir = (char *)message.bytes; keep = true; break;
        case 'v': append(&job->envp, &job->envc, (char *)message.bytes); keep = true; break;
        case 'x': append(&job->argv, &job->argc, (char *)message.bytes); keep = true; break;
        case 'r': take_limit(job, &message); break;
        case 't': job->deadline_ms = message.length == 4 ? wire_u32(message.bytes) : 0; break;
        case 'p': take_place(job, &message); keep = true; break;
        case 'c': take_label(job, &message); keep = true; break;
        case 'a': job->landlock_least = message.length == 4 ? wire_u32(message.bytes) : UINT32_MAX; break;
        case 'h': take_program(&job->first, &message); keep = true; break;
        case 'k': take_program(&job->gate, &message); keep = true; break;
        case 'j': take_program(&job->filter, &message); keep = true; break;
        case 'l': take_lock(job, &message); keep = true; break;
        case 'y': terminal_wanted(&message); break;
        case 'd': make_folder((char *)message.bytes); break;
        case 'f':
            if (file >= 0)
                close(file);
            file = make_file(&message);
            break;
        case 'b':
            if (file < 0)
                give_up(EBADMSG, "bytes of no file");
            write_file(file, &message);
            break;
        case 'g':
            if (file >= 0)
                close(file);
            if (job->argc == 0 || job->workdir == NULL || job->deadline_ms == 0 ||
                (job->lock_line != NULL && job->gate.length == 0))
                give_up(EBADMSG, "go");
            return;
        default: give_up(EBADMSG, "unknown request");
        }
        if (!keep)
            free(message.bytes);
    }
}
