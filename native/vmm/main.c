/*
 * What a jail of a virtual machine starts: it becomes QEMU, which finds in its monitor what it is to do. A QEMU that nobody asks for
 * anything more needs no monitor that anybody can reach: the words lie in a socket whose other end QEMU has itself, and never reads.
 *
 *   vmm STATE PROGRAM [ARGUMENT ...]      goes on where a machine was saved
 *   vmm - PROGRAM [ARGUMENT ...]          boots one
 *
 * STATE is what the machine was, all but its memory. QEMU finds at descriptor 8 its monitor, 9 the state, and 10 where it complains: QEMU
 * takes no standard stream for a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UNREAD = 7, MONITOR = 8, STATE = 9, COMPLAINTS = 10 };

/* The memory is a file of its own (x-ignore-shared): this is what makes many machines of one saved one cheap. */
static const char words[] =
    "{\"execute\":\"qmp_capabilities\"}\n"
    "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true}]}}\n"
    "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"fd:9\"}}\n";

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "vmm: %s: %s\n", what, strerror(errno));
    _exit(1);
}

/* `from` at the number `to`, which is none of ours yet, and open in the program that comes. */
static void place(int from, int to)
{
    if (from != to && (dup2(from, to) < 0 || close(from) < 0))
        fail("descriptors");
}

static void prepare_words(const char *state)
{
    int monitor[2], saved = open(state, O_RDONLY);
    if (saved < 0)
        fail(state);
    place(saved, STATE);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, monitor) < 0)
        fail("monitor");
    place(monitor[1], MONITOR);
    place(monitor[0], UNREAD);
    if (write(UNREAD, words, sizeof words - 1) != (ssize_t)(sizeof words - 1))
        fail("monitor");
}

int main(int count, char **arguments)
{
    if (count < 3) {
        fputs("vmm STATE PROGRAM [ARGUMENT ...]\n", stderr);
        return 2;
    }
    /* the agent leaves nothing open; what somebody else did would be in the way */
    for (int number = UNREAD; number <= COMPLAINTS; number++)
        close(number);
    if (dup2(STDERR_FILENO, COMPLAINTS) < 0)
        fail("descriptors");
    if (strcmp(arguments[1], "-") != 0)
        prepare_words(arguments[1]);
    /* the room for translated code would be taken 2 MiB at a time: 4 MiB of 36 that a machine has for itself; where that can't be said it costs them */
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    execv(arguments[2], arguments + 2);
    fail(arguments[2]);
}
