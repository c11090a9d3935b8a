/*
 * Between the port and the agent: one frame a direction, no more. Neither direction waits for the other. What is said inside the
 * frames is none of this process's business.
 */
#include "guest.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

char complaints[MAX_TEXT];
size_t complaint_bytes;

/* To the agent: the header that is read at the moment, and what of a frame waits. */
static struct {
    uint8_t header[WIRE_HEADER];
    uint32_t header_bytes, left; /* of the body: still to come */
    uint8_t bytes[PIECE];
    size_t from, to;
    bool hangs_up, is_refused;
} in;

static struct {
    uint8_t bytes[WIRE_HEADER + PIECE];
    size_t from, to;
    bool has_ended, is_silent; /* … with what it complains of */
} out;

bool hear_errors(int errors)
{
    char bytes[MAX_TEXT];
    ssize_t got = read(errors, bytes, sizeof bytes);
    size_t kept = sizeof complaints - complaint_bytes;
    if (got <= 0)
        return false;
    if ((size_t)got < kept)
        kept = (size_t)got;
    memcpy(complaints + complaint_bytes, bytes, kept);
    complaint_bytes += kept;
    return true;
}

/* Whole frames alone go to the host: what began is ended before anything else is said. */
static void end_frame(void)
{
    while (out.from < out.to) {
        struct pollfd watched = {.fd = port_descriptor(), .events = POLLOUT};
        if (poll(&watched, 1, -1) < 0 && errno != EINTR)
            power_off();
        if (watched.revents & ~POLLOUT)
            power_off();
        out.from += (size_t)port_give(out.bytes + out.from, out.to - out.from);
    }
}

static void begin_frame(void)
{
    in.left = wire_u32(in.header + 1);
    bool hangs_up = in.header[0] == 'q' && in.left == 0;
    if (in.header[0] == 'u' && in.left == 0) {
        end_frame();
        say_used();
        return;
    }
    if (!hangs_up && (in.header[0] != 'a' || in.left > PIECE)) {
        end_frame();
        errno = EBADMSG;
        fail("frame", "");
    }
    in.hangs_up = hangs_up;
}

static void hear_host(void)
{
    if (in.header_bytes < WIRE_HEADER) {
        in.header_bytes += (uint32_t)port_take(in.header + in.header_bytes, WIRE_HEADER - in.header_bytes);
        if (in.header_bytes == WIRE_HEADER)
            begin_frame();
    } else {
        in.to = (size_t)port_take(in.bytes, in.left);
        in.left -= (uint32_t)in.to;
        in.from = 0;
    }
    if (in.header_bytes == WIRE_HEADER && in.left == 0)
        in.header_bytes = 0;
}

/* An agent that takes no more is about to end; what was for it is for nobody. */
static void tell_agent(int agent)
{
    ssize_t put = in.is_refused ? -1 : send(agent, in.bytes + in.from, in.to - in.from, MSG_NOSIGNAL);
    if (put < 0 && !in.is_refused && (errno == EAGAIN || errno == EINTR))
        return;
    in.is_refused = put < 0;
    in.from = put < 0 ? in.to : in.from + (size_t)put;
}

static void hear_agent(int agent)
{
    ssize_t got = read(agent, out.bytes + WIRE_HEADER, PIECE);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    out.has_ended = got <= 0;
    if (out.has_ended)
        return;
    out.bytes[0] = 'a';
    wire_put_u32(out.bytes + 1, (uint32_t)got);
    out.from = 0;
    out.to = WIRE_HEADER + (size_t)got;
}

static void relay_once(const struct started *agent)
{
    bool holds_in = in.from < in.to, holds_out = out.from < out.to;
    struct pollfd watched[] = {
        {.fd = port_descriptor(), .events = (short)((holds_in ? 0 : POLLIN) | (holds_out ? POLLOUT : 0))},
        /* its end alone is told unasked, and would be told again and again while something is still to be given to the host */
        {.fd = holds_in || !holds_out ? agent->socket : -1, .events = (short)((holds_in ? POLLOUT : 0) | (holds_out ? 0 : POLLIN))},
        {.fd = out.is_silent ? -1 : agent->errors, .events = POLLIN},
    };
    if (poll(watched, 3, -1) < 0) {
        if (errno != EINTR)
            power_off();
        return;
    }
    if (watched[0].revents & ~(POLLIN | POLLOUT))
        power_off();
    if (watched[0].revents & POLLIN && !holds_in)
        hear_host();
    if (holds_out && watched[0].revents & POLLOUT)
        out.from += (size_t)port_give(out.bytes + out.from, out.to - out.from);
    if (holds_in && watched[1].revents != 0)
        tell_agent(agent->socket);
    if (!holds_out && watched[1].revents != 0)
        hear_agent(agent->socket);
    if (watched[2].revents != 0 && !hear_errors(agent->errors))
        out.is_silent = true;
}

void relay(const struct started *agent)
{
    while (!(out.has_ended || in.hangs_up))
        relay_once(agent);
    end_frame();
}
