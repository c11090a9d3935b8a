/*
 * killer HOW DELAY_US PICK ERRORS COMMAND…: runs the command, kills one process of its family with SIGKILL, and waits until
 * no process of the family is left: it is a subreaper, so that whatever loses its parent becomes its child.
 *
 *   HOW   time: DELAY_US after the start, the PICK-th of whatever lives then
 *         NAME: DELAY_US after a process of that name (or `first`, a sandbox's first process) appears
 *
 * A prepared worker is not missed: where supervisor, launcher and job all still run after UNHARMED_MS, the command is told to end.
 *
 * One line of JSON: who was killed, the command's own end, who was of the family when it was killed, and which processes
 * were still there after PATIENCE_MS.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define UNHARMED_MS 5000
#define APPEAR_MS 5000
#define MAX 4096

struct process {
    pid_t pid, parent;
    bool family, first;
    unsigned long long started;
    char name[32];
};

static struct process all[MAX];
static int count;

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool read_text(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

/* proc_pid_stat(5) */
static bool look_at(pid_t pid, struct process *out)
{
    char text[1024], state;
    if (!read_text(pid, "stat", text, sizeof text))
        return false;
    char *open_ = strchr(text, '('), *end = strrchr(text, ')');
    if (open_ == NULL || end == NULL ||
        sscanf(end + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
               &out->parent, &out->started) != 3 ||
        state == 'Z' || state == 'X')
        return false;
    out->pid = pid;
    snprintf(out->name, sizeof out->name, "%.*s", (int)(end - open_ - 1), open_ + 1);
    if (read_text(pid, "status", text, sizeof text)) {
        char *line = strstr(text, "NSpid:");
        int outer = 0, inner = 0;
        out->first = line != NULL && sscanf(line, "NSpid: %d %d", &outer, &inner) == 2 && inner == 1;
    }
    return true;
}

static void look(void)
{
    DIR *processes = opendir("/proc");
    count = 0;
    for (struct dirent *entry; processes != NULL && count < MAX && (entry = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        memset(&all[count], 0, sizeof all[count]);
        if (pid > 1 && look_at(pid, &all[count]))
            count++;
    }
    if (processes != NULL)
        closedir(processes);
    for (bool more = true; more;) {
        more = false;
        for (int i = 0; i < count; i++) {
            bool found = all[i].parent == getpid();
            for (int j = 0; j < count && !found; j++)
                found = all[j].family && all[j].pid == all[i].parent;
            more = more || (found && !all[i].family);
            all[i].family = all[i].family || found;
        }
    }
}

static struct process *chosen(const char *how, unsigned pick)
{
    struct process *found[MAX];
    unsigned members = 0;
    bool any = strcmp(how, "time") == 0, first = strcmp(how, "first") == 0;
    look();
    for (int i = 0; i < count; i++)
        if (all[i].family && (any || (first ? all[i].first : strcmp(all[i].name, how) == 0)))
            found[members++] = &all[i];
    return members == 0 ? NULL : found[pick % members];
}

static bool member(const char *name)
{
    for (int i = 0; i < count; i++)
        if (all[i].family && strcmp(all[i].name, name) == 0)
            return true;
    return false;
}

static bool unharmed(pid_t command)
{
    look();
    return kill(command, 0) == 0 && member("node") && member("cell") && member("bwrap") && member("sleep");
}

/* The number could be somebody else's by now: a held process is compared with the one that was looked at. */
static bool kill_held(const struct process *target)
{
    struct process again = {0};
    int held = (int)syscall(SYS_pidfd_open, target->pid, 0);
    bool same = held >= 0 && look_at(target->pid, &again) && again.started == target->started;
    bool killed = same && syscall(SYS_pidfd_send_signal, held, SIGKILL, NULL, 0) == 0;
    if (held >= 0)
        close(held);
    return killed;
}

static void sleep_us(long us)
{
    struct timespec time = {us / 1000000, us % 1000000 * 1000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR)
        continue;
}

static pid_t start(const char *errors, char **command)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    int null = open("/dev/null", O_RDWR), said = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (null < 0 || said < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(said, 2) < 0)
        _exit(120);
    close(null);
    close(said);
    execvp(command[0], command);
    _exit(121);
}

int main(int argc, char **argv)
{
    if (argc < 6)
        return 2;
    const char *how = argv[1];
    long delay = strtol(argv[2], NULL, 10);
    unsigned pick = (unsigned)strtoul(argv[3], NULL, 10);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return 3;
    pid_t command = start(argv[4], argv + 5);
    int status = -1, reaped;
    bool ended = false, survived = false;
    struct process *target = NULL;
    struct process victim = {0};

    if (strcmp(how, "time") == 0)
        sleep_us(delay);
    for (long long until = now_ms() + APPEAR_MS; target == NULL && now_ms() < until && kill(command, 0) == 0;)
        target = chosen(how, pick);
    if (target != NULL && strcmp(how, "time") != 0)
        sleep_us(delay);
    if (target != NULL)
        victim = *target;
    look(); /* of a launcher that appeared since, too, something may be left */
    pid_t family[MAX];
    int members = 0;
    for (int i = 0; i < count; i++)
        if (all[i].family)
            family[members++] = all[i].pid;
    bool killed = target != NULL && kill_held(&victim);

    long long begin = now_ms();
    bool left = true;
    while (left && now_ms() - begin < PATIENCE_MS) {
        pid_t pid = waitpid(-1, &reaped, WNOHANG);
        if (pid == command) {
            status = reaped;
            ended = true;
        }
        left = !(pid < 0 && errno == ECHILD);
        if (pid == 0)
            sleep_us(2000);
        if (left && !ended && !survived && now_ms() - begin > UNHARMED_MS && unharmed(command)) {
            survived = true;
            kill(command, SIGTERM);
        }
    }
    printf("{\"killed\":%s,\"name\":\"%s\",\"first\":%s,\"supervisor\":%s,\"survived\":%s,\"ended\":%s,\"status\":%d,\"family\":[",
           killed ? "true" : "false", victim.first ? "first" : victim.name, victim.first ? "true" : "false",
           victim.pid == command ? "true" : "false", survived ? "true" : "false", ended ? "true" : "false",
           !ended ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    for (int i = 0; i < members; i++)
        printf("%s%d", i > 0 ? "," : "", (int)family[i]);
    printf("],\"left\":[");
    look();
    for (int i = 0, said = 0; i < count; i++)
        if (all[i].family) {
            printf("%s\"%s %d\"", said++ > 0 ? "," : "", all[i].name, (int)all[i].pid);
            kill(all[i].pid, SIGKILL); /* our descendant, and looked at just now */
        }
    printf("]}\n");
    return 0;
}
