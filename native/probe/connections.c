/* Connections that a job tries to make. */
#define _GNU_SOURCE
#include "network.h"
#include "probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Silence within an answer, ms. */
enum { SILENCE_MS = 200, MAX_MANY = 64 };

/* Decoys end theirs so. */
static bool is_whole(const char *bytes, size_t length)
{
    return length >= 4 && memcmp(bytes + length - 4, "\r\n\r\n", 4) == 0;
}

static int say_answer(int fd, int first_ms)
{
    char bytes[4096];
    size_t total = 0;
    for (int wait = first_ms;; wait = SILENCE_MS) {
        struct pollfd answer = {.fd = fd, .events = POLLIN};
        if (poll(&answer, 1, wait) == 0)
            return total > 0 ? 0 : ETIMEDOUT;
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            return total > 0 ? 0 : got < 0 ? errno : ENODATA;
        say(bytes, (size_t)got);
        total += (size_t)got;
        if (is_whole(bytes, (size_t)got))
            return 0;
    }
}

/* In pieces of `piece` bytes, a moment apart; 0: in one. */
static int send_all(int fd, const uint8_t *bytes, size_t length, size_t piece)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    for (size_t done = 0; done < length;) {
        size_t next = piece > 0 && length - done > piece ? piece : length - done;
        ssize_t sent = send(fd, bytes + done, next, MSG_NOSIGNAL);
        if (sent < 0)
            return errno;
        done += (size_t)sent;
        if (piece > 0)
            nanosleep(&moment, NULL);
    }
    return 0;
}

int connect_to(char *host, const char *port, int *fd)
{
    struct place to;
    int outcome = place_of(host, port, &to), yes = 1;
    if (outcome != 0)
        return outcome;
    *fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || connect(*fd, (struct sockaddr *)&to.address, to.size) < 0)
        return errno;
    setsockopt(*fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &yes, sizeof yes);
    return 0;
}

/* HOST, PORT, BYTES[, how many bytes more[, bytes in each piece]] */
static int n_tcp(char **args)
{
    static uint8_t bytes[4096], filler[1 << 16];
    int fd = -1, outcome = connect_to(args[0], args[1], &fd);
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    bool more = args[3] != NULL && *args[3] != 0;
    if (outcome == 0)
        outcome = send_all(fd, bytes, length, more && args[4] != NULL ? (size_t)atol(args[4]) : 0);
    memset(filler, 'x', sizeof filler);
    for (long left = more ? atol(args[3]) : 0; outcome == 0 && left > 0; left -= (long)sizeof filler)
        outcome = send_all(fd, filler, left < (long)sizeof filler ? (size_t)left : sizeof filler, 0);
    int answered = fd < 0 ? outcome : say_answer(fd, ANSWER_MS);
    return outcome != 0 ? outcome : answered;
}

/* The first bytes go with the first packet. HOST, PORT, BYTES */
static int n_fast_open(char **args)
{
    uint8_t bytes[4096];
    struct place to;
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    int outcome = place_of(args[0], args[1], &to);
    if (outcome != 0)
        return outcome;
    int fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || sendto(fd, bytes, length, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&to.address, to.size) < 0)
        return errno;
    return say_answer(fd, ANSWER_MS);
}

/* All at once, each with its answer. HOST, PORT, BYTES, COUNT: ok if all of them are answered */
static int n_many(char **args)
{
    uint8_t bytes[4096];
    size_t length = from_hex(args[2], bytes, sizeof bytes);
    struct pollfd all[MAX_MANY];
    int count = atoi(args[3]) < MAX_MANY ? atoi(args[3]) : MAX_MANY, answered = 0;
    for (int i = 0; i < count; i++) {
        all[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (connect_to(args[0], args[1], &all[i].fd) == 0)
            send_all(all[i].fd, bytes, length, 0);
    }
    for (int left = count; left > 0 && poll(all, (nfds_t)count, ANSWER_MS) > 0;)
        for (int i = 0; i < count; i++)
            if (all[i].fd >= 0 && all[i].revents != 0) {
                answered += recv(all[i].fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0;
                all[i].fd = -all[i].fd; /* open still, and not waited for */
                left--;
            }
    say_number(answered);
    return answered == count ? 0 : EAGAIN;
}

const struct attempt connection_attempts[] = {
    {"tcp", n_tcp},
    {"fast-open", n_fast_open},
    {"many", n_many},
    {NULL, NULL},
};
