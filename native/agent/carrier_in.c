/* The carrier's way in: frames from the host, held until the agent or the job takes them. */
#include "agent.h"
#include "carrier.h"
#include "../wire.h"

#include <poll.h>
#include <sys/socket.h>

/* The frame from the host that is read at the moment. */
static struct {
    uint8_t header[WIRE_HEADER], number[NUMBER];
    uint32_t header_bytes, left, number_bytes;
    struct inward *into; /* NULL: it is a number for `about` */
    struct outward *about;
} incoming;

static _Noreturn void misunderstand(void)
{
    static const char what[] = "agent: what came from the host is no frame\n";
    struct pollfd complaints = {.fd = 2, .events = POLLOUT};
    if (poll(&complaints, 1, 0) > 0) /* the end must not wait for who reads this */
        (void)!write(2, what, sizeof what - 1);
    _exit(1);
}

static void no_more(int which)
{
    if (which == OF_CONTROL)
        (void)shutdown(inward[which].fd, SHUT_WR);
    else
        close(inward[which].fd);
    inward[which].fd = -1;
    inward[which].held = 0;
}

/* The job closed its input, or its terminal is gone. */
void refuse(int which)
{
    inward[which].is_refused = which == OF_INPUT;
    no_more(which);
}

void pour(int which)
{
    struct inward *each = &inward[which];
    while (each->fd >= 0 && each->held > 0) {
        uint32_t most = each->held < WINDOW - each->from ? each->held : WINDOW - each->from;
        ssize_t put = write(each->fd, each->ring + each->from, most);
        if (put < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (put < 0) {
            refuse(which);
            return;
        }
        each->from = (each->from + (uint32_t)put) % WINDOW;
        each->held -= (uint32_t)put;
        each->owed += (uint32_t)put;
    }
    if (each->fd >= 0 && each->ended)
        no_more(which);
}

static void begin_bytes(struct inward *each)
{
    if (each->ended || incoming.left > PIECE || incoming.left > each->granted)
        misunderstand();
    each->granted -= incoming.left;
    each->ended = incoming.left == 0;
    incoming.into = each;
}

static void begin_frame(void)
{
    incoming.left = wire_u32(incoming.header + 1);
    incoming.into = NULL;
    for (int i = 0; i < INWARDS; i++)
        if (incoming.header[0] == inward_tags[i]) {
            begin_bytes(&inward[i]);
            return;
        }
    for (int i = 0; i < OUTWARDS; i++)
        if (incoming.header[0] == credit_tag(outward_tags[i]) && incoming.left == NUMBER) {
            incoming.about = &outward[i];
            incoming.number_bytes = 0;
            return;
        }
    misunderstand();
}

static void take_number(void)
{
    uint32_t more = wire_u32(incoming.number);
    struct outward *about = incoming.about;
    if (more > MAX_CREDIT - about->credit || (more == 0 && about == &outward[FROM_CONTROL]))
        misunderstand();
    about->credit += more;
    if (more > 0)
        return;
    about->is_told = true;
    if (about->fd >= 0)
        close(about->fd); /* the job's next write is a broken pipe */
    about->fd = -1;
}

/* Some of a frame's body; how many bytes were used. */
static size_t take_body(const uint8_t *bytes, size_t size)
{
    if (size > incoming.left)
        size = incoming.left;
    incoming.left -= (uint32_t)size;
    struct inward *into = incoming.into;
    if (into == NULL) {
        memcpy(incoming.number + incoming.number_bytes, bytes, size);
        incoming.number_bytes += (uint32_t)size;
        if (incoming.left == 0)
            take_number();
        return size;
    }
    if (into->fd < 0)
        return size; /* on its way when nobody took it any more */
    size_t end = (into->from + into->held) % WINDOW, first = size < WINDOW - end ? size : WINDOW - end;
    memcpy(into->ring + end, bytes, first);
    memcpy(into->ring, bytes + first, size - first);
    into->held += (uint32_t)size;
    return size;
}

void hear(int from_host)
{
    static uint8_t bytes[PIECE];
    ssize_t got = read(from_host, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        lose_host();
    for (ssize_t at = 0; at < got;) {
        if (incoming.header_bytes < WIRE_HEADER) {
            incoming.header[incoming.header_bytes++] = bytes[at++];
            if (incoming.header_bytes == WIRE_HEADER)
                begin_frame();
        } else {
            at += (ssize_t)take_body(bytes + at, (size_t)(got - at));
        }
        if (incoming.header_bytes == WIRE_HEADER && incoming.left == 0)
            incoming.header_bytes = 0;
    }
}
