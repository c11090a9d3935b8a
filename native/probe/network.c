/* What a job tries on its network's own settings. */
#define _GNU_SOURCE
#include "network.h"
#include "probe.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* ADDRESS, PORT, tcp|udp: a server of one's own there */
static int n_take(char **args)
{
    struct place at;
    bool stream = strcmp(args[2], "tcp") == 0;
    if (!literal(args[0], atoi(args[1]), &at))
        return EINVAL;
    int fd = socket(at.address.ss_family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at.address, at.size) < 0)
        return errno;
    return stream ? result(listen(fd, 1)) : 0;
}

/* ADDRESS: one more, for loopback */
static int n_add_address(char **args)
{
    struct place at;
    struct ifreq ask_for = {.ifr_name = "lo:9"};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (!literal(args[0], 0, &at))
        return EINVAL;
    memcpy(&ask_for.ifr_addr, &at.address, sizeof ask_for.ifr_addr);
    return result(ioctl(fd, SIOCSIFADDR, &ask_for));
}

static int n_toggle_loopback(char **args)
{
    (void)args;
    struct ifreq it = {.ifr_name = "lo"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &it) < 0)
        return errno;
    it.ifr_flags ^= IFF_UP;
    return result(ioctl(fd, SIOCSIFFLAGS, &it));
}

const struct attempt network_attempts[] = {
    {"take", n_take},
    {"add-address", n_add_address},
    {"toggle-loopback", n_toggle_loopback},
    {NULL, NULL},
};
