/*
 * The job's own terminal: a pair made in the sandbox's devpts. The job holds the slave, this process the master, and
 * carries bytes between it and the pipes to the host, so that no terminal's descriptor crosses the boundary in either
 * direction. One bounded buffer each way: what nobody takes is not read.
 */
#include "agent.h"
#include "../wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

struct buffer {
    uint8_t bytes[16384];
    size_t from, to;
};

static int master = -1;
/* held open, so that a job which closes its terminal and opens it again finds it, and its last words stay readable */
static int slave = -1;
static int input = -1, output = -1; /* pipes from and to the host */
static struct buffer typed, shown;
static uint8_t last_typed = '\n';

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool empty(const struct buffer *buffer)
{
    return buffer->from == buffer->to;
}

/* 0: the other side is gone, or has ended; -1: nothing now; else how many bytes came */
static ssize_t fill(int fd, struct buffer *buffer)
{
    ssize_t got = read(fd, buffer->bytes, sizeof buffer->bytes);
    if (got < 0)
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    buffer->from = 0;
    buffer->to = (size_t)got;
    return got;
}

/* false: nobody will ever take the rest */
static bool spill(int fd, struct buffer *buffer)
{
    ssize_t put = write(fd, buffer->bytes + buffer->from, buffer->to - buffer->from);
    if (put < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer->from += (size_t)put;
    return true;
}

static void not_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        give_up(errno, "terminal");
}

/* This process leads a session itself: O_NOCTTY, or the job's terminal would become its own. */
static void open_pair(void)
{
    int locked = 0;
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &broken_pipe, NULL);
    master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) < 0)
        give_up(errno, "terminal");
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0)
        give_up(errno, "terminal");
    struct termios modes;
    if (tcgetattr(slave, &modes) < 0)
        give_up(errno, "terminal");
    modes.c_iflag |= IUTF8; /* else a backspace in a line takes a byte and not a letter */
    if (tcsetattr(slave, TCSANOW, &modes) < 0)
        give_up(errno, "terminal");
    input = JOB_STDIN;
    output = JOB_STDOUT;
    not_blocking(input);
    not_blocking(output);
}

/* `y` before "go": the job gets a terminal of this size. */
void terminal_wanted(const struct message *message)
{
    if (master < 0)
        open_pair();
    terminal_resize(message);
}

/* `y`, also while the job runs: the kernel tells its foreground processes (SIGWINCH). */
void terminal_resize(const struct message *message)
{
    if (master < 0)
        return;
    uint32_t rows = message->length == 8 ? wire_u32(message->bytes) : 0;
    uint32_t columns = message->length == 8 ? wire_u32(message->bytes + 4) : 0;
    if (rows == 0 || rows > 0xffff || columns == 0 || columns > 0xffff)
        give_up(EBADMSG, "terminal");
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (ioctl(master, TIOCSWINSZ, &size) < 0)
        give_up(errno, "terminal");
}

bool terminal_exists(void)
{
    return master >= 0;
}

/* In the job's first process, which leads a session: 0, or an errno. */
int terminal_take(void)
{
    if (ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, 0) < 0 || dup2(slave, 1) < 0 || dup2(slave, 2) < 0)
        return errno;
    return 0;
}

/* As when a person's window is closed: the job is told (SIGHUP), reads an end, and what it writes goes nowhere. */
static void hang_up(void)
{
    shut(&slave);
    shut(&master);
    shut(&input);
    shut(&output);
}

/*
 * A terminal has no end; a person types the end-of-file character. So does this, when the host has nothing more to say: behind an
 * unfinished line it takes two, as at a keyboard.
 */
static void type_end(void)
{
    struct termios modes;
    shut(&input);
    if (tcgetattr(master, &modes) < 0 || modes.c_cc[VEOF] == 0)
        return;
    typed.from = typed.to = 0;
    typed.bytes[typed.to++] = modes.c_cc[VEOF];
    if (last_typed != '\n' && last_typed != '\r')
        typed.bytes[typed.to++] = modes.c_cc[VEOF];
}

static void watch_for(struct pollfd *watched, int fd, short events)
{
    *watched = (struct pollfd){.fd = events != 0 ? fd : -1, .events = events};
}

/* What there is to wait for, in TERMINAL_ENDS entries; poll(2) looks at none whose descriptor is -1. */
void terminal_watch(struct pollfd *watched)
{
    short on_master = (short)((empty(&typed) ? 0 : POLLOUT) | (empty(&shown) ? POLLIN : 0));
    watch_for(&watched[0], master, on_master);
    watch_for(&watched[1], input, empty(&typed) ? POLLIN : 0);
    /* POLLERR comes unasked when nobody reads any more, also while there is nothing to write */
    watched[2] = (struct pollfd){.fd = output, .events = empty(&shown) ? 0 : POLLOUT};
}

static void carry_in(void)
{
    if (empty(&typed) && input >= 0) {
        ssize_t got = fill(input, &typed);
        if (got == 0)
            type_end();
        else if (got > 0)
            last_typed = typed.bytes[typed.to - 1];
    }
    if (!empty(&typed) && !spill(master, &typed))
        hang_up();
}

void terminal_carry(const struct pollfd *watched)
{
    if (master < 0)
        return;
    if (watched[2].revents & POLLERR) {
        hang_up();
        return;
    }
    if (watched[0].revents & (POLLIN | POLLERR | POLLHUP))
        if (empty(&shown) && fill(master, &shown) == 0) {
            hang_up();
            return;
        }
    if (!empty(&shown) && !spill(output, &shown)) {
        hang_up();
        return;
    }
    if (watched[0].revents & POLLOUT || watched[1].revents != 0)
        carry_in();
}

/*
 * When every process of the job is dead: what it wrote last goes to the host, as fast as that reads (`patient`: until then, or
 * until the host says something). The kernel holds no more than a few pages of it.
 */
void terminal_drain(bool patient)
{
    if (output < 0)
        return;
    shut(&slave);
    shut(&input);
    for (;;) {
        if (empty(&shown) && fill(master, &shown) <= 0)
            break;
        struct pollfd ends[] = {{.fd = output, .events = POLLOUT}, {.fd = CONTROL, .events = POLLIN}};
        if (patient && poll(ends, 2, -1) < 0 && errno != EINTR)
            break;
        size_t before = shown.from;
        if (!spill(output, &shown) || (!patient && shown.from == before))
            break;
        if (ends[1].revents != 0)
            return;
    }
    hang_up();
}

/* For another job: nothing of this one's is left, typed or shown. */
void terminal_end(void)
{
    hang_up();
    typed.from = typed.to = shown.from = shown.to = 0;
    last_typed = '\n';
}
