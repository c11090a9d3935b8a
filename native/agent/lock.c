/*
 * A job's wish to have less: it opens what it needs, and then writes "lock NAME\n" to its end of a socket. The gate asks
 * about the calls that the lock takes away. Until the job locks itself they all go on, as without a gate; then this
 * process closes the listener, and the kernel refuses them, to every process of the job and for good.
 *
 * What the job writes is hostile: a line of bounded length is compared, and nothing else is done with it. Its answer is
 * dropped where the job doesn't read it.
 */
#include "agent.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void end_of(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void say(struct lock *lock, const char *text)
{
    (void)send(lock->line, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A whole line, without its end, as one string. */
static void obey(struct lock *lock)
{
    if (strcmp(lock->said, lock->wanted) != 0) {
        say(lock, "refused\n");
        return;
    }
    end_of(&lock->listener);
    say(lock, "locked\n");
}

/* One byte at a time: a job says this once in its life. Never waits. */
void lock_hear(struct lock *lock)
{
    char byte;
    ssize_t got = recv(lock->line, &byte, 1, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        end_of(&lock->line); /* nobody holds the other end: what is locked stays so, what isn't can't be any more */
        return;
    }
    if (byte != '\n' && byte != 0 && lock->length + 1 < sizeof lock->said) {
        lock->said[lock->length++] = byte;
        return;
    }
    bool whole = byte == '\n';
    lock->said[whole ? lock->length : 0] = 0;
    obey(lock);
    lock->length = 0;
    if (!whole)
        end_of(&lock->line);
}

static bool is_exec(const struct seccomp_notif *question)
{
    return question->data.nr == SYS_execve || question->data.nr == SYS_execveat;
}

/* Looks at the call's number, which can't change any more, and at nothing that a pointer points to. */
void lock_reply(struct lock *lock, const struct seccomp_notif *question)
{
    struct seccomp_notif_resp answer = {.id = question->id};
    if (lock->one_exec && is_exec(question))
        answer.error = -ENOSYS;
    else
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    (void)ioctl(lock->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer); /* ENOENT: its process died meanwhile */
}

/* The listener has something to say: a question, or that no process is left which could ask one. */
void lock_answer(struct lock *lock, bool has_question)
{
    struct seccomp_notif question;
    if (!has_question)
        end_of(&lock->listener);
    else if (gate_ask(lock->listener, &question))
        lock_reply(lock, &question);
}

void lock_end(struct lock *lock)
{
    end_of(&lock->listener);
    end_of(&lock->line);
}
