/*
 * The host that bench/network talks to: one thread a connection, on 127.0.0.1.
 *   server tcp|tls|http      prints its port. tcp: four bytes say how many to send back. tls: the same after a ClientHello record.
 *   http: GET /N is answered with N bytes.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *how;
static char zeros[1 << 18];

static int get(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(fd, (char *)bytes + done, size - done, 0);
        if (got <= 0)
            return -1;
        done += (size_t)got;
    }
    return 0;
}

static long asked(int fd)
{
    uint32_t wanted;
    if (strcmp(how, "http") == 0) {
        char head[4096];
        for (size_t have = 0; have < sizeof head - 1;) {
            ssize_t got = recv(fd, head + have, sizeof head - 1 - have, 0);
            if (got <= 0)
                return -1;
            have += (size_t)got;
            head[have] = 0;
            if (strstr(head, "\r\n\r\n") != NULL)
                return atol(strchr(head, '/') + 1);
        }
        return -1;
    }
    if (strcmp(how, "tls") == 0) {
        uint8_t record[5], body[16384];
        if (get(fd, record, 5) < 0 || get(fd, body, (size_t)(record[3] << 8 | record[4]) & 16383) < 0)
            return -1;
    }
    return get(fd, &wanted, sizeof wanted) < 0 ? -1 : (long)ntohl(wanted);
}

static int answer(int fd, long wanted)
{
    if (strcmp(how, "http") == 0) {
        char head[128];
        int size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", wanted);
        if (send(fd, head, (size_t)size, MSG_NOSIGNAL) != size)
            return -1;
    }
    while (wanted > 0) {
        ssize_t sent = send(fd, zeros, wanted < (long)sizeof zeros ? (size_t)wanted : sizeof zeros, MSG_NOSIGNAL);
        if (sent <= 0)
            return -1;
        wanted -= sent;
    }
    return 0;
}

static void *serve(void *given)
{
    int fd = (int)(intptr_t)given, yes = 1;
    long wanted;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    /* a proxy may use a connection again */
    while ((wanted = asked(fd)) >= 0 && answer(fd, wanted) == 0)
        continue;
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc != 2 || fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        return 1;
    how = argv[1];
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        pthread_t made;
        if (one < 0)
            return 1;
        if (pthread_create(&made, NULL, serve, (void *)(intptr_t)one) != 0)
            close(one);
        else
            pthread_detach(made);
    }
}
