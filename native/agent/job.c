#include "agent.h"
#include "../walls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(char **envp)
{
    for (char **each = envp; each != NULL && *each != NULL; each++)
        if (strncmp(*each, "PATH=", 5) == 0)
            return *each + 5;
    return "/usr/local/bin:/usr/bin:/bin";
}

/* execvpe, without its shell for files that the kernel can't execute: an argv is never given to a shell. */
static int search_and_execute(const struct job *job)
{
    static char *no_environment[] = {NULL};
    char **envp = job->envp != NULL ? job->envp : no_environment;
    if (!WALL("empty-environment"))
        envp = environ;
    const char *name = job->argv[0];
    if (*name == 0)
        return ENOENT;
    if (strchr(name, '/') != NULL) {
        execve(name, job->argv, envp);
        return errno;
    }
    int result = ENOENT;
    for (const char *folder = path_of(envp); folder != NULL;) {
        const char *colon = strchr(folder, ':');
        size_t length = colon != NULL ? (size_t)(colon - folder) : strlen(folder);
        char candidate[4096];
        if (length > 0 && length + strlen(name) + 2 <= sizeof candidate) {
            memcpy(candidate, folder, length);
            candidate[length] = '/';
            strcpy(candidate + length + 1, name);
            execve(candidate, job->argv, envp);
            if (errno != ENOENT && errno != ENOTDIR)
                result = errno;
            if (result != ENOENT && result != EACCES)
                return result;
        }
        folder = colon != NULL ? colon + 1 : NULL;
    }
    return result;
}

static int set_limits(const struct job *job)
{
    for (int i = 0; i < job->limit_count; i++) {
        struct rlimit limit = job->limits[i].limit, now;
        if (getrlimit(job->limits[i].resource, &now) < 0)
            return errno;
        if (limit.rlim_max > now.rlim_max) /* the host is stricter already: that keeps the promise too */
            limit.rlim_max = now.rlim_max;
        if (limit.rlim_cur > limit.rlim_max)
            limit.rlim_cur = limit.rlim_max;
        if (setrlimit(job->limits[i].resource, &limit) < 0)
            return errno;
    }
    return 0;
}

struct complaint {
    int error;
    enum { ABOUT_COMMAND, ABOUT_LIMITS, ABOUT_WORKDIR, ABOUT_SEAL } about;
    char what[1024]; /* with the rest within PIPE_BUF: written whole or not at all */
};

/*
 * The walls that the job's first process builds around itself. Before its limits are set: they need descriptors for a
 * moment, of which the job may have as few as three.
 */
static bool seal(const struct job *job, int channel, struct complaint *complaint)
{
    const char *about;
    complaint->error = wall_confine(job, &about);
    if (complaint->error == 0)
        complaint->error = wall_build(job, &about);
    if (complaint->error == 0 && job->gate.length > 0) {
        about = "gate";
        complaint->error = gate_install(&job->gate, channel);
    }
    complaint->about = ABOUT_SEAL;
    strncpy(complaint->what, about, sizeof complaint->what - 1);
    return complaint->error == 0;
}

static void become(const struct job *job, int channel, int line)
{
    static struct complaint complaint;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (WALL("own-session"))
        setsid();
    umask(022);
    if (terminal_exists())
        complaint.error = terminal_take();
    else if (dup2(JOB_STDIN, 0) < 0 || dup2(JOB_STDOUT, 1) < 0 || dup2(JOB_STDERR, 2) < 0)
        complaint.error = errno;
    /* everything above, the control socket first of all, is closed by the exec; `channel` stays until then */
    if (complaint.error == 0 && WALL("closed-descriptors"))
        complaint.error = close_on_exec();
    if (complaint.error == 0 && line >= 0 && dup2(line, JOB_LOCK) < 0)
        complaint.error = errno;
    if (complaint.error == 0 && seal(job, channel, &complaint)) {
        complaint.about = ABOUT_LIMITS;
        complaint.error = set_limits(job);
    }
    if (complaint.error == 0 && chdir(job->workdir) < 0) {
        complaint.error = errno;
        complaint.about = ABOUT_WORKDIR;
    }
    /* from here on this process can do only what the job can: execute, or say why not, and exit */
    if (complaint.error == 0) {
        complaint.about = ABOUT_SEAL;
        complaint.error = filter_install(&job->first);
        if (complaint.error == 0)
            complaint.error = filter_install(&job->filter);
    }
    if (complaint.error == 0) {
        complaint.about = ABOUT_COMMAND;
        complaint.error = search_and_execute(job);
    }
    (void)!write(channel, &complaint, sizeof complaint);
    _exit(127);
}

/* A gate needs a channel that passes descriptors; without one a pipe does, which no policy's `deny` can take away. */
static int open_channel(const struct job *job, int ends[2])
{
    return job->gate.length > 0 ? socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)
                                : pipe2(ends, O_CLOEXEC);
}

/* What the child complains of; none (0) when it executed its program. */
static ssize_t hear(const struct job *job, struct lock *lock, int channel, pid_t pid, struct complaint *complaint)
{
    ssize_t got;
    if (job->gate.length > 0) {
        struct seccomp_notif left;
        lock->listener = gate_receive(channel, complaint, sizeof *complaint, &got);
        if (lock->listener < 0)
            return got;
        bool asked = gate_first_exec(lock->listener, channel, pid, &left);
        if (lock->line < 0) {
            close(lock->listener);
            lock->listener = -1;
        } else if (asked) {
            lock_reply(lock, &left);
        }
    }
    while ((got = read(channel, complaint, sizeof *complaint)) < 0 && errno == EINTR)
        continue;
    return got;
}

/* The job's first process, or -1 after the host was told why there is none. */
pid_t job_start(const struct job *job, struct lock *lock)
{
    int ends[2], line[2] = {-1, -1};
    static struct complaint complaint;
    if (open_channel(job, ends) < 0)
        give_up(errno, "channel");
    if (job->lock_line != NULL && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
        give_up(errno, "lock");
    *lock = (struct lock){
        .listener = -1, .line = line[0], .wanted = job->lock_line, .one_exec = job->lock_one_exec};
    pid_t pid = fork();
    if (pid < 0)
        give_up(errno, "fork");
    if (pid == 0)
        become(job, ends[1], line[1]);
    close(ends[1]);
    if (line[1] >= 0)
        close(line[1]);
    if (!terminal_exists()) {
        close(JOB_STDIN);
        close(JOB_STDOUT);
    }
    close(JOB_STDERR);
    ssize_t got = hear(job, lock, ends[0], pid, &complaint);
    close(ends[0]);
    if (got == 0)
        return pid;
    if (got != sizeof complaint)
        give_up(EIO, "start");
    if (complaint.about == ABOUT_LIMITS)
        give_up(complaint.error, "limits");
    static const uint8_t tags[] = {[ABOUT_COMMAND] = 'N', [ABOUT_WORKDIR] = 'W', [ABOUT_SEAL] = 'U'};
    const char *what = complaint.about == ABOUT_SEAL ? complaint.what : "";
    channel_write2(tags[complaint.about], (uint64_t)complaint.error, 4, what);
    return -1;
}
