/*
 * The launcher: takes requests from Node on standard input, keeps one worker prepared, watches every sandbox it
 * started, and says how each ended only when nothing of it is left. When Node goes, everything goes.
 */
#include "cell.h"
#include "../wire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SANDBOXES 4096
#define SPARE_DELAY_MS 25 /* joining a cgroup can hold up every fork on the machine: not while a sandbox starts */
#define RETRY_MS 1
#define STUCK_MS 5000 /* bubblewrap says who its child is within milliseconds, or never */
#define ACKNOWLEDGEMENTS (4 * strlen("{\"cmd\":\"NODE_HANDLE_ACK\"}\n")) /* of one sandbox's handles */

struct sandbox {
    uint32_t id; /* 0: a prepared worker with no request yet */
    uint32_t sequence;
    pid_t worker;
    int requests; /* to the worker, until it has its request */
    int errors;   /* what the worker and bubblewrap say */
    int oom;      /* becomes readable when memory ran out; -1 */
    int agent;    /* pidfd of the sandbox's first process; -1 while unknown */
    bool exited, killed;
    long long killed_at; /* on now_ms' clock */
    int status;
    struct rusage usage;
    size_t text_length;
    char text[MAX_TEXT];
    struct sandbox *next;
};

static const struct settings *settings;
static pid_t self;
static struct sandbox *sandboxes;
static uint32_t sequences;
static int sandbox_count;
static bool node_gone;
static bool served; /* told to serve one sandbox, and that one has ended */
static size_t acknowledged; /* bytes with which Node said that it took a handle */
static bool spares_fail; /* a prepared worker died by itself: the next request is to see why */

static long long now_ms(void)
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

static bool want_spares(void)
{
    return !settings->single && !spares_fail && spare() == NULL;
}

static struct sandbox *prepare(void)
{
    int requests[2], errors[2];
    struct sandbox *made = calloc(1, sizeof *made);
    if (made == NULL)
        return NULL;
    made->sequence = ++sequences;
    made->oom = made->agent = -1;
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
    made->worker = fork();
    if (made->worker == 0) {
        dup2(errors[1], 2);
        errno = unmade;
        if (unmade != 0) /* said by the worker, as all that goes wrong in a start */
            fail("cgroup", "make");
        worker_main(settings, self, made->sequence, requests[1]);
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
    const char *found = sandbox->agent < 0 ? strstr(sandbox->text, key) : NULL;
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
static void kill_sandbox(struct sandbox *sandbox)
{
    if (!sandbox->killed)
        sandbox->killed_at = now_ms();
    sandbox->killed = true;
    if (sandbox->agent >= 0)
        syscall(SYS_pidfd_send_signal, sandbox->agent, SIGKILL, NULL, 0);
    else if (!sandbox->exited && (sandbox->requests >= 0 || now_ms() - sandbox->killed_at > STUCK_MS))
        kill(sandbox->worker, SIGKILL); /* no bubblewrap yet, or one that hangs: its child is an orphan then */
}

/* Children that we did not start were bubblewrap's, and it is dead. True while there are any. */
static bool kill_orphans(void)
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

static void read_errors(struct sandbox *sandbox)
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

static void check_oom(struct sandbox *sandbox)
{
    struct cgroup_usage usage;
    uint64_t count;
    if (read(sandbox->oom, &count, sizeof count) < 0 && errno == EAGAIN)
        return;
    cgroup_read(settings, self, sandbox->sequence, &usage);
    if (usage.oom_kills > 0)
        kill_sandbox(sandbox);
}

static void launch(uint32_t id, const uint8_t *body, uint32_t length)
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
    close(sandbox->requests);
    sandbox->requests = -1;
}

static struct sandbox *by_id(uint32_t id)
{
    for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
        if (each->id == id)
            return each;
    return NULL;
}

/* From Node: u32 length, then `L` and a request, or `K` and an id. */
static void command(const uint8_t *bytes, uint32_t length)
{
    if (length >= 10 && bytes[0] == 'L' && bytes[1] == 'i' && wire_u32(bytes + 2) == 4) {
        launch(wire_u32(bytes + 6), bytes + 1, length - 1);
    } else if (length == 5 && bytes[0] == 'K') {
        struct sandbox *sandbox = by_id(wire_u32(bytes + 1));
        if (sandbox != NULL && wire_u32(bytes + 1) != 0)
            kill_sandbox(sandbox);
    } else {
        node_gone = true; /* not our Node: end everything */
    }
}

static void read_commands(void)
{
    static uint8_t *buffer;
    static size_t have, room;
    if (room - have < 65536) {
        uint8_t *larger = realloc(buffer, room + (room < 65536 ? 65536 : room));
        if (larger == NULL || room > 2 * (size_t)MAX_REQUEST) {
            node_gone = true;
            return;
        }
        room += room < 65536 ? 65536 : room;
        buffer = larger;
    }
    ssize_t got = read(0, buffer + have, room - have);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
        node_gone = true;
    if (got <= 0)
        return;
    have += (size_t)got;
    size_t used = 0;
    while (have - used >= 4) {
        uint32_t length = wire_u32(buffer + used);
        if (length > MAX_REQUEST) {
            node_gone = true;
            return;
        }
        if (have - used - 4 < length)
            break;
        command(buffer + used + 4, length);
        used += 4 + (size_t)length;
    }
    memmove(buffer, buffer + used, have - used);
    have -= used;
}

static void reap(void)
{
    int status;
    struct rusage usage;
    for (pid_t pid; (pid = wait4(-1, &status, WNOHANG, &usage)) > 0;)
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
            if (each->worker == pid && !each->exited) {
                each->exited = true;
                each->status = status;
                each->usage = usage;
            }
}

/* bubblewrap may die before its child: a subreaper, we then wait for that one ourselves. */
static bool agent_gone(struct sandbox *sandbox)
{
    if (sandbox->agent < 0)
        return !kill_orphans();
    struct pollfd end = {.fd = sandbox->agent, .events = POLLIN};
    if (poll(&end, 1, 0) == 1)
        return true;
    syscall(SYS_pidfd_send_signal, sandbox->agent, SIGKILL, NULL, 0);
    return false;
}

static size_t escape(char *out, const char *text, size_t length)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            used += (size_t)sprintf(out + used, "\\u%04x", byte);
        else
            out[used++] = (char)byte;
    }
    out[used] = 0;
    return used;
}

static void report(struct sandbox *sandbox, const struct cgroup_usage *usage)
{
    static char text[6 * MAX_TEXT + 1], line[6 * MAX_TEXT + 512];
    const struct rusage *times = &sandbox->usage;
    long long waited_us = (times->ru_utime.tv_sec + times->ru_stime.tv_sec) * 1000000LL + times->ru_utime.tv_usec +
                          times->ru_stime.tv_usec;
    long long cpu_us = (long long)usage->cpu_us > waited_us ? (long long)usage->cpu_us : waited_us;
    escape(text, sandbox->text, sandbox->text_length);
    snprintf(line, sizeof line,
             "{\"id\":%u,\"event\":\"ended\",\"status\":%d,\"killed\":%s,\"cpuUs\":%lld,\"maxRssBytes\":%lld,"
             "\"peakMemoryBytes\":%llu,\"oomKills\":%llu,\"forkRefusals\":%llu,\"text\":\"%s\"}\n",
             sandbox->id, sandbox->status, sandbox->killed ? "true" : "false", cpu_us,
             times->ru_maxrss * 1024LL, (unsigned long long)usage->peak_memory,
             (unsigned long long)usage->oom_kills, (unsigned long long)usage->fork_refusals, text);
    node_gone = !ipc_send(settings->ipc, line, -1) || node_gone;
}

/* True when nothing of it is left and that was said. */
static bool bury(struct sandbox *sandbox)
{
    struct cgroup_usage usage;
    if (sandbox->errors >= 0)
        read_errors(sandbox);
    if (!agent_gone(sandbox))
        return false;
    cgroup_read(settings, self, sandbox->sequence, &usage);
    if (cgroup_remove(settings, self, sandbox->sequence) < 0) {
        cgroup_kill(settings, self, sandbox->sequence);
        if (cgroup_remove(settings, self, sandbox->sequence) < 0)
            return false;
    }
    if (sandbox->id != 0 && !node_gone)
        report(sandbox, &usage);
    const int owned[] = {sandbox->requests, sandbox->errors, sandbox->oom, sandbox->agent};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (owned[i] >= 0)
            close(owned[i]);
    return true;
}

/* True while some ended sandbox still waits for the kernel to let go of it. */
static bool bury_the_dead(void)
{
    bool waiting = false;
    for (struct sandbox **link = &sandboxes; *link != NULL;) {
        struct sandbox *each = *link;
        if (!each->exited || !bury(each)) {
            waiting = waiting || each->exited;
            link = &each->next;
            continue;
        }
        *link = each->next;
        served = served || (settings->single && each->id != 0);
        spares_fail = each->id == 0;
        sandbox_count--;
        free(each);
    }
    return waiting;
}

static void end_everything(void)
{
    for (int tries = 0; sandboxes != NULL && tries < 4 * STUCK_MS; tries++) {
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next) {
            if (each->errors >= 0 && !each->exited)
                read_errors(each);
            kill_sandbox(each);
        }
        reap();
        if (bury_the_dead() || sandboxes != NULL)
            usleep(1000);
    }
    cgroup_release(settings, self);
}

static int watch(int signals)
{
    static struct pollfd watched[3 + 2 * MAX_SANDBOXES];
    static struct sandbox *owners[3 + 2 * MAX_SANDBOXES];
    long long spare_due = 0;
    bool waiting = false;
    /* Node that can't acknowledge a handle hears nothing more, not even how the sandbox ended: so not before it did */
    while (!node_gone && !(served && acknowledged >= ACKNOWLEDGEMENTS)) {
        bool want_spare = want_spares();
        long long left = spare_due - now_ms();
        int timeout = waiting ? RETRY_MS : want_spare ? (left > 0 ? (int)left : 0) : -1;
        int count = 0;
        watched[count++] = (struct pollfd){.fd = 0, .events = POLLIN};
        watched[count++] = (struct pollfd){.fd = settings->ipc, .events = POLLIN};
        watched[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next) {
            const int fds[] = {each->errors, each->oom};
            for (int i = 0; i < 2; i++)
                if (fds[i] >= 0 && !each->exited) {
                    owners[count] = each;
                    watched[count++] = (struct pollfd){.fd = fds[i], .events = POLLIN};
                }
        }
        if (poll(watched, (nfds_t)count, timeout) < 0 && errno != EINTR)
            return 1;
        if (watched[0].revents != 0) {
            read_commands();
            spare_due = now_ms() + SPARE_DELAY_MS;
        }
        if (watched[1].revents != 0) {
            char acknowledgements[4096];
            ssize_t got = read(settings->ipc, acknowledgements, sizeof acknowledgements);
            node_gone = got <= 0 || node_gone;
            acknowledged += got > 0 ? (size_t)got : 0;
        }
        for (int i = 3; i < count; i++)
            if (watched[i].revents != 0) {
                if (watched[i].fd == owners[i]->errors)
                    read_errors(owners[i]);
                else
                    check_oom(owners[i]);
            }
        if (watched[2].revents != 0) {
            struct signalfd_siginfo ignored;
            (void)!read(signals, &ignored, sizeof ignored);
        }
        reap();
        waiting = bury_the_dead();
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next)
            if (each->killed && !each->exited) {
                kill_sandbox(each);
                waiting = true;
            }
        if (want_spares() && !node_gone && sandbox_count < MAX_SANDBOXES &&
            (sandbox_count == 0 || now_ms() >= spare_due))
            prepare();
    }
    return 0;
}

int launcher_main(const struct settings *given)
{
    sigset_t children;
    settings = given;
    self = getpid();
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 1;
    prepare();
    cgroup_sweep(settings);
    int code = watch(signals);
    end_everything();
    return code;
}
