/* Code in the kernel, and state of it. Each call is carried out as far as it goes without changing anything. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int a_bpf_map(char **args)
{
    (void)args;
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return result(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
}

static int a_bpf_program(char **args)
{
    (void)args;
    struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr load = {
        .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
        .insn_cnt = 2,
        .insns = (uintptr_t)code,
        .license = (uintptr_t) "GPL",
    };
    return result(syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load));
}

static int a_socket_filter(char **args)
{
    (void)args;
    int pair[2];
    struct sock_filter accept[] = {{BPF_RET | BPF_K, 0, 0, 0xffff}};
    struct sock_fprog program = {1, accept};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return errno;
    return result(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

static int a_perf_event(char **args)
{
    (void)args;
    struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock, .config = PERF_COUNT_SW_CPU_CLOCK};
    return result(syscall(SYS_perf_event_open, &clock, 0, -1, -1, 0));
}

static int a_userfaultfd(char **args)
{
    return result(syscall(SYS_userfaultfd, atoi(args[0])));
}

static int a_dmesg(char **args)
{
    (void)args;
    char text[4096];
    int got = klogctl(3 /* read all */, text, sizeof text);
    if (got < 0)
        return errno;
    say(text, 40);
    return 0;
}

static int a_personality(char **args)
{
    return result(syscall(SYS_personality, strtoul(args[0], NULL, 16)));
}

const struct attempt kernel_attempts[] = {
    {"bpf-map", a_bpf_map},
    {"bpf-program", a_bpf_program},
    {"socket-filter", a_socket_filter},
    {"perf-event", a_perf_event},
    {"userfaultfd", a_userfaultfd},
    {"dmesg", a_dmesg},
    {"personality", a_personality},
    {NULL, NULL},
};
