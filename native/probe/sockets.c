/* Sockets and interfaces of any network. */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int a_interfaces(char **args)
{
    (void)args;
    char line[512];
    FILE *file = fopen("/proc/net/dev", "r");
    if (file == NULL)
        return errno;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':'), *name = line + strspn(line, " ");
        if (colon == NULL)
            continue;
        *colon = 0;
        struct ifreq ask = {0};
        strncpy(ask.ifr_name, name, IFNAMSIZ - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        say_text(name);
        if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ask) < 0)
            say_text(":unknown ");
        else
            say_text(ask.ifr_flags & IFF_UP ? ":up " : ":down ");
        if (fd >= 0)
            close(fd);
    }
    fclose(file);
    return 0;
}

static int a_socket(char **args)
{
    int fd = socket(atoi(args[0]), atoi(args[1]), atoi(args[2]));
    return fd < 0 ? errno : (close(fd), 0);
}

static int a_connect(char **args)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(args[1]))};
    inet_pton(AF_INET, args[0], &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    alarm(3);
    return result(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int a_bind_loopback(char **args)
{
    (void)args;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(bind(fd, (struct sockaddr *)&to, sizeof to));
}

/* Numbers of families, with `-` between the first and the last; says which of them, of any type, can be made. */
static int a_families(char **args)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_RDM, SOCK_SEQPACKET};
    int first = 0, last = 0, error = EAFNOSUPPORT, made = 0;
    if (sscanf(args[0], "%d-%d", &first, &last) != 2)
        return EINVAL;
    for (int family = first; family <= last && family < 1024; family++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            int fd = socket(family, types[i], 0);
            if (fd < 0) {
                error = errno;
                continue;
            }
            close(fd);
            say_number(family);
            made++;
            break;
        }
    return made > 0 ? 0 : error;
}

/* FAMILY, TYPE: of every protocol's number, which can be made? */
static int a_protocols(char **args)
{
    int error = EPROTONOSUPPORT, made = 0;
    for (int protocol = 0; protocol < 263; protocol++) {
        int fd = socket(atoi(args[0]), atoi(args[1]), protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        close(fd);
        say_number(protocol);
        made++;
    }
    return made > 0 ? 0 : error;
}

/* Two ends at once. Families whose module would have to be loaded for that are not tried. */
static int a_pair(char **args)
{
    int ends[2];
    return result(socketpair(atoi(args[0]), atoi(args[1]), 0, ends));
}

const struct attempt sockets_attempts[] = {
    {"interfaces", a_interfaces},
    {"socket", a_socket},
    {"connect", a_connect},
    {"bind-loopback", a_bind_loopback},
    {"families", a_families},
    {"protocols", a_protocols},
    {"pair", a_pair},
    {NULL, NULL},
};
