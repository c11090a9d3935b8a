/* Other ways to the same: another ABI's numbers, terminals of the job's own, watches and locks on the host's files, descriptors. */
#define _GNU_SOURCE
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- another ABI. Numbers of i386: 20 getpid, 102 socketcall, 359 socket, 21 mount */

#if defined(__x86_64__)
static int as_errno(long value)
{
    return value < 0 && value > -4096 ? (int)-value : 0;
}

static long int80(long number, uintptr_t a, uintptr_t b, uintptr_t c)
{
    int answer; /* the kernel sets the low half */
    __asm__ volatile("int $0x80" : "=a"(answer) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return answer;
}

static int d_int80(char **args)
{
    return as_errno(int80(atol(args[0]), 0, 0, 0));
}

static int d_int80_socket(char **args)
{
    return as_errno(int80(359, (uintptr_t)atoi(args[0]), SOCK_STREAM, 0));
}

/* socketcall's arguments lie in memory, where no filter looks; i386's pointers have 32 bits. */
static int d_int80_socketcall(char **args)
{
    uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return errno;
    low[0] = (uint32_t)atoi(args[0]);
    low[1] = SOCK_STREAM;
    return as_errno(int80(102, 1 /* SYS_SOCKET */, (uintptr_t)low, 0));
}

static int d_x32(char **args)
{
    return result(syscall(0x40000000L + atol(args[0]), 0, 0, 0));
}
#else
static int d_int80(char **args)
{
    (void)args;
    return ENOSYS;
}
#define d_int80_socket d_int80
#define d_int80_socketcall d_int80
#define d_x32 d_int80
#endif

/* ---- a terminal that the job makes itself; junk above the 32 bits that the kernel reads is CVE-2019-10063 */

static int own_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    setsid();
    return open(ptsname(master), O_RDWR); /* becomes the controlling one */
}

static int d_pty_type(char **args)
{
    char letter = 'x';
    int terminal = own_terminal();
    if (terminal < 0)
        return errno;
    return result(syscall(SYS_ioctl, terminal, TIOCSTI | strtoul(args[0], NULL, 16) << 32, &letter));
}

static int d_pty_discipline(char **args)
{
    int terminal = own_terminal(), discipline = atoi(args[0]);
    return terminal < 0 ? errno : result(ioctl(terminal, TIOCSETD, &discipline));
}

/* ---- the host's files: who opens them, and who waits for them */

/* Another process opens the path: was it seen? */
static int d_watch(char **args)
{
    char events[4096];
    int watch = inotify_init1(IN_NONBLOCK);
    if (watch < 0 || inotify_add_watch(watch, args[0], IN_OPEN | IN_ACCESS) < 0)
        return errno;
    if (fork() == 0) {
        int fd = open(args[0], O_RDONLY);
        _exit(fd < 0);
    }
    wait(NULL);
    return read(watch, events, sizeof events) > 0 ? 0 : ENOMSG;
}

static int d_notify(char **args)
{
    int folder = open(args[0], O_RDONLY | O_DIRECTORY);
    signal(SIGIO, SIG_IGN); /* what it tells by, and what would end this */
    return folder < 0 ? errno : result(fcntl(folder, F_NOTIFY, 1 /* DN_ACCESS */));
}

static int d_lease(char **args)
{
    int fd = open(args[0], O_RDONLY);
    return fd < 0 ? errno : result(fcntl(fd, F_SETLEASE, F_RDLCK));
}

static int d_hard_link(char **args)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/hard-link-%d", args[1], (int)getpid());
    int outcome = result(link(args[0], path));
    unlink(path);
    return outcome;
}

/* By a descriptor, as for a file that has no name here. */
static int d_hard_link_fd(char **args)
{
    char path[4200], name[64];
    int fd = open(args[0], O_PATH);
    if (fd < 0)
        return errno;
    snprintf(path, sizeof path, "%s/hard-link-%d", args[1], (int)getpid());
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int outcome = result(linkat(AT_FDCWD, name, AT_FDCWD, path, AT_SYMLINK_FOLLOW));
    unlink(path);
    return outcome;
}

/* Up from the working directory, and from every descriptor's: a root in which `/` has an outside shows it by other names. */
static int d_climb(char **args)
{
    struct stat here, root;
    if (chdir(args[0]) < 0)
        return errno;
    for (int step = 0; step < 64; step++)
        if (chdir("..") < 0)
            return errno;
    if (stat(".", &here) < 0 || stat("/", &root) < 0)
        return errno;
    return here.st_dev == root.st_dev && here.st_ino == root.st_ino ? EXDEV : 0;
}

/* ---- descriptors */

/* Frames of the agent's protocol: the job ended with 0, all outputs sent. */
static const char forged[] = "E\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0Z\0\0\0\0";

static int forge_on(int fd)
{
    return write(fd, forged, sizeof forged - 1) > 0;
}

/* A descriptor, or `everywhere`: says which of its own and of those in /proc took them; standard output and error aside. */
static int d_forge(char **args)
{
    int taken = 0;
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(args[0], "everywhere") != 0) /* on a host that would be somebody's file */
        return forge_on(atoi(args[0])) ? 0 : errno;
    for (int fd = 0; fd < 1024; fd++)
        if (fd != STDOUT_FILENO && fd != STDERR_FILENO && forge_on(fd)) {
            say_number(fd);
            taken++;
        }
    char folder[64], path[400];
    for (int pid = 1; pid < 64; pid++) {
        snprintf(folder, sizeof folder, "/proc/%d/fd", pid);
        DIR *found = opendir(folder);
        for (struct dirent *entry; found != NULL && (entry = readdir(found)) != NULL;) {
            if (atoi(entry->d_name) < 3)
                continue;
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            int fd = open(path, O_WRONLY | O_NONBLOCK);
            if (fd >= 0 && forge_on(fd)) {
                say_text(path);
                taken++;
            }
        }
    }
    return taken > 0 ? 0 : EBADF;
}

static int d_chdir(char **args)
{
    return result(chdir(args[0]));
}

/* CVE-2019-5736's last step: a program that has just ended is opened for writing by a name that was kept. */
static int d_overwrite(char **args)
{
    char name[64];
    int kept = open(args[0], O_PATH);
    if (kept < 0)
        return errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", kept);
    int fd = open(name, O_WRONLY);
    return fd < 0 ? errno : result(write(fd, "", 0));
}

static int d_domain_name(char **args)
{
    (void)args;
    struct utsname names;
    if (uname(&names) < 0)
        return errno;
    say_text(names.domainname);
    return 0;
}

/* A lock that belongs to a file, not to a process, and so has no pid that a namespace could hide. */
static int d_file_lock(char **args)
{
    struct flock lock = {.l_type = F_RDLCK};
    int fd = open(args[0], O_RDONLY);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
        return errno;
    char line[256];
    FILE *locks = fopen("/proc/locks", "r");
    if (locks == NULL)
        return errno;
    while (fgets(line, sizeof line, locks) != NULL)
        if (strstr(line, "OFDLCK") != NULL)
            return 0;
    return ENOENT;
}

const struct attempt door_attempts[] = {
    {"int80", d_int80},
    {"int80-socket", d_int80_socket},
    {"int80-socketcall", d_int80_socketcall},
    {"x32", d_x32},
    {"pty-type", d_pty_type},
    {"pty-discipline", d_pty_discipline},
    {"watch", d_watch},
    {"notify", d_notify},
    {"lease", d_lease},
    {"hard-link", d_hard_link},
    {"hard-link-fd", d_hard_link_fd},
    {"climb", d_climb},
    {"forge", d_forge},
    {"chdir", d_chdir},
    {"overwrite", d_overwrite},
    {"domain-name", d_domain_name},
    {"file-lock", d_file_lock},
    {NULL, NULL},
};
