/*
 * The launcher: takes requests from Node on standard input, keeps one worker prepared, watches every sandbox it
 * started, and says how each ended only when nothing of it is left. When Node goes, everything goes.
 */
#include "launcher.h"
#include "../walls.h"
#include "../wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SPARE_DELAY_MS 25 /* joining a cgroup can hold up every fork on the machine: not while a sandbox starts */
#define RETRY_MS 1
#define ACKNOWLEDGEMENT strlen("{\"cmd\":\"NODE_HANDLE_ACK\"}\n")

const struct settings *settings;
pid_t self;
struct sandbox *sandboxes;
int sandbox_count;
bool node_gone, served, spares_fail;
size_t handles;
static size_t acknowledged; /* bytes with which Node said that it took a handle */

/* The four of an agent, or one that carries them. */
size_t streams(void)
{
    return settings->sentry || settings->engine ? 1 : 4;
}

/* From Node: u32 length, then `L` and a request; or `K`, to kill, or `U`, to say what it has used, and an id. */
static void command(const uint8_t *bytes, uint32_t length)
{
    if (length >= 10 && bytes[0] == 'L' && bytes[1] == 'i' && wire_u32(bytes + 2) == 4) {
        launch(wire_u32(bytes + 6), bytes + 1, length - 1);
    } else if (length == 5 && (bytes[0] == 'K' || bytes[0] == 'U')) {
        uint32_t id = wire_u32(bytes + 1);
        struct sandbox *sandbox = id == 0 ? NULL : by_id(id);
        if (sandbox != NULL && bytes[0] == 'K')
            kill_sandbox(sandbox);
        else if (sandbox != NULL) /* one that has ended says so itself */
            report_used(sandbox);
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
    static struct pollfd watched[3 + 3 * MAX_SANDBOXES];
    static struct sandbox *owners[3 + 3 * MAX_SANDBOXES];
    long long spare_due = 0;
    bool waiting = false;
    /* Node that can't acknowledge a handle hears nothing more, not even how the sandbox ended: so not before it did */
    while (!node_gone && !(served && acknowledged / ACKNOWLEDGEMENT >= handles)) {
        bool want_spare = want_spares();
        long long left = spare_due - now_ms();
        int timeout = waiting ? RETRY_MS : want_spare ? (left > 0 ? (int)left : 0) : -1;
        int count = 0;
        watched[count++] = (struct pollfd){.fd = 0, .events = POLLIN};
        watched[count++] = (struct pollfd){.fd = settings->ipc, .events = POLLIN};
        watched[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
        for (struct sandbox *each = sandboxes; each != NULL; each = each->next) {
            const int fds[] = {each->errors, each->oom, each->log};
            for (int i = 0; i < 3; i++)
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
                else if (watched[i].fd == owners[i]->log)
                    read_log(owners[i]);
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
    handles = streams();
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 1;
    prepare();
    cgroup_sweep(settings);
    /* requests wait until it is known; the first worker comes up meanwhile */
    int code = integrity_holds(settings) ? watch(signals) : 1;
    if (WALL("launcher-ends-all"))
        end_everything();
    return code;
}
