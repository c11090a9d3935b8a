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

/* Of the files that go in: what went wrong first, until somebody is told. */
static struct {
    int error;
    char path[1024];
    int open; /* what is written to; -1: nothing */
} files = {.open = -1};

static void went_wrong(int error, const char *path)
{
    if (error == 0 || files.error != 0)
        return;
    files.error = error;
    strncpy(files.path, path, sizeof files.path - 1);
}

static void close_file(void)
{
    if (files.open >= 0)
        close(files.open);
    files.open = -1;
}

static void make_folder(const struct message *message)
{
    char *path = (char *)message->bytes;
    if (path[0] != '/')
        give_up(EBADMSG, "folder");
    went_wrong(files_folder(path), path);
}

static void make_file(const struct message *message)
{
    char *path = (char *)message->bytes + 4;
    close_file();
    if (message->length < 6 || path[0] != '/')
        give_up(EBADMSG, "file");
    files.open = files_open(path, wire_u32(message->bytes) & 0777);
    if (files.open < 0)
        went_wrong(errno, path);
}

static void write_file(const struct message *message)
{
    if (files.open < 0 && files.error == 0)
        give_up(EBADMSG, "bytes of no file");
    for (uint32_t done = 0; files.error == 0 && done < message->length;) {
        ssize_t count = write(files.open, message->bytes + done, message->length - done);
        if (count < 0 && errno != EINTR)
            went_wrong(errno, "input");
        done += count > 0 ? (uint32_t)count : 0;
    }
}

static void say_how_files_went(void)
{
    close_file();
    if (files.error != 0)
        channel_write2('I', (uint64_t)files.error, 4, files.path);
    else
        channel_write('Z', "", 0);
    files.error = 0;
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

static void keep_message(struct job *job, const struct message *message)
{
    if ((job->kept_count & (job->kept_count + 1)) == 0) {
        uint8_t **larger = realloc(job->kept, (2 * (size_t)job->kept_count + 2) * sizeof *larger);
        if (larger == NULL)
            give_up(ENOMEM, "arguments");
        job->kept = larger;
    }
    job->kept[job->kept_count++] = message->bytes;
}

void job_forget(struct job *job)
{
    for (int i = 0; i < job->kept_count; i++)
        free(job->kept[i]);
    free(job->kept);
    free(job->argv);
    free(job->envp);
    free(job->places);
    *job = (struct job){0};
}

static void go(const struct job *job)
{
    close_file();
    if (files.error != 0)
        give_up(files.error, files.path);
    if (job->argc == 0 || job->workdir == NULL || job->deadline_ms == 0 ||
        (job->lock_line != NULL && job->gate.length == 0))
        give_up(EBADMSG, "go");
}

/* False: it is to be kept no longer than it takes. */
static bool take(struct job *job, const struct message *message)
{
    char *text = (char *)message->bytes;
    switch (message->tag) {
    case 'w': job->workdir = text; return true;
    case 'v': append(&job->envp, &job->envc, text); return true;
    case 'x': append(&job->argv, &job->argc, text); return true;
    case 'p': take_place(job, message); return true;
    case 'c': take_label(job, message); return true;
    case 'h': take_program(&job->first, message); return true;
    case 'k': take_program(&job->gate, message); return true;
    case 'j': take_program(&job->filter, message); return true;
    case 'l': take_lock(job, message); return true;
    case 'r': take_limit(job, message); return false;
    case 't': job->deadline_ms = message->length == 4 ? wire_u32(message->bytes) : 0; return false;
    case 'a': job->landlock_least = message->length == 4 ? wire_u32(message->bytes) : UINT32_MAX; return false;
    case 'y': terminal_wanted(message); return false;
    case 'd': make_folder(message); return false;
    case 'f': make_file(message); return false;
    case 'b': write_file(message); return false;
    case 'e': say_how_files_went(); return false;
    case 'o': collect(message); return false;
    case 'R': carry_over_control(); return false;
    case 'g': go(job); return false;
    default: give_up(EBADMSG, "unknown request");
    }
}

void prepare(struct job *job)
{
    struct message message;
    do {
        if (!channel_read(&message))
            leave(0);
        if (take(job, &message))
            keep_message(job, &message);
        else
            free(message.bytes);
    } while (message.tag != 'g');
}
