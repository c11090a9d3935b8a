/* The one way out of the machine. Every wait of this process is also one for its end. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#define PORTS "/sys/class/virtio-ports"
/* The device says after its driver is there which ports it has. */
#define APPEARS_MS 10000
/* What was said last is on its way until the host closes the port. */
#define LINGER_MS 1000

static int port = -1;

long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

_Noreturn void power_off(void)
{
    (void)reboot(RB_POWER_OFF);
    _exit(1); /* the kernel panics without its first process, and the machine ends by that */
}

static bool is_ours(const char *device)
{
    char path[512], name[sizeof PORT_NAME + 1] = "";
    snprintf(path, sizeof path, PORTS "/%s/name", device);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, name, sizeof name - 1);
    close(fd);
    return got == sizeof PORT_NAME && strncmp(name, PORT_NAME "\n", sizeof PORT_NAME) == 0;
}

/* The descriptor, or -1: no port has this name yet. */
static int look(void)
{
    int found = -1;
    DIR *ports = opendir(PORTS);
    if (ports == NULL)
        return -1;
    for (const struct dirent *each; found < 0 && (each = readdir(ports)) != NULL;) {
        char path[512];
        if (each->d_name[0] == '.' || !is_ours(each->d_name))
            continue;
        snprintf(path, sizeof path, "/dev/%s", each->d_name);
        found = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    }
    closedir(ports);
    return found;
}

/* Open, and with a host at its other end: until then a read is an end, which is not the machine's. */
void port_open(void)
{
    long long last = now_ms() + APPEARS_MS;
    for (;;) {
        if (port < 0)
            port = look();
        struct pollfd watched = {.fd = port, .events = POLLOUT};
        if (port >= 0 && poll(&watched, 1, 0) == 1 && (watched.revents & (POLLOUT | POLLHUP)) == POLLOUT)
            return;
        if (now_ms() > last) {
            if (port >= 0)
                close(port);
            port = -1;
            errno = ENODEV;
            fail("port", PORT_NAME);
        }
        (void)poll(NULL, 0, 1);
    }
}

int port_descriptor(void)
{
    return port;
}

static void wait_for(short events)
{
    struct pollfd watched = {.fd = port, .events = events};
    while (poll(&watched, 1, -1) < 0 && errno == EINTR)
        continue;
    if (watched.revents & ~(POLLIN | POLLOUT))
        power_off();
}

int port_wait(int other, int timeout_ms)
{
    struct pollfd watched[] = {{.fd = port}, {.fd = other, .events = POLLIN}};
    long long last = now_ms() + timeout_ms;
    for (;;) {
        long long left = last - now_ms();
        int count = poll(watched, 2, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 || watched[0].revents != 0)
            power_off();
        return watched[1].revents != 0 ? 1 : 0;
    }
}

ssize_t port_take(void *into, size_t size)
{
    ssize_t got = read(port, into, size);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        power_off();
    return got;
}

/* The driver has no room, or was interrupted: the caller waits and tries again. */
ssize_t port_give(const void *bytes, size_t size)
{
    ssize_t put = write(port, bytes, size);
    if (put < 0 && errno != EAGAIN && errno != EINTR)
        power_off();
    return put < 0 ? 0 : put;
}

void port_read(void *into, size_t size)
{
    for (size_t got = 0; got < size; got += (size_t)port_take((char *)into + got, size - got))
        wait_for(POLLIN);
}

static void say_whole(const void *bytes, size_t size)
{
    for (size_t put = 0; put < size; put += (size_t)port_give((const char *)bytes + put, size - put))
        wait_for(POLLOUT);
}

void port_say(uint8_t tag, const void *bytes, size_t size)
{
    uint8_t header[WIRE_HEADER] = {tag};
    wire_put_u32(header + 1, (uint32_t)size);
    say_whole(header, sizeof header);
    say_whole(bytes, size);
}

_Noreturn void fail(const char *what, const char *where)
{
    char text[MAX_TEXT];
    const char *why = errno != 0 ? strerror(errno) : "";
    int size = snprintf(text, sizeof text, "%s%s%s%s%s", what, *where != 0 ? " " : "", where, *why != 0 ? ": " : "", why);
    if (size >= (int)sizeof text)
        size = sizeof text - 1;
    if (port < 0) { /* which there is not yet: to the console, as the kernel's own complaints */
        (void)!dprintf(2, "guest: %s\n", text);
        power_off();
    }
    port_say('f', text, size > 0 ? (size_t)size : 0);
    (void)port_wait(-1, LINGER_MS);
    power_off();
}
