/*
 * cell --terminal: keeps the caller's terminal while a job has one of its own. It is raw then, so that every key is a byte for
 * the job; and it is put back whatever becomes of the Node that asked, SIGKILL included, because this process outlives it.
 *
 * Descriptors: 0 the terminal; 1 where the job's output is shown, when that is a terminal; 3 the socket to Node.
 * From Node: `r` raw; `c` the job's output held control sequences; `s` put back, for a while; `e` put back, for good.
 * To Node: `w` u16 columns, u16 rows (little-endian; at the start, after `r`, at each change); `s` it is put back.
 */
#include "cell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL = 0, SCREEN = 1, NODE = 3 };

/* How long a terminal gets to answer at all, and the second of two questions, ms. */
enum { ANSWER_MS = 500, QUIET_MS = 100 };

/*
 * What a job may have left, back to how a terminal starts, without moving the cursor. First whatever sequence it broke off in.
 * Leaving the other screen restores a cursor, hence the save before it; so do margins (DECSTBM homes it).
 */
static const char RESET[] = "\030\033\\"                /* CAN, ST */
                            "\0337\033[?1049l"          /* back from the alternate screen */
                            "\033[!p"                   /* DECSTR: most modes; the rest for who lacks it */
                            "\0337\033[r\0338"          /* the whole screen scrolls */
                            "\033[0m\017\033(B\033)B"   /* plain text, ASCII */
                            "\033[?25h\033[?7h\033[?5l\033[?1l\033>" /* cursor, wrap, not reversed, plain keys */
                            "\033[4l\033[20l\033[2l\033[12h" /* overwrite, Enter is CR, keyboard unlocked, no local echo */
                            "\033[?9l\033[?1000l\033[?1002l\033[?1003l\033[?1005l\033[?1006l\033[?1015l\033[?1016l" /* mouse */
                            "\033[?1004l\033[?2004l\033[?2026l\033[?2031l\033[?2048l" /* focus, paste, reports */
                            "\033[>4m\033[<99u"         /* keys as they always were (xterm, kitty) */
                            "\033[0 q"                  /* cursor's shape */
                            "\033]8;;\007"              /* no link */
                            "\033]104\007\033]110\007\033]111\007\033]112\007" /* colours */
                            "\033[23;0t";               /* the title from before: Node saved it */

struct keeper {
    struct termios before;
    bool raw;     /* set by us, and not yet put back */
    bool touched; /* the job wrote control sequences */
};

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Else it is the shell's by now, which has its own idea of it. A terminal that controls no one of us has no such other. */
static bool is_ours(void)
{
    pid_t foreground = tcgetpgrp(TERMINAL);
    return foreground < 0 || foreground == getpgrp();
}

static void say_size(void)
{
    struct winsize size = {0};
    ioctl(TERMINAL, TIOCGWINSZ, &size);
    uint8_t bytes[] = {'w', (uint8_t)size.ws_col, (uint8_t)(size.ws_col >> 8), (uint8_t)size.ws_row, (uint8_t)(size.ws_row >> 8)};
    (void)!write(NODE, bytes, sizeof bytes);
}

/* In the background it is left alone: whoever reads it there is stopped (SIGTTIN), and comes back here when continued. */
static void take(struct keeper *keeper)
{
    if (!keeper->raw && is_ours() && tcgetattr(TERMINAL, &keeper->before) == 0) {
        struct termios raw = keeper->before;
        cfmakeraw(&raw);
        keeper->raw = tcsetattr(TERMINAL, TCSADRAIN, &raw) == 0;
    }
    say_size();
}

static void put_text(const char *text, size_t length)
{
    struct pollfd screen = {.fd = SCREEN, .events = POLLOUT};
    if (poll(&screen, 1, ANSWER_MS) > 0 && (screen.revents & POLLOUT))
        (void)!write(SCREEN, text, length);
}

/* The two answers, as they go by a byte at a time. */
struct listener {
    char nonce[24]; /* how the answer to the last question begins */
    char tail[24];  /* what came last */
    bool in_answer; /* between `ESC [ ?` and what ends it */
};

enum heard { NOTHING, SOMEBODY, LAST };

static enum heard listen_to(struct listener *listener, char byte)
{
    size_t length = strlen(listener->nonce), room = sizeof listener->tail - 1;
    memmove(listener->tail, listener->tail + 1, room - 1);
    listener->tail[room - 1] = byte;
    if (memcmp(listener->tail + room - length, listener->nonce, length) == 0)
        return LAST;
    bool was = listener->in_answer;
    if (memcmp(listener->tail + room - 3, "\033[?", 3) == 0)
        listener->in_answer = true;
    else if ((byte < '0' || byte > '9') && byte != ';')
        listener->in_answer = false;
    return was && byte == 'c' ? SOMEBODY : NOTHING;
}

/*
 * The attack: a job asks the terminal something (its name, a position) and ends; the answer comes when the shell reads again, as
 * if it had been typed. Terminals answer in turn, so two last questions are asked here, and all that comes before their answers
 * is thrown away. Every terminal answers the first (DA1). The second asks for the state of a mode that there is not (DECRQM), and
 * its answer repeats the number, which the job could not know.
 */
static void swallow_answers(void)
{
    uint32_t number = 0;
    char questions[48];
    struct listener listener = {0};
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) < 0)
        number = (uint32_t)now_ms();
    number = 20000 + number % 40000;
    snprintf(listener.nonce, sizeof listener.nonce, "\033[?%u;", number);
    put_text(questions, (size_t)snprintf(questions, sizeof questions, "\033[c\033[?%u$p", number));
    int wait = ANSWER_MS;
    for (long long end = now_ms() + 2 * ANSWER_MS;;) {
        char bytes[512];
        struct pollfd keys = {.fd = TERMINAL, .events = POLLIN};
        long long left = end - now_ms();
        int ready = left <= 0 ? 0 : poll(&keys, 1, left < wait ? (int)left : wait);
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t got = ready > 0 ? read(TERMINAL, bytes, sizeof bytes) : 0;
        if (got <= 0)
            return;
        for (ssize_t i = 0; i < got; i++) {
            enum heard heard = listen_to(&listener, bytes[i]);
            if (heard == LAST)
                return;
            if (heard == SOMEBODY)
                wait = QUIET_MS;
        }
    }
}

static void put_back(struct keeper *keeper, bool patient)
{
    if (!keeper->raw)
        return;
    keeper->raw = false;
    if (!is_ours())
        return;
    if (keeper->touched && isatty(SCREEN)) {
        put_text(RESET, sizeof RESET - 1);
        if (patient)
            swallow_answers();
    }
    tcflush(TERMINAL, TCIFLUSH);
    tcsetattr(TERMINAL, TCSANOW, &keeper->before);
    tcflush(TERMINAL, TCIFLUSH); /* what came between the two */
}

/* False: it is over. */
static bool obey(struct keeper *keeper, char word)
{
    switch (word) {
    case 'r': take(keeper); return true;
    case 'c': keeper->touched = true; return true;
    case 's':
        put_back(keeper, true);
        (void)!write(NODE, "s", 1);
        return true;
    default: put_back(keeper, true); return false;
    }
}

/* It ends when Node says so, or is gone; never by a signal that was meant for the job. */
static int watch_sizes(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    sigset_t changes;
    sigemptyset(&changes);
    sigaddset(&changes, SIGWINCH);
    sigprocmask(SIG_SETMASK, &changes, NULL);
    return signalfd(-1, &changes, SFD_CLOEXEC);
}

int terminal_main(void)
{
    struct keeper keeper = {0};
    int changes = watch_sizes();
    if (changes < 0 || !isatty(TERMINAL))
        return 1;
    say_size();
    for (;;) {
        char word;
        struct pollfd watched[] = {{.fd = NODE, .events = POLLIN}, {.fd = changes, .events = POLLIN}};
        if (poll(watched, 2, -1) < 0 && errno != EINTR)
            break;
        if (watched[1].revents & POLLIN) {
            struct signalfd_siginfo which;
            (void)!read(changes, &which, sizeof which);
            say_size();
        }
        if (watched[0].revents == 0)
            continue;
        ssize_t got = read(NODE, &word, 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            break;
        if (!obey(&keeper, word))
            return 0;
    }
    put_back(&keeper, false); /* Node is gone, without a word: the shell may want its terminal any moment */
    return 0;
}
