/* One sandbox from its prepared worker to its last kill: started, listened to, found, ended. */
#include "launcher.h"
#include "../wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint32_t sequences;

long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static struct sandbox *spare(void)
{
    for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
        if (each->id == 0 && !each->exited)
            return each;
    return NULL;
}

bool want_spares(void)
{
    return !settings->single && !spares_fail && spare() == NULL;
}

struct sandbox *prepare(void)
{
    int requests[2], errors[2];
    struct sandbox *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->sequence = ++sequences;
    made->oom = made->log = made->agent = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, requests) < 0) {
        free(made);
        return NULL;
    }
    if (pipe2(errors, O_CLOEXEC) < 0) {
        close(requests[0]);
        close(requests[1]);
        free(made);
        return NULL;
    }
    int unmade = cgroup_make(settings, self, made->sequence) < 0 ? errno : 0;
    bool joined;
    made->worker = cgroup_fork(settings, self, made->sequence, &joined);
    if (made->worker == 0) {
        dup2(errors[1], 2);
        errno = unmade;
        if (unmade != 0) /* said by the worker, as all that goes wrong in a start */
            fail("cgroup", "make");
        worker_main(settings, self, made->sequence, requests[1], errors[0], joined);
    }
    close(requests[1]);
    close(errors[1]);
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    made->requests = requests[0];
    made->errors = errors[0];
    if (made->worker < 0) {
        close(requests[0]);
        close(errors[0]);
        cgroup_remove(settings, self, made->sequence);
        free(made);
        return NULL;
    }
    made->next = sandboxes;
    sandboxes = made;
    sandbox_count++;
    return made;
}

/* proc_pid_stat(5): the field behind the name, which may itself hold anything but ends with the last ')' */
static pid_t parent_of(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = 0;
    char state, *name_end = strrchr(text, ')');
    int parent = 0;
    return name_end != NULL && sscanf(name_end + 1, " %c %d", &state, &parent) == 2 ? (pid_t)parent : 0;
}

/*
 * bubblewrap's --info-fd: `"child-pid": N` is the sandbox's first process, as seen from here. Should it be dead already
 * and N somebody else's, that one has another parent: a process that we did not start is never held, nor killed.
 */
static void find_agent(struct sandbox *sandbox)
{
    static const char key[] = "\"child-pid\": ";
    /* a sentry's first process is none of this kernel's, and what is written there may be the job's */
    const char *found = sandbox->agent < 0 && !settings->sentry ? strstr(sandbox->text, key) : NULL;
    if (found == NULL || strchr(found, '\n') == NULL)
        return;
    pid_t pid = (pid_t)strtol(found + sizeof key - 1, NULL, 10);
    int held = (int)syscall(SYS_pidfd_open, pid, 0);
    pid_t parent = held < 0 ? 0 : parent_of(pid);
    if (held >= 0 && (parent == sandbox->worker || parent == self))
        sandbox->agent = held;
    else if (held >= 0)
        close(held);
    if (sandbox->agent >= 0 && sandbox->killed)
        syscall(SYS_pidfd_send_signal, sandbox->agent, SIGKILL, NULL, 0);
}

/*
 * Only ever by its first process: bubblewrap's child waits without end for a bubblewrap that dies before it has said who
 * that child is. Until then a sandbox is marked, and killed as soon as it is known.
 */
void kill_sandbox(struct sandbox *sandbox)
{
    if (!sandbox->killed)
        sandbox->killed_at = now_ms();
    sandbox->killed = true;
    if (settings->engine) /* one that holds a container ends it first */
        kill(sandbox->worker, sandbox->exited ? 0 : sandbox->requests >= 0 ? SIGKILL : SIGTERM);
    else if (sandbox->agent >= 0)
        syscall(SYS_pidfd_send_signal, sandbox->agent, SIGKILL, NULL, 0);
    else if (!sandbox->exited && (settings->oci || sandbox->requests >= 0 || now_ms() - sandbox->killed_at > STUCK_MS))
        kill(sandbox->worker, SIGKILL); /* no bubblewrap yet, or one that hangs: its child is an orphan then; a runtime's ends by itself, or is one */
}

/* Children that we did not start were bubblewrap's, and it is dead. True while there are any. */
bool kill_orphans(void)
{
    bool found = false;
    DIR *processes = opendir("/proc");
    for (struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 1 || parent_of(pid) != self)
            continue;
        bool ours = false;
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
            ours = ours || (each->worker == pid && !each->exited);
        if (!ours) {
            kill(pid, SIGKILL); /* our child until we wait for it: the number is nobody else's */
            found = true;
        }
    }
    if (processes != NULL)
        closedir(processes);
    return found;
}

void read_errors(struct sandbox *sandbox)
{
    char rest[512];
    for (;;) {
        size_t room = sizeof sandbox->text - 1 - sandbox->text_length;
        ssize_t got = read(sandbox->errors, room > 0 ? sandbox->text + sandbox->text_length : rest,
                           room > 0 ? room : sizeof rest);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0) {
                close(sandbox->errors);
                sandbox->errors = -1;
            }
            break;
        }
        if (room > 0)
            sandbox->text_length += (size_t)got;
    }
    find_agent(sandbox);
}

void check_oom(struct sandbox *sandbox)
{
    struct cgroup_usage usage;
    uint64_t count;
    if (read(sandbox->oom, &count, sizeof count) < 0 && errno == EAGAIN)
        return;
    cgroup_read(settings, self, sandbox->sequence, &usage);
    if (usage.oom_kills > 0)
        kill_sandbox(sandbox);
}

void launch(uint32_t id, const uint8_t *body, uint32_t length)
{
    char line[96];
    struct sandbox *sandbox = spare();
    if (sandbox == NULL && sandbox_count < MAX_SANDBOXES)
        sandbox = prepare();
    if (sandbox == NULL) {
        snprintf(line, sizeof line, "{\"id\":%u,\"event\":\"refused\",\"errno\":%d}\n", id, errno);
        node_gone = !ipc_send(settings->ipc, line, -1) || node_gone;
        return;
    }
    sandbox->id = id;
    sandbox->oom = cgroup_watch_oom(settings, self, sandbox->sequence);
    uint8_t header[4];
    wire_put_u32(header, length);
    bool sent = send(sandbox->requests, header, 4, MSG_NOSIGNAL) == 4;
    for (uint32_t done = 0; sent && done < length;) {
        ssize_t count = send(sandbox->requests, body + done, length - done, MSG_NOSIGNAL);
        if (count <= 0 && errno != EINTR)
            sent = false; /* the worker died: its end is reported as any other */
        else if (count > 0)
            done += (uint32_t)count;
    }
    sandbox->untold = request_networks(body, length);
    if (sandbox->untold) {
        sandbox->log = sandbox->requests;
        handles = SIZE_MAX;
    } else {
        close(sandbox->requests);
    }
    sandbox->requests = -1;
}

struct sandbox *by_id(uint32_t id)
{
    for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
        if (each->id == id)
            return each;
    return NULL;
}
