#include "cell.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes over a Unix socket, with the first of them a descriptor unless it is -1. False: nobody is at the other end. */
bool send_whole(int socket, const void *bytes, size_t length, int handle)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = length};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (handle >= 0) {
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &handle, sizeof handle);
    }
    while (length > 0) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        length -= (size_t)sent;
        part.iov_base = (char *)part.iov_base + sent;
        part.iov_len = length;
        message.msg_control = NULL;
        message.msg_controllen = 0;
    }
    return true;
}

/*
 * Node's own channel between a process and its child: lines of JSON, and with a NODE_HANDLE line a descriptor
 * (lib/internal/child_process.js). It needs no addon, and one small sendmsg is never interleaved with another's.
 * False: Node is gone.
 */
bool ipc_send(int ipc, const char *line, int handle)
{
    return send_whole(ipc, line, strlen(line), handle);
}
