/*
 * What a hostile job tries, one attempt a line of output: NAME TAB ok|ERRNO TAB DETAIL. The same program runs inside
 * a sandbox and, as its control, outside. usage: probe NAME[,ARGUMENT…]…
 */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define DETAIL 16384
static char detail[DETAIL];
static size_t used;

void say(const char *text, size_t length)
{
    for (size_t i = 0; i < length && used + 1 < DETAIL; i++) {
        char byte = text[i];
        detail[used++] = byte == 0 || byte == '\n' ? ' ' : byte < 0x20 || byte == 0x7f ? '?' : byte;
    }
    detail[used] = 0;
}

void say_text(const char *text)
{
    say(text, strlen(text));
}

void say_number(long number)
{
    char text[32];
    snprintf(text, sizeof text, "%ld ", number);
    say_text(text);
}

const char *word_at(char **args, int index)
{
    for (int i = 0; i < index; i++)
        if (args[i] == NULL)
            return "";
    return args[index] != NULL ? args[index] : "";
}

int result(long value)
{
    return value < 0 ? errno : 0;
}

/* ---- files */

static int a_read(char **args)
{
    char buffer[8192];
    int fd = open(args[0], O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0 && used + 1 < DETAIL)
        say(buffer, (size_t)got);
    int error = got < 0 && used == 0 ? errno : 0;
    close(fd);
    return error;
}

static int a_list(char **args)
{
    DIR *folder = opendir(args[0]);
    if (folder == NULL)
        return errno;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            say_text(entry->d_name);
            say_text(" ");
        }
    closedir(folder);
    return 0;
}

static int a_link(char **args)
{
    char target[4096];
    ssize_t got = readlink(args[0], target, sizeof target);
    if (got < 0)
        return errno;
    say(target, (size_t)got);
    return 0;
}

static int a_there(char **args)
{
    struct stat found;
    return result(lstat(args[0], &found));
}

static int a_write(char **args)
{
    int fd = open(args[0], O_WRONLY | O_NONBLOCK);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* Really writes: for files of the kernel, where opening proves little. */
static int a_put(char **args)
{
    int fd = open(args[0], O_WRONLY);
    if (fd < 0)
        return errno;
    ssize_t done = write(fd, args[1], strlen(args[1]));
    int error = errno;
    close(fd);
    return done < 0 ? error : 0;
}

static int create_in(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/glovebox-attack-%d", folder, (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return errno;
    close(fd);
    unlink(path);
    return 0;
}

static int a_create(char **args)
{
    return create_in(args[0]);
}

/* Every folder and file that can be seen, outside the places in `skip`: which of them can be written to? */
static char **skips;
static long seen;
static int try_one(const char *path, const struct stat *found, int kind, struct FTW *where)
{
    (void)where;
    for (char **skip = skips; *skip != NULL; skip++)
        if (strncmp(path, *skip, strlen(*skip)) == 0 && (path[strlen(*skip)] == '/' || path[strlen(*skip)] == 0))
            return FTW_SKIP_SUBTREE;
    if (strncmp(path, "/proc/", 6) == 0 && path[6] >= '0' && path[6] <= '9')
        return FTW_SKIP_SUBTREE; /* its own processes: those of others are tried by number */
    seen++;
    if (kind == FTW_D ? create_in(path) == 0 : S_ISREG(found->st_mode) && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0) {
        int fd = kind == FTW_D ? 0 : open(path, O_WRONLY);
        if (fd >= 0) {
            say_text(path);
            say_text(" ");
        }
        if (fd > 0)
            close(fd);
    }
    return FTW_CONTINUE;
}

static int a_writable_below(char **args)
{
    skips = args + 1;
    if (nftw(args[0], try_one, 40, FTW_PHYS | FTW_ACTIONRETVAL) != 0)
        return errno;
    return seen > 0 ? 0 : ENOENT;
}

static int a_setuid_file(char **args)
{
    int fd = open(args[0], O_WRONLY | O_CREAT, 0700);
    if (fd < 0)
        return errno;
    int outcome = result(fchmod(fd, 04755));
    struct stat found;
    if (outcome == 0 && fstat(fd, &found) == 0 && (found.st_mode & S_ISUID) == 0)
        outcome = EPERM;
    close(fd);
    unlink(args[0]);
    return outcome;
}

static int a_device(char **args)
{
    int outcome = result(mknod(args[0], S_IFCHR | 0600, makedev(1, 1)));
    unlink(args[0]);
    return outcome;
}

/* Fills a folder; says how many MiB went in before it was full. */
static int a_fill(char **args)
{
    static char block[1 << 20];
    char path[4200];
    long total = 0, limit = atol(args[1]);
    memset(block, 1, sizeof block);
    snprintf(path, sizeof path, "%s/fill-%d", args[0], (int)getpid());
    int fd = open(path, O_WRONLY | O_CREAT, 0600), outcome = 0;
    if (fd < 0)
        return errno;
    while (total < limit << 20) {
        ssize_t done = write(fd, block, sizeof block);
        if (done < 0) {
            outcome = errno;
            break;
        }
        total += done;
    }
    say_number(total >> 20);
    close(fd);
    return outcome;
}

static int a_inodes(char **args)
{
    char path[4200];
    long limit = atol(args[1]), made = 0;
    int outcome = 0;
    for (; made < limit; made++) {
        snprintf(path, sizeof path, "%s/i%ld", args[0], made);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0) {
            outcome = errno;
            break;
        }
        close(fd);
    }
    say_number(made);
    for (long i = 0; i < made; i++) {
        snprintf(path, sizeof path, "%s/i%ld", args[0], i);
        unlink(path);
    }
    return outcome;
}

/* ---- processes */

static int a_pids(char **args)
{
    (void)args;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        return errno;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (atoi(entry->d_name) > 0)
            say_number(atoi(entry->d_name));
    closedir(folder);
    return 0;
}

static int a_signal(char **args)
{
    return result(kill(atoi(args[0]), atoi(args[1])));
}

static int a_ptrace(char **args)
{
    pid_t pid = atoi(args[0]);
    if (ptrace(PTRACE_ATTACH, pid, 0, 0) < 0)
        return errno;
    waitpid(pid, NULL, __WALL);
    ptrace(PTRACE_DETACH, pid, 0, 0);
    return 0;
}

static int a_vm_read(char **args)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {(void *)strtoul(args[1], NULL, 16), 1};
    return result(process_vm_readv(atoi(args[0]), &local, 1, &remote, 1, 0));
}

static int a_mem(char **args)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/mem", args[0]);
    int fd = open(path, O_RDWR);
    return fd < 0 ? errno : close(fd), fd < 0 ? errno : 0;
}

static int a_prlimit(char **args)
{
    struct rlimit limit;
    return result(prlimit(atoi(args[0]), RLIMIT_NOFILE, NULL, &limit));
}

static int a_pidfd_getfd(char **args)
{
    int pidfd = (int)syscall(SYS_pidfd_open, atoi(args[0]), 0);
    return pidfd < 0 ? errno : result(syscall(SYS_pidfd_getfd, pidfd, atoi(args[1]), 0));
}

static int a_renice(char **args)
{
    return result(setpriority(PRIO_PROCESS, (id_t)atoi(args[0]), 5));
}

static int a_setns(char **args)
{
    int fd = open(args[0], O_RDONLY);
    return fd < 0 ? errno : result(setns(fd, 0));
}

/* ---- what was inherited */

static int a_fds(char **args)
{
    (void)args;
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            say_number(fd);
    return 0;
}

static int a_fd_kinds(char **args)
{
    (void)args;
    for (int fd = 0; fd < 3; fd++) {
        struct stat found;
        if (fstat(fd, &found) < 0)
            return errno;
        say_text(S_ISFIFO(found.st_mode) ? "pipe " : S_ISREG(found.st_mode) ? "file " : S_ISCHR(found.st_mode) ? "device " : "other ");
    }
    return 0;
}

static int a_cwd(char **args)
{
    (void)args;
    char path[4096];
    if (getcwd(path, sizeof path) == NULL)
        return errno;
    say_text(path);
    return 0;
}

static int a_umask(char **args)
{
    (void)args;
    say_number(umask(0));
    return 0;
}

static int a_nice(char **args)
{
    (void)args;
    errno = 0;
    say_number(getpriority(PRIO_PROCESS, 0));
    return errno;
}

static int a_signals(char **args)
{
    (void)args;
    sigset_t blocked;
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = 1; number < 65; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN) {
            say_text("ignored:");
            say_number(number);
        }
        if (sigismember(&blocked, number) == 1) {
            say_text("blocked:");
            say_number(number);
        }
    }
    return 0;
}

static int a_rlimit(char **args)
{
    struct rlimit limit;
    if (getrlimit(atoi(args[0]), &limit) < 0)
        return errno;
    say_text(limit.rlim_cur == RLIM_INFINITY ? "unlimited" : "");
    if (limit.rlim_cur != RLIM_INFINITY)
        say_number((long)limit.rlim_cur);
    return 0;
}

static int a_session(char **args)
{
    (void)args;
    say_text(getsid(0) < getpid() + 3 ? "own " : "another ");
    say_number(getsid(0));
    return 0;
}

static int a_oom_score(char **args)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY);
    if (fd < 0)
        return errno;
    ssize_t done = write(fd, args[0], strlen(args[0]));
    return result(done);
}

/* ---- terminal */

static int a_tty(char **args)
{
    (void)args;
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY);
    return fd < 0 ? errno : (close(fd), 0);
}

static int a_tiocsti(char **args)
{
    char letter = 'x';
    int fd = open(args[0], O_RDWR | O_NOCTTY);
    if (fd < 0)
        return errno;
    return result(ioctl(fd, TIOCSTI, &letter));
}

/* ---- privileges */

static int a_status(char **args)
{
    char line[512];
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL)
        return errno;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, args[0], strlen(args[0])) == 0 && line[strlen(args[0])] == ':')
            say_text(line + strlen(args[0]) + 2);
    fclose(file);
    return 0;
}

static int a_ids(char **args)
{
    (void)args;
    gid_t groups[64];
    int count = getgroups(64, groups);
    say_number(geteuid());
    say_number(getegid());
    for (int i = 0; i < count; i++)
        say_number(groups[i]);
    return 0;
}

static int a_setuid(char **args)
{
    return result(setuid((uid_t)atoi(args[0])));
}

static int a_unshare(char **args)
{
    return result(unshare((int)strtol(args[0], NULL, 16)));
}

static int a_clone(char **args)
{
    long pid = syscall(SYS_clone, strtoul(args[0], NULL, 16) | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int a_clone3(char **args)
{
    struct clone_args how = {.flags = strtoull(args[0], NULL, 16), .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &how, sizeof how);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int a_mount(char **args)
{
    int outcome = result(mount("none", args[0], "tmpfs", 0, NULL));
    if (outcome == 0)
        umount2(args[0], MNT_DETACH);
    return outcome;
}

static int a_remount(char **args)
{
    return result(mount(NULL, args[0], NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int a_umount(char **args)
{
    return result(umount2(args[0], MNT_DETACH));
}

static int a_chroot(char **args)
{
    return result(chroot(args[0]));
}

static int a_keyctl(char **args)
{
    (void)args;
    return result(syscall(SYS_keyctl, 6 /* DESCRIBE */, -3 /* session */, detail, 0));
}

static int a_core(char **args)
{
    (void)args;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        abort();
    waitpid(pid, &status, 0);
    say_text(WCOREDUMP(status) ? "dumped" : "not dumped");
    return 0;
}

/* ---- network and ipc */

static int a_interfaces(char **args)
{
    (void)args;
    char line[512];
    FILE *file = fopen("/proc/net/dev", "r");
    if (file == NULL)
        return errno;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':'), *name = line + strspn(line, " ");
        if (colon == NULL)
            continue;
        *colon = 0;
        struct ifreq ask = {0};
        strncpy(ask.ifr_name, name, IFNAMSIZ - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        say_text(name);
        if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ask) < 0)
            say_text(":unknown ");
        else
            say_text(ask.ifr_flags & IFF_UP ? ":up " : ":down ");
        if (fd >= 0)
            close(fd);
    }
    fclose(file);
    return 0;
}

static int a_socket(char **args)
{
    int fd = socket(atoi(args[0]), atoi(args[1]), atoi(args[2]));
    return fd < 0 ? errno : (close(fd), 0);
}

static int a_connect(char **args)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(args[1]))};
    inet_pton(AF_INET, args[0], &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    alarm(3);
    return result(connect(fd, (struct sockaddr *)&to, sizeof to));
}

static int a_bind_loopback(char **args)
{
    (void)args;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? errno : result(bind(fd, (struct sockaddr *)&to, sizeof to));
}

/* `@name` is an abstract socket, anything else a path. */
static int a_unix(char **args)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t length = strlen(args[0]);
    if (length >= sizeof to.sun_path)
        return ENAMETOOLONG;
    memcpy(to.sun_path, args[0], length);
    bool abstract = args[0][0] == '@';
    if (abstract)
        to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return errno;
    /* Node 20 binds an abstract name as the whole field, later ones as long as it is */
    if (abstract && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return 0;
    return result(connect(fd, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)));
}

/* The pair needs no family that is refused; a datagram one can be pointed at any socket afterwards. */
static int a_unix_pair(char **args)
{
    int pair[2];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0)
        return errno;
    strncpy(to.sun_path, args[0], sizeof to.sun_path - 1);
    return result(sendto(pair[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to));
}

static int a_shm(char **args)
{
    int id = shmget((key_t)strtol(args[0], NULL, 16), 0, 0);
    if (id < 0)
        return errno;
    char *text = shmat(id, NULL, SHM_RDONLY);
    if (text == (void *)-1)
        return errno;
    say_text(text);
    return 0;
}

static int a_shm_make(char **args)
{
    int id = shmget((key_t)strtol(args[0], NULL, 16), 4096, IPC_CREAT | 0666);
    char *text = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
    if (text == (char *)-1)
        return errno;
    strcpy(text, args[1]);
    return 0;
}

static int a_shm_remove(char **args)
{
    return result(shmctl(shmget((key_t)strtol(args[0], NULL, 16), 0, 0), IPC_RMID, NULL));
}

static int a_host_name(char **args)
{
    (void)args;
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return errno;
    say_text(name);
    return 0;
}

static const struct attempt attempts[] = {
    {"read", a_read},
    {"list", a_list},
    {"link", a_link},
    {"there", a_there},
    {"write", a_write},
    {"put", a_put},
    {"create", a_create},
    {"writable-below", a_writable_below},
    {"setuid-file", a_setuid_file},
    {"device", a_device},
    {"fill", a_fill},
    {"inodes", a_inodes},
    {"pids", a_pids},
    {"signal", a_signal},
    {"ptrace", a_ptrace},
    {"vm-read", a_vm_read},
    {"mem", a_mem},
    {"prlimit", a_prlimit},
    {"pidfd-getfd", a_pidfd_getfd},
    {"renice", a_renice},
    {"setns", a_setns},
    {"fds", a_fds},
    {"fd-kinds", a_fd_kinds},
    {"cwd", a_cwd},
    {"umask", a_umask},
    {"nice", a_nice},
    {"signals", a_signals},
    {"rlimit", a_rlimit},
    {"session", a_session},
    {"oom-score", a_oom_score},
    {"tty", a_tty},
    {"tiocsti", a_tiocsti},
    {"status", a_status},
    {"ids", a_ids},
    {"setuid", a_setuid},
    {"unshare", a_unshare},
    {"clone", a_clone},
    {"clone3", a_clone3},
    {"mount", a_mount},
    {"remount", a_remount},
    {"umount", a_umount},
    {"chroot", a_chroot},
    {"keyctl", a_keyctl},
    {"core", a_core},
    {"interfaces", a_interfaces},
    {"socket", a_socket},
    {"connect", a_connect},
    {"bind-loopback", a_bind_loopback},
    {"unix", a_unix},
    {"unix-pair", a_unix_pair},
    {"shm", a_shm},
    {"shm-make", a_shm_make},
    {"shm-remove", a_shm_remove},
    {"host-name", a_host_name},
    {NULL, NULL},
};

static const struct attempt *const all_attempts[] = {attempts, call_attempts, door_attempts, mode_attempts,
    weight_attempts, number_attempts, fill_attempts, stay_attempts, plant_attempts};

static void run_one(char *spec)
{
    char *args[16] = {"", "", "", ""}, *rest = spec;
    char whole[4096];
    int count = 0;
    snprintf(whole, sizeof whole, "%s", spec);
    char *name = strsep(&rest, ",");
    while (rest != NULL && count < 14)
        args[count++] = strsep(&rest, ",");
    args[count < 4 ? (count > 0 ? count : 4) : count] = NULL;
    int outcome = ENOSYS;
    bool known = false;
    for (size_t i = 0; i < sizeof all_attempts / sizeof *all_attempts; i++)
        for (const struct attempt *each = all_attempts[i]; each->name != NULL; each++)
            if (strcmp(each->name, name) == 0) {
                known = true;
                errno = 0;
                outcome = each->make(args);
            }
    const char *word = !known ? "UNKNOWN" : outcome == 0 ? "ok" : strerrorname_np(outcome);
    printf("%s\t%s\t%s\n", whole, word != NULL ? word : "?", detail);
    fflush(stdout);
}

/* How long an attempt may hang, s: a connection that nobody answers hangs. */
#define HANG_S 8

static void say_end(const char *whole, int status, bool hung)
{
    if (!WIFSIGNALED(status))
        return;
    printf("%s\t%s%s\t\n", whole, hung ? "" : "SIG", hung ? "timeout" : sigabbrev_np(WTERMSIG(status)));
    fflush(stdout);
}

static volatile sig_atomic_t hanging;
static pid_t current;

static void on_alarm(int number)
{
    (void)number;
    hanging = 1;
    kill(current, SIGKILL);
}

/* Each in a child of its own: one that is killed for what it tries says so by its signal. */
static void run_in_child(char *spec)
{
    int status = 0;
    char whole[4096];
    snprintf(whole, sizeof whole, "%s", spec);
    fflush(stdout);
    current = fork();
    if (current < 0) { /* no process may be made: the attempt is made here, and may be the last */
        run_one(spec);
        return;
    }
    if (current == 0) {
        run_one(spec);
        _exit(0);
    }
    hanging = 0;
    alarm(HANG_S);
    while (waitpid(current, &status, 0) < 0 && errno == EINTR)
        continue;
    alarm(0);
    say_end(whole, status, hanging != 0);
}

int main(int argc, char **argv)
{
    int first = 1;
    if ((argc == 2 || argc == 3) && strncmp(argv[1], "decoy,", 6) == 0)
        return be_decoy(argv[1] + 6, argv[2]);
    if (argc > 1 && strcmp(argv[1], "--privileged") == 0) {
        first++;
        if (!become_privileged()) {
            perror("probe: a user namespace");
            return 1;
        }
    }
    signal(SIGALRM, on_alarm);
    for (int i = first; i < argc; i++)
        run_in_child(argv[i]);
    return 0;
}
