/* Terminals: the caller's, and those that a job makes itself. Junk above the 32 bits that the kernel reads is CVE-2019-10063. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static int own_terminal(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
        return -1;
    setsid();
    return open(ptsname(master), O_RDWR); /* becomes the controlling one */
}

static int a_pty_type(char **args)
{
    char letter = 'x';
    int terminal = own_terminal();
    if (terminal < 0)
        return errno;
    return result(syscall(SYS_ioctl, terminal, TIOCSTI | strtoul(args[0], NULL, 16) << 32, &letter));
}

static int a_pty_discipline(char **args)
{
    int terminal = own_terminal(), discipline = atoi(args[0]);
    return terminal < 0 ? errno : result(ioctl(terminal, TIOCSETD, &discipline));
}

/* For a control: /dev/tty of a session whose terminal it made itself. */
static int a_tty_own(char **args)
{
    return own_terminal() < 0 ? errno : a_tty(args);
}

/* CVE-2005-4890 by the console: a subcode of TIOCLINUX that pastes what is selected. */
static int a_pty_paste(char **args)
{
    char paste = 3;
    int terminal = own_terminal();
    if (terminal < 0)
        return ENXIO;
    int outcome = result(syscall(SYS_ioctl, terminal, TIOCLINUX | strtoul(args[0], NULL, 16) << 32, &paste));
    return outcome == ENOTTY ? 0 : outcome; /* the terminal itself was asked, and is no console */
}

const struct attempt terminal_attempts[] = {
    {"tty", a_tty},
    {"tiocsti", a_tiocsti},
    {"pty-type", a_pty_type},
    {"pty-discipline", a_pty_discipline},
    {"tty-own", a_tty_own},
    {"pty-paste", a_pty_paste},
    {NULL, NULL},
};
