/*
 * All four channels over two streams, where the sandbox can be handed no descriptors. Frames of wire.h, in both directions:
 * `c` control, `i` the job's input, `o` its output, `e` its errors: at most PIECE bytes; none is that channel's end.
 * `C` `I` `O` `E` u32: who reads that channel takes so many bytes more; 0: none, ever. Each channel begins with WINDOW.
 *
 * So neither side waits for the other with a channel that nobody reads, nor holds more than WINDOW of it: what comes from the
 * host always has room here, and its end is always seen.
 *
 * Where a sandbox runs one command after another, each has an `i`, `o` and `e` of its own, which begin when the agent has said that it is
 * ready for it.
 *
 * A thread, and not a process: no signal of a job's ends a thread of its first process (on gVisor: of one with another uid than
 * the job's). It makes system calls and touches memory of its own, nothing else: the other thread forks.
 */
#include "agent.h"
#include "carrier.h"
#include "../walls.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

const uint8_t inward_tags[INWARDS] = {'c', 'i'}, outward_tags[OUTWARDS] = {'c', 'e', 'o'};
struct inward inward[INWARDS];
struct outward outward[OUTWARDS];
static const struct carrier_ends *ends;
static int from_host, to_host;
static atomic_int status;

/* How the process exits when the host hangs up. */
void carrier_status(int wanted)
{
    atomic_store(&status, wanted);
}

/*
 * The host is gone: so is the sandbox, now, whatever the other thread is at. It is also how a host says that it has heard
 * the last: an exit before that could break a stream off whose last bytes it has yet to read.
 */
void lose_host(void)
{
    if (WALL("agent-lifeline"))
        _exit(atomic_load(&status));
    from_host = to_host = -1;
}

/* poll(2) looks at none whose descriptor is -1, and tells of errors unasked. */
static struct pollfd waiting_for(int fd, bool wanted, short events)
{
    return (struct pollfd){.fd = wanted ? fd : -1, .events = events};
}

static void begin_job(void)
{
    int input = inward[OF_INPUT].fd;
    if (input >= 0)
        close(input);
    inward[OF_INPUT].fd = ends->input;
    inward[OF_INPUT].ended = inward[OF_INPUT].is_refused = false;
    inward[OF_INPUT].granted = WINDOW;
    inward[OF_INPUT].held = inward[OF_INPUT].owed = 0;
    outward[FROM_OUTPUT] = (struct outward){.fd = ends->output, .credit = WINDOW};
    outward[FROM_ERRORS] = (struct outward){.fd = ends->errors, .credit = WINDOW};
}

/* The other thread waits meanwhile, and the host until that one answers: nothing of either job is on its way. */
static void renew(void)
{
    uint8_t byte;
    if (read(ends->renewals, &byte, 1) != 1)
        return;
    for (int i = 0; i < OUTWARDS; i++)
        if (i != FROM_CONTROL && outward[i].fd >= 0)
            close(outward[i].fd);
    begin_job();
    if (write(ends->renewals, &byte, 1) != 1)
        _exit(1);
}

static void carry_once(void)
{
    struct pollfd watched[3 + INWARDS + OUTWARDS] = {
        {.fd = from_host, .events = POLLIN},
        /* its error comes also while there is nothing to write */
        {.fd = to_host, .events = has_more_to_send() ? POLLOUT : 0},
        waiting_for(inward[OF_CONTROL].fd, inward[OF_CONTROL].held > 0, POLLOUT),
        /* its error, too: the job closed it */
        waiting_for(inward[OF_INPUT].fd, true, inward[OF_INPUT].held > 0 ? POLLOUT : 0),
    };
    struct pollfd *sources = watched + 2 + INWARDS, *renewal = sources + OUTWARDS;
    *renewal = (struct pollfd){.fd = ends->renewals, .events = POLLIN};
    for (int i = 0; i < OUTWARDS; i++)
        sources[i] = waiting_for(outward[i].fd, outward[i].credit > 0 && has_room(1), POLLIN);
    if (poll(watched, sizeof watched / sizeof *watched, -1) < 0 && errno != EINTR)
        _exit(1);
    if (watched[0].revents != 0)
        hear(from_host);
    if (watched[1].revents & (POLLERR | POLLHUP | POLLNVAL))
        lose_host();
    for (int i = 0; i < INWARDS; i++)
        pour(i);
    if (watched[2 + OF_INPUT].revents & POLLERR && inward[OF_INPUT].fd >= 0)
        refuse(OF_INPUT);
    for (int i = 0; i < OUTWARDS; i++)
        if (sources[i].revents != 0)
            gather(i);
    if (renewal->revents != 0)
        renew();
    speak(to_host);
}

void *carrier(void *given)
{
    ends = given;
    from_host = ends->from_host;
    to_host = ends->to_host;
    inward[OF_CONTROL].fd = outward[FROM_CONTROL].fd = ends->control;
    inward[OF_CONTROL].granted = outward[FROM_CONTROL].credit = WINDOW;
    inward[OF_INPUT].fd = -1;
    begin_job();
    for (;;)
        carry_once();
}
