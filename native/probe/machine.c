/* The machine: modules, kernels, swap, clocks, ports, names. What is asked for could never be done; who may ask hears why not. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

/* No image of a module or kernel: the kernel that looks at it at all says so in another word than EPERM. */
static int looked_at(long value)
{
    return value < 0 && (errno == EPERM || errno == ENOSYS) ? errno : 0;
}

static int a_module(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_init_module, "no module", 9, ""));
}

static int a_kexec(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_kexec_file_load, -1, -1, 0UL, "", 0UL));
}

static int a_reboot(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x6c6f7665, NULL));
}

static int a_swapon(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_swapon, "/no/such/file", 0));
}

static int a_set_clock(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_clock_settime, 0 /* realtime */, NULL));
}

static int a_set_host_name(char **args)
{
    (void)args;
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return errno;
    return result(sethostname(name, strlen(name)));
}


static int a_remove_module(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_delete_module, "glovebox_no_such_module", O_NONBLOCK));
}

static int a_module_file(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_finit_module, -1, "", 0));
}

static int a_set_time(char **args)
{
    (void)args;
    struct timeval wrong = {.tv_usec = -1};
    return looked_at(syscall(SYS_settimeofday, &wrong, NULL));
}

/* Asks for a change that there is none of: the kernel checks the right to it first. */
static int a_adjust_clock(char **args)
{
    (void)args;
    struct timex change = {.modes = ADJ_TICK, .tick = 1};
    return looked_at(syscall(SYS_adjtimex, &change));
}

static int a_account(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_acct, "/no/such/file"));
}

static int a_quota(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_quotactl, 0x80000800 /* Q_SYNC */ | 0xff, "/no/such/file", 0, NULL));
}

static int a_swapoff(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_swapoff, "/no/such/file"));
}

static int a_set_domain_name(char **args)
{
    (void)args;
    struct utsname names;
    if (uname(&names) < 0)
        return errno;
    return result(setdomainname(names.domainname, strlen(names.domainname)));
}

/* How its memory lies on the machine's nodes: set to what it is. */
static int a_memory_policy(char **args)
{
    (void)args;
    return result(syscall(SYS_set_mempolicy, 0 /* default */, NULL, 0));
}

#if defined(__x86_64__)
static int a_ports(char **args)
{
    (void)args;
    return result(syscall(SYS_ioperm, 0x80, 1, 1));
}

static int a_all_ports(char **args)
{
    (void)args;
    return result(syscall(SYS_iopl, 3));
}

static int a_segments(char **args)
{
    (void)args;
    char entry[16];
    return result(syscall(SYS_modify_ldt, 0, entry, sizeof entry));
}
#else
static int a_ports(char **args)
{
    (void)args;
    return ENOSYS;
}
#define a_all_ports a_ports
#define a_segments a_ports
#endif

const struct attempt machine_attempts[] = {
    {"module", a_module},
    {"kexec", a_kexec},
    {"reboot", a_reboot},
    {"swapon", a_swapon},
    {"set-clock", a_set_clock},
    {"set-host-name", a_set_host_name},
    {"remove-module", a_remove_module},
    {"module-file", a_module_file},
    {"set-time", a_set_time},
    {"adjust-clock", a_adjust_clock},
    {"account", a_account},
    {"quota", a_quota},
    {"swapoff", a_swapoff},
    {"set-domain-name", a_set_domain_name},
    {"memory-policy", a_memory_policy},
    {"ports", a_ports},
    {"all-ports", a_all_ports},
    {"segments", a_segments},
    {NULL, NULL},
};
