/* The launcher's ear in a sandbox's network: a socket made in that namespace, on which the kernel tells of refused datagrams. */
#include "launcher.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 512 /* messages; the rest when everybody else was heard */

static void take_log(struct sandbox *sandbox)
{
    uint32_t count = 0;
    struct iovec part = {.iov_base = &count, .iov_len = sizeof count};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t got = recvmsg(sandbox->log, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    close(sandbox->log);
    sandbox->log = -1;
    if (got != sizeof count)
        return; /* it ended before */
    sandbox->untold = false;
    handles = streams() + (size_t)count;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&sandbox->log, CMSG_DATA(rights), sizeof sandbox->log);
}

void read_log(struct sandbox *sandbox)
{
    static uint8_t bytes[65536];
    struct timespec now;
    if (sandbox->log >= 0 && sandbox->untold)
        take_log(sandbox);
    clock_gettime(CLOCK_REALTIME, &now);
    for (int turn = 0; turn < AT_ONCE && sandbox->log >= 0 && !sandbox->untold; turn++) {
        ssize_t got = recv(sandbox->log, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got > 0)
            datagrams_take(&sandbox->datagrams, bytes, (size_t)got, now.tv_sec * 1000LL + now.tv_nsec / 1000000);
        else if (got < 0 && errno == ENOBUFS) /* some were dropped: those that follow count */
            continue;
        else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            close(sandbox->log);
            sandbox->log = -1;
        } else if (errno == EAGAIN)
            return;
    }
}
