#include "agent.h"
#include "../walls.h"
#include "../wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ENDED_BY_EXIT = 0, ENDED_BY_SIGNAL = 1 };

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now); /* a suspended machine's time counts too */
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* In place of the namespace, where there is none: this process is the subreaper of all that the job started. */
static void end_children(void)
{
    int child = 0;
    FILE *children;
    while ((children = fopen("/proc/thread-self/children", "re")) != NULL) {
        int found = fscanf(children, "%d", &child);
        fclose(children);
        if (found != 1)
            return;
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
}

/* Everything but this process dies here; nothing of the job runs when it returns. */
static void end_all(void)
{
    if (!WALL("pid-namespace")) { /* every process of the user, otherwise */
        end_children();
        return;
    }
    kill(-1, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
}

static void say_ended(int status)
{
    static uint64_t before_us; /* of the commands before */
    uint8_t bytes[16];
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    uint64_t now_us = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u +
                      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    wire_put_u32(bytes, WIFSIGNALED(status) ? ENDED_BY_SIGNAL : ENDED_BY_EXIT);
    wire_put_u32(bytes + 4, (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
    wire_put_u64(bytes + 8, now_us - before_us);
    before_us = now_us;
    channel_write('E', bytes, sizeof bytes);
}

static void take_message(pid_t job)
{
    struct message message;
    if (!channel_read(&message) || message.tag == 'q')
        leave(0);
    uint32_t number = message.tag == 's' && message.length == 4 ? wire_u32(message.bytes) : 0;
    if (number > 0 && number < NSIG)
        kill(-job, (int)number); /* the job leads a session and a process group of its own */
    if (message.tag == 'y')
        terminal_resize(&message);
    free(message.bytes);
}

/* Reaps whatever ended; true with *status once the job's first process did. */
static bool reap(pid_t job, int *status)
{
    int each;
    for (pid_t pid; (pid = waitpid(-1, &each, WNOHANG)) > 0;)
        if (pid == job) {
            *status = each;
            return true;
        }
    return false;
}

static int watch(pid_t job, int signals, uint32_t deadline_ms, struct lock *lock)
{
    long long end = now_ms() + (WALL("clock-inside") ? deadline_ms : INT32_MAX);
    for (;;) {
        struct pollfd watched[4 + TERMINAL_ENDS] = {
            {.fd = WALL("agent-lifeline") ? CONTROL : -1, .events = POLLIN},
            {.fd = signals, .events = POLLIN},
            {.fd = lock->line, .events = POLLIN}, /* -1: not watched */
            {.fd = lock->listener, .events = POLLIN},
        };
        int status;
        long long left = end - now_ms();
        if (left <= 0) {
            end_all();
            terminal_drain(false);
            channel_write('T', "", 0);
            leave(0);
        }
        terminal_watch(watched + 4);
        if (poll(watched, 4 + TERMINAL_ENDS, (int)left) < 0) {
            if (errno == EINTR)
                continue;
            leave(1);
        }
        if (watched[0].revents != 0)
            take_message(job);
        if (watched[1].revents != 0) {
            struct signalfd_siginfo ignored;
            (void)!read(signals, &ignored, sizeof ignored);
        }
        if (watched[2].revents != 0)
            lock_hear(lock);
        if (watched[3].revents != 0 && lock->listener >= 0) /* locked by now: its questions are refused */
            lock_answer(lock, (watched[3].revents & POLLIN) != 0);
        terminal_carry(watched + 4);
        if (reap(job, &status))
            return status;
    }
}

/* Nothing of the last command goes over to the next but what lies in folders that are not to be empty. */
static void begin_again(const struct message *message)
{
    terminal_end();
    empty_for_another(message);
    carry_again();
    channel_write('R', "", 0);
}

/*
 * Until the host has all that it wants; true: another command comes. A signal or a window's size that crossed the job's end on its
 * way is for nobody.
 */
static bool serve(void)
{
    for (struct message message;; free(message.bytes)) {
        terminal_drain(true);
        if (!channel_read(&message))
            return false;
        if (message.tag == 'n') {
            begin_again(&message);
            free(message.bytes);
            return true;
        }
        if (message.tag == 'o')
            collect(&message);
        else if (message.tag != 's' && message.tag != 'y')
            return false;
    }
}

/* One command; when it returns nothing of it runs. */
static void run(const struct job *job, int signals)
{
    struct lock lock;
    pid_t pid = job_start(job, &lock);
    if (pid >= 0) {
        /* its first process would not run if it had failed to build the wall */
        channel_write2('S', job->place_count > 0 ? wall_abi() : 0, 4, "");
        int status = watch(pid, signals, job->deadline_ms, &lock);
        if (WALL("collected-last"))
            end_all();
        say_ended(status);
    } else {
        end_all();
    }
    lock_end(&lock);
}

/* All that its arguments tell it is where the host is: at its own descriptors, or behind a carrier. */
static bool takes(int argc, char **argv, bool *carried, bool *sealed)
{
#ifdef GLOVEBOX_MUTABLE
    if (argc >= 3 && strcmp(argv[argc - 2], "--without") == 0) {
        if ((walls_without = strdup(argv[argc - 1])) == NULL)
            return false;
        for (int i = argc - 2; i < argc; i++) /* the job may read them: it is to see what it always sees */
            memset(argv[i], 0, strlen(argv[i]));
        argc -= 2;
    }
#endif
    *sealed = argc == 3 && strcmp(argv[2], "--sealed") == 0;
    *carried = (argc == 2 || *sealed) && strcmp(argv[1], "--carried") == 0;
    return argc == 1 || *carried;
}

int main(int argc, char **argv)
{
    struct job job = {0};
    bool carried = false, sealed = false;
    if (!takes(argc, argv, &carried, &sealed) || (getpid() != 1 && WALL("pid-namespace"))) {
        static const char only[] = "agent: runs only as the first process of a sandbox\n";
        (void)!write(2, only, sizeof only - 1);
        return 2;
    }
    /* before anything of the job exists: its memory, environment and descriptors are nobody's to read */
    if (WALL("agent-not-dumpable") && prctl(PR_SET_DUMPABLE, 0) < 0)
        return 1;
    if (!WALL("pid-namespace") && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 1;
    if (sealed && !seal_begin(0))
        return 1;
    if (carried && !carry_begin())
        return 1;
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    int signals = signalfd(-1, &children, SFD_CLOEXEC);
    if (signals < 0)
        leave(1);
    do {
        job_forget(&job);
        prepare(&job);
        /* not before: an OCI runtime is the parent until it has handed this process on, and nobody says go until then */
        if (WALL("parent-death") && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
            leave(1);
        run(&job, signals);
    } while (serve());
    leave(0);
}
