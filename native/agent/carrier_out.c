/* The carrier's way out: what the agent and the job say, as far as the host takes it, and what the host is told of the way in. */
#include "agent.h"
#include "carrier.h"
#include "../wire.h"

static struct {
    uint8_t bytes[4 * PIECE];
    size_t from, to;
} out;

bool has_room(size_t bytes)
{
    if (out.from == out.to)
        out.from = out.to = 0;
    return sizeof out.bytes - out.to >= WIRE_HEADER + bytes;
}

bool has_more_to_send(void)
{
    return out.from < out.to || seal_has_more();
}

static void put_header(uint8_t tag, uint32_t length)
{
    out.bytes[out.to] = tag;
    wire_put_u32(out.bytes + out.to + 1, length);
    out.to += WIRE_HEADER;
}

static void put_number(uint8_t tag, uint32_t number)
{
    put_header(tag, NUMBER);
    wire_put_u32(out.bytes + out.to, number);
    out.to += NUMBER;
}

/* Bytes of `which` in a frame, as many as there are and the host takes. */
void gather(int which)
{
    struct outward *each = &outward[which];
    if (each->fd < 0 || each->credit == 0 || !has_room(1))
        return;
    size_t most = sizeof out.bytes - out.to - WIRE_HEADER;
    if (most > PIECE)
        most = PIECE;
    if (most > each->credit)
        most = each->credit;
    ssize_t got = read(each->fd, out.bytes + out.to + WIRE_HEADER, most);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        if (which != FROM_CONTROL) /* which is a way in, too */
            close(each->fd);
        each->fd = -1;
        return;
    }
    put_header(outward_tags[which], (uint32_t)got);
    out.to += (size_t)got;
    each->credit -= (uint32_t)got;
}

/* Ends and numbers. Control ends last: at its end the host hangs up. False: there was no room for more. */
static bool tell(void)
{
    for (int i = 0; i < INWARDS; i++) {
        struct inward *each = &inward[i];
        bool is_owed = each->fd >= 0 && each->owed >= WINDOW / 2;
        if (!has_room(NUMBER))
            return false;
        if (is_owed || each->is_refused)
            put_number(credit_tag(inward_tags[i]), each->is_refused ? 0 : each->owed);
        if (is_owed) {
            each->granted += each->owed;
            each->owed = 0;
        }
        each->is_refused = false;
    }
    for (int i = OUTWARDS - 1; i >= 0; i--) {
        bool is_due = i != FROM_CONTROL || (outward[FROM_ERRORS].is_told && outward[FROM_OUTPUT].is_told);
        if (outward[i].fd >= 0 || outward[i].is_told || !is_due)
            continue;
        if (!has_room(0))
            return false;
        put_header(outward_tags[i], 0);
        outward[i].is_told = true;
    }
    return true;
}

static void send_out(int to_host)
{
    while (has_more_to_send()) {
        if (seal_is_on() && !seal_has_more())
            out.from += seal(out.bytes + out.from, out.to - out.from);
        ssize_t put = seal_is_on() ? seal_write(to_host) : write(to_host, out.bytes + out.from, out.to - out.from);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0 && errno != EAGAIN)
            lose_host();
        if (put < 0)
            return;
        if (!seal_is_on())
            out.from += (size_t)put;
    }
}

void speak(int to_host)
{
    bool is_all;
    do {
        is_all = tell();
        send_out(to_host);
    } while (!is_all && out.from == out.to);
}
