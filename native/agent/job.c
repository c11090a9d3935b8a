#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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
    enum { ABOUT_COMMAND, ABOUT_LIMITS, ABOUT_WORKDIR } about;
};

static void become(const struct job *job, int complaints)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    umask(022);
    struct complaint complaint = {0};
    if (terminal_exists())
        complaint.error = terminal_take();
    else if (dup2(JOB_STDIN, 0) < 0 || dup2(JOB_STDOUT, 1) < 0 || dup2(JOB_STDERR, 2) < 0)
        complaint.error = errno;
    /* everything above, the control socket first of all, is closed by the exec; `complaints` stays until then */
    if (complaint.error == 0 && close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        complaint.error = errno;
    if (complaint.error == 0 && (complaint.error = set_limits(job)) != 0)
        complaint.about = ABOUT_LIMITS;
    if (complaint.error == 0 && chdir(job->workdir) < 0) {
        complaint.error = errno;
        complaint.about = ABOUT_WORKDIR;
    }
    if (complaint.error == 0)
        complaint.error = search_and_execute(job);
    (void)!write(complaints, &complaint, sizeof complaint);
    _exit(127);
}

/* The job's first process, or -1 after the host was told why there is none. */
pid_t job_start(const struct job *job)
{
    int pipe_ends[2];
    struct complaint complaint;
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        give_up(errno, "pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up(errno, "fork");
    if (pid == 0)
        become(job, pipe_ends[1]);
    close(pipe_ends[1]);
    if (!terminal_exists()) {
        close(JOB_STDIN);
        close(JOB_STDOUT);
    }
    close(JOB_STDERR);
    ssize_t got;
    while ((got = read(pipe_ends[0], &complaint, sizeof complaint)) < 0 && errno == EINTR)
        continue;
    close(pipe_ends[0]);
    if (got == 0)
        return pid;
    if (got != sizeof complaint || complaint.about == ABOUT_LIMITS)
        give_up(got == sizeof complaint ? complaint.error : EIO, "limits");
    channel_write2(complaint.about == ABOUT_WORKDIR ? 'W' : 'N', (uint64_t)complaint.error, 4, "");
    return -1;
}
