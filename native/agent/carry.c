/* `--carried`, or `R`: this process makes the ends that it otherwise is handed, and the carrier takes their other ends. */
#include "agent.h"
#include "../walls.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The carrier's own descriptors lie above all that have a number of their own. */
#define CARRIERS_FIRST 10
/* How long a host that reads slowly, or not at all, keeps a sandbox which has ended, ms. Nothing of the job lives by then. */
#define LINGER_MS 2000

static bool is_carried;
static struct carrier_ends ends;
static int renewals = -1; /* the carrier is told there of new ends, and says that it has them */

static int not_waiting(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -1 : fd;
}

/* The carrier's, at a number out of the way. -1 with errno. */
static int out_of_the_way(int fd)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, CARRIERS_FIRST);
    return moved < 0 ? -1 : not_waiting(moved);
}

/* `own` becomes the agent's `number`; the carrier's end of it, or -1 with errno. Both may have taken each other's numbers. */
static int split(int own, int other, int number)
{
    int moved = out_of_the_way(other);
    if (moved < 0)
        return -1;
    close(other);
    if (own == number)
        return moved;
    if (dup3(own, number, O_CLOEXEC) < 0)
        return -1;
    close(own);
    return moved;
}

/* A job's three pipes. */
static bool open_pipes(void)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0)
        return false;
    ends.input = split(pair[0], pair[1], JOB_STDIN);
    if (ends.input < 0 || pipe2(pair, O_CLOEXEC) < 0)
        return false;
    ends.output = split(pair[1], pair[0], JOB_STDOUT);
    if (ends.output < 0 || pipe2(pair, O_CLOEXEC) < 0)
        return false;
    ends.errors = split(pair[1], pair[0], JOB_STDERR);
    return ends.errors >= 0;
}

static bool open_ends(int from_host, int to_host)
{
    int pair[2];
    ends.from_host = out_of_the_way(from_host);
    ends.to_host = out_of_the_way(to_host);
    if (ends.from_host < 0 || ends.to_host < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    ends.control = split(pair[0], pair[1], CONTROL);
    if (ends.control < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    ends.renewals = out_of_the_way(pair[0]);
    renewals = fcntl(pair[1], F_DUPFD_CLOEXEC, CARRIERS_FIRST);
    close(pair[0]);
    close(pair[1]);
    return ends.renewals >= 0 && renewals >= 0 && open_pipes();
}

/* In place of the host's streams. 2 stays: what goes wrong before, or with, the carrier is said there. */
static bool cover_host(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
        return false;
    return nothing <= 1 || close(nothing) == 0;
}

/* No signal is the carrier's: the other thread hears of them. */
static int start_carrier(void)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, NULL, carrier, &ends);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

bool carry_begin(void)
{
    int error = open_ends(0, 1) && cover_host() ? start_carrier() : errno;
    if (error != 0)
        (void)!dprintf(2, "agent: carried: %s\n", strerror(error));
    is_carried = error == 0;
    return is_carried;
}

/* `R`: the control socket carries all four from here on; the pipes that were handed in are closed. */
void carry_over_control(void)
{
    if (is_carried)
        return;
    int error = open_ends(CONTROL, CONTROL) ? start_carrier() : errno;
    if (error != 0)
        give_up(error, "carried");
    is_carried = true;
}

/* New pipes for another job, once nobody has those of the last. */
void carry_again(void)
{
    uint8_t byte = 0;
    if (!is_carried)
        give_up(ENOTSUP, "another command");
    if (!open_pipes() || write(renewals, &byte, 1) != 1 || !wire_read(renewals, &byte, 1))
        give_up(errno, "streams");
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/*
 * The sandbox's end. Carried, what was said last is still on its way: the carrier exits when the host has heard it and hangs up, and
 * this thread where it does not. The job does not run on meanwhile.
 */
_Noreturn void leave(int status)
{
    if (!is_carried)
        _exit(status);
    if (WALL("pid-namespace"))
        kill(-1, SIGKILL);
    carrier_status(status);
    (void)shutdown(CONTROL, SHUT_WR);
    for (int fd = JOB_STDIN; fd <= JOB_STDERR; fd++)
        close(fd);
    long long end = now_ms() + LINGER_MS;
    for (long long left; (left = end - now_ms()) > 0;)
        (void)poll(NULL, 0, (int)left);
    _exit(status);
}
