/*
 * talk: carries bytes for whoever reads its output and writes its input, so that what is said can be TLS, and is thought of outside:
 * the connections are made here, and nothing else of it is. Frames both ways: u8 tag, u32 length, bytes; little-endian.
 *   in   c: a number, HOST and PORT to connect to   d: a number, and bytes for that connection   x: a number; it is closed
 *        v: a variable's name                       f: a file's path
 *   out  c: a number, and `ok` or an errno          d: a number, and bytes from it               x: a number; it ended
 *        v, f: `=` and what is in it, or nothing
 * The number is a byte below TALKS. It ends with its input.
 */
#define _GNU_SOURCE
#include "network.h"
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TALKS = 16, MAX_FRAME = 1 << 16, HEAD = 5 };

static int lines[TALKS];

static bool read_all(void *out, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = read(0, (char *)out + done, length - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

static void write_all(int fd, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t put = write(fd, (const char *)bytes + done, length - done);
        if (put <= 0)
            return;
        done += (size_t)put;
    }
}

/* `first`: the byte that the content begins with */
static void tell(char tag, uint8_t first, const void *content, size_t length)
{
    static uint8_t frame[HEAD + 1 + MAX_FRAME];
    uint32_t whole = (uint32_t)length + 1;
    frame[0] = (uint8_t)tag;
    memcpy(frame + 1, &whole, sizeof whole);
    frame[HEAD] = first;
    memcpy(frame + HEAD + 1, content, length);
    write_all(1, frame, HEAD + 1 + length);
}

static void tell_nothing(char tag)
{
    const uint8_t frame[HEAD] = {(uint8_t)tag};
    write_all(1, frame, sizeof frame);
}

static void hang_up(int number)
{
    if (lines[number] >= 0)
        close(lines[number]);
    lines[number] = -1;
}

static void call(int number, char *words)
{
    char *host = strsep(&words, " ");
    hang_up(number);
    int outcome = words == NULL ? EINVAL : connect_to(host, words, &lines[number]);
    const char *word = outcome == 0 ? "ok" : strerrorname_np(outcome);
    if (outcome != 0)
        hang_up(number);
    word = word != NULL ? word : "EUNKNOWN";
    tell('c', (uint8_t)number, word, strlen(word));
}

static void show_file(const char *path)
{
    static char content[MAX_FRAME];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got = fd < 0 ? -1 : 0;
    while (fd >= 0 && length < sizeof content && (got = read(fd, content + length, sizeof content - length)) > 0)
        length += (size_t)got;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        tell_nothing('f');
    else
        tell('f', '=', content, length);
}

static void show_variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        tell_nothing('v');
    else
        tell('v', '=', value, strlen(value));
}

/* False: the input has ended, or is none. */
static bool obey(void)
{
    static uint8_t content[MAX_FRAME + 1];
    uint8_t head[HEAD];
    uint32_t length = 0;
    if (!read_all(head, sizeof head))
        return false;
    memcpy(&length, head + 1, sizeof length);
    if (length == 0 || length > MAX_FRAME || !read_all(content, length))
        return false;
    content[length] = 0;
    int number = content[0];
    bool about_line = head[0] == 'c' || head[0] == 'd' || head[0] == 'x';
    if (about_line && number >= TALKS)
        return false;
    if (head[0] == 'c')
        call(number, (char *)content + 1);
    else if (head[0] == 'd' && lines[number] >= 0)
        write_all(lines[number], content + 1, length - 1);
    else if (head[0] == 'x')
        hang_up(number);
    else if (head[0] == 'v')
        show_variable((char *)content);
    else if (head[0] == 'f')
        show_file((char *)content);
    return true;
}

static void listen_to(int number)
{
    static uint8_t bytes[MAX_FRAME];
    ssize_t got = read(lines[number], bytes, sizeof bytes);
    if (got > 0) {
        tell('d', (uint8_t)number, bytes, (size_t)got);
        return;
    }
    hang_up(number);
    tell('x', (uint8_t)number, "", 0);
}

static int t_talk(char **args)
{
    (void)args;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < TALKS; i++)
        lines[i] = -1;
    for (;;) {
        struct pollfd all[TALKS + 1];
        for (int i = 0; i < TALKS; i++)
            all[i] = (struct pollfd){.fd = lines[i], .events = POLLIN};
        all[TALKS] = (struct pollfd){.fd = 0, .events = POLLIN};
        if (poll(all, TALKS + 1, -1) < 0)
            return errno;
        for (int i = 0; i < TALKS; i++)
            if (all[i].fd >= 0 && all[i].revents != 0)
                listen_to(i);
        if (all[TALKS].revents != 0 && !obey())
            return 0;
    }
}

const struct attempt talk_attempts[] = {
    {"talk", t_talk},
    {NULL, NULL},
};
