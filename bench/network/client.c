/*
 * The load of bench/network: the same program directly, through a proxy, and inside a sandbox.
 *   client ask HOST PORT HOW COUNT THREADS [PROXYHOST PROXYPORT]   COUNT times: connect, ask, read the answer, close
 *   client pull HOST PORT HOW BYTES THREADS [PROXYHOST PROXYPORT]  on each of THREADS connections: ask for BYTES, read them
 *   client hold HOST PORT HOW COUNT 1                              opens COUNT connections, a byte answered on each,
 *                                                                says so, waits for standard input
 * HOW: tcp (four bytes: how many to send back), tls (a ClientHello first), http (a GET). With a proxy: CONNECT, or for http the
 * absolute form. Prints one line of JSON: seconds in all, and for `ask` the median and the 99th percentile,
 * and the median of connect() alone, in microseconds.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_storage target;
static socklen_t target_size;
static const char *host, *port, *how, *proxy_host;
static long count, threads, bytes_each;
static uint8_t hello[512];
static size_t hello_size;

static void fail(const char *what)
{
    fprintf(stderr, "client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* RFC 8446, 4.1.2: as little as is a ClientHello, with the server's name in it. */
static void make_hello(const char *name)
{
    size_t length = strlen(name), list = length + 3, extension = list + 2, extensions = extension + 4;
    size_t body = 2 + 32 + 1 + 4 + 2 + 2 + extensions;
    uint8_t *at = hello;
    *at++ = 22, *at++ = 3, *at++ = 1, *at++ = (uint8_t)((body + 4) >> 8), *at++ = (uint8_t)(body + 4);
    *at++ = 1, *at++ = 0, *at++ = (uint8_t)(body >> 8), *at++ = (uint8_t)body;
    *at++ = 3, *at++ = 3;
    memset(at, 7, 32), at += 32;
    *at++ = 0;
    *at++ = 0, *at++ = 2, *at++ = 0x13, *at++ = 1;
    *at++ = 1, *at++ = 0;
    *at++ = (uint8_t)(extensions >> 8), *at++ = (uint8_t)extensions;
    *at++ = 0, *at++ = 0, *at++ = (uint8_t)(extension >> 8), *at++ = (uint8_t)extension;
    *at++ = (uint8_t)(list >> 8), *at++ = (uint8_t)list, *at++ = 0;
    *at++ = (uint8_t)(length >> 8), *at++ = (uint8_t)length;
    memcpy(at, name, length), at += length;
    hello_size = (size_t)(at - hello);
}

static void resolve(const char *name, const char *service)
{
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *found;
    if (getaddrinfo(name, service, &wanted, &found) != 0)
        fail("getaddrinfo");
    memcpy(&target, found->ai_addr, found->ai_addrlen);
    target_size = found->ai_addrlen;
    freeaddrinfo(found);
}

static void put(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t sent = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (sent <= 0)
            fail("send");
        done += (size_t)sent;
    }
}

static void until_blank_line(int fd)
{
    char line[2048];
    for (size_t have = 0; have < sizeof line - 1; have++) {
        if (recv(fd, line + have, 1, 0) != 1)
            fail("head");
        if (have >= 3 && memcmp(line + have - 3, "\r\n\r\n", 4) == 0)
            return;
    }
    fail("head too long");
}

static int open_one(double *took)
{
    double begin = now();
    int fd = socket(target.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&target, target_size) < 0)
        fail("connect");
    *took = now() - begin;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (proxy_host != NULL && strcmp(how, "http") != 0) {
        char text[512];
        int size = snprintf(text, sizeof text, "CONNECT %s:%s HTTP/1.1\r\nHost: %s:%s\r\n\r\n", host, port, host, port);
        put(fd, text, (size_t)size);
        until_blank_line(fd);
    }
    return fd;
}

static void ask(int fd, long bytes)
{
    if (strcmp(how, "http") == 0) {
        char text[512], whole[128] = "";
        if (proxy_host != NULL)
            snprintf(whole, sizeof whole, "http://%s:%s", host, port);
        int size = snprintf(text, sizeof text, "GET %s/%ld HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", whole, bytes,
                            host, port);
        put(fd, text, (size_t)size);
        until_blank_line(fd);
        return;
    }
    uint32_t wanted = htonl((uint32_t)bytes);
    if (strcmp(how, "tls") == 0)
        put(fd, hello, hello_size);
    put(fd, &wanted, sizeof wanted);
}

static void take(int fd, long bytes)
{
    static __thread char buffer[1 << 18];
    while (bytes > 0) {
        ssize_t got = recv(fd, buffer, bytes < (long)sizeof buffer ? (size_t)bytes : sizeof buffer, 0);
        if (got <= 0)
            fail("recv");
        bytes -= got;
    }
}

/* Of one connection: until connect() had returned, and until the answer was read; seconds. */
struct times {
    double connected, answered;
};

static void *work(void *given)
{
    struct times *times = given;
    for (long i = 0; i < count / threads; i++) {
        double begin = now();
        int fd = open_one(&times[i].connected);
        ask(fd, bytes_each);
        take(fd, bytes_each);
        times[i].answered = now() - begin;
        close(fd);
    }
    return NULL;
}

static int by_size(double left, double right)
{
    return (left > right) - (left < right);
}

static int by_answered(const void *a, const void *b)
{
    return by_size(((const struct times *)a)->answered, ((const struct times *)b)->answered);
}

static int by_connected(const void *a, const void *b)
{
    return by_size(((const struct times *)a)->connected, ((const struct times *)b)->connected);
}

static int hold(void)
{
    char byte;
    double took;
    for (long i = 0; i < count; i++) {
        int fd = open_one(&took);
        ask(fd, 1);
        take(fd, 1);
    }
    printf("held\n");
    fflush(stdout);
    (void)!read(0, &byte, 1);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 7 && argc != 9)
        return 2;
    host = argv[2], port = argv[3], how = argv[4], threads = atol(argv[6]);
    proxy_host = argc == 9 ? argv[7] : NULL;
    count = strcmp(argv[1], "pull") == 0 ? threads : atol(argv[5]);
    bytes_each = strcmp(argv[1], "pull") == 0 ? atol(argv[5]) : 1;
    make_hello(host);
    resolve(proxy_host != NULL ? proxy_host : host, proxy_host != NULL ? argv[8] : port);
    if (strcmp(argv[1], "hold") == 0)
        return hold();
    struct times *times = calloc((size_t)count, sizeof *times);
    pthread_t made[64];
    double begin = now();
    for (long i = 0; i < threads; i++)
        if (pthread_create(&made[i], NULL, work, times + i * (count / threads)) != 0)
            fail("thread");
    for (long i = 0; i < threads; i++)
        pthread_join(made[i], NULL);
    double all = now() - begin;
    long done = count / threads * threads;
    qsort(times, (size_t)done, sizeof *times, by_connected);
    double connected = times[done / 2].connected;
    qsort(times, (size_t)done, sizeof *times, by_answered);
    printf("{\"seconds\":%.6f,\"connectUs\":%.1f,\"p50us\":%.1f,\"p99us\":%.1f}\n", all, connected * 1e6,
           times[done / 2].answered * 1e6, times[done * 99 / 100].answered * 1e6);
    return 0;
}
