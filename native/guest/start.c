/* The process that becomes the agent: all steps are its own, so that what they make is seen in its namespaces alone. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where the child says what failed; closed by the agent's exec. */
static int complaint = -1;

_Noreturn void step_failed(const char *what, const char *where)
{
    char text[MAX_TEXT];
    const char *why = strerror(errno);
    int size = snprintf(text, sizeof text, "%s%s%s: %s", what, *where != 0 ? " " : "", where, why);
    if (size >= (int)sizeof text)
        size = sizeof text - 1;
    if (complaint < 0) { /* a moment's, which the first process does itself */
        errno = 0;
        fail(text, "");
    }
    (void)!write(complaint, text, size > 0 ? (size_t)size : 0);
    _exit(1);
}

static pid_t split(int *pidfd)
{
    struct clone_args how = {
        .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
    };
    return (pid_t)syscall(SYS_clone3, &how, sizeof how);
}

static _Noreturn void be_the_agent(const uint8_t *steps, size_t length, int agent, int socket, int errors)
{
    /* the port, too, is gone before a step is done: only its end could be heard here */
    if (dup2(socket, 0) < 0 || dup2(socket, 1) < 0 || dup2(errors, 2) < 0)
        step_failed("start", "descriptors");
    close(port_descriptor());
    steps_do(steps, length, agent);
    errno = EBADMSG;
    step_failed("steps", "");
}

/* Until the agent's program runs, which closes the pipe, or the child has said what is wrong. */
static void await_start(int said)
{
    char text[MAX_TEXT + 1];
    size_t length = 0;
    for (;;) {
        (void)port_wait(said, -1);
        ssize_t got = read(said, text + length, sizeof text - 1 - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    close(said);
    text[length] = 0;
    errno = 0;
    if (length > 0)
        fail(text, "");
}

void agent_start(const uint8_t *steps, size_t length, int agent, struct started *out)
{
    int said[2], errors[2], socket[2];
    if (pipe2(said, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socket) < 0)
        fail("start", "descriptors");
    out->pid = split(&out->pidfd);
    if (out->pid < 0)
        fail("start", "namespaces");
    if (out->pid == 0) {
        complaint = said[1];
        be_the_agent(steps, length, agent, socket[1], errors[1]);
    }
    close(said[1]);
    close(errors[1]);
    close(socket[1]);
    close(agent);
    out->socket = socket[0];
    out->errors = errors[0];
    if (fcntl(out->socket, F_SETFL, O_NONBLOCK) < 0 || fcntl(out->errors, F_SETFL, O_NONBLOCK) < 0)
        fail("start", "descriptors");
    await_start(said[0]);
}
