/*
 * What a filter alone can't say: "once". The job's first process installs a filter (the gate) that asks before certain
 * calls take place, hands the asking end to the agent, and the agent lets such a call go on, or closes its end. From then
 * on nobody can answer, now or later, in any process that inherited the gate: the kernel says ENOSYS at once.
 *
 * An answer is never based on what a pointer points to, which another thread could change: the agent looks only at who
 * asks, and at which moment. So "go on" (SECCOMP_USER_NOTIF_FLAG_CONTINUE) gives away nothing: before the gate is closed
 * the call is allowed whatever its arguments.
 *
 * Fails closed: if the agent dies, so does its pid namespace; a filter that can't be installed ends the start.
 */
#include "agent.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

/* Like seccomp(2): -1 with errno, else 0 or the listener. */
static int install(const struct program *program, unsigned flags)
{
    struct sock_fprog described = {
        .len = (unsigned short)(program->length / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)program->bytes,
    };
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &described);
}

/* In the job's first process, last of all before its exec. 0 or an errno. */
int filter_install(const struct program *program)
{
    return program->length == 0 || install(program, 0) == 0 ? 0 : errno;
}

/* In the job's first process: installs the gate and sends its asking end through `channel`. 0 or an errno. */
int gate_install(const struct program *program, int channel)
{
    /* a signal must not interrupt a call that has been asked about; kernels before 5.19 can't do that */
    int listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (listener < 0 && errno == EINVAL)
        listener = install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER);
    if (listener < 0)
        return errno;
    char byte = 0;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &listener, sizeof(int));
    int error = sendmsg(channel, &message, MSG_NOSIGNAL) == 1 ? 0 : errno;
    close(listener);
    return error;
}

/* In the agent: the asking end, or -1 with what came instead of it in `bytes`; *got is as read(2) gives it. */
int gate_receive(int channel, void *bytes, size_t size, ssize_t *got)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    while ((*got = recvmsg(channel, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        continue;
    struct cmsghdr *header = *got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    int listener;
    memcpy(&listener, CMSG_DATA(header), sizeof(int));
    return listener;
}

/* Takes one question from the listener; false when it was withdrawn, its process having died. */
bool gate_ask(int listener, struct seccomp_notif *question)
{
    memset(question, 0, sizeof *question);
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, question) == 0;
}

static void gate_continue(int listener, const struct seccomp_notif *question)
{
    struct seccomp_notif_resp answer = {.id = question->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer); /* ENOENT: its process died meanwhile */
}

static bool is_readable(int fd)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    return poll(&watched, 1, 0) > 0;
}

/*
 * In the agent: lets `first`, the agent's own child, execute until it has become another program, or has said on
 * `channel` that it can't. It looks for its program along PATH, so it may take several attempts; all are made by the
 * agent's own code. With its success the kernel closes `channel`, before the new program's first instruction: so when a call
 * of that program is asked about, `channel` is readable. True: such a question was taken, and has no answer yet.
 */
bool gate_first_exec(int listener, int channel, pid_t first, struct seccomp_notif *left)
{
    struct pollfd watched[] = {{.fd = channel, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
    for (;;) {
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            give_up(errno, "gate");
        }
        if (watched[0].revents != 0)
            return false;
        if ((watched[1].revents & POLLIN) == 0 || !gate_ask(listener, left))
            continue;
        if (is_readable(channel) || left->pid != (uint32_t)first)
            return true;
        gate_continue(listener, left);
    }
}
