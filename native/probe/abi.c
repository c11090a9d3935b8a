/* Another ABI's numbers. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Numbers of i386: 20 getpid, 102 socketcall, 359 socket, 21 mount */

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

static int a_int80(char **args)
{
    return as_errno(int80(atol(args[0]), 0, 0, 0));
}

static int a_int80_socket(char **args)
{
    return as_errno(int80(359, (uintptr_t)atoi(args[0]), SOCK_STREAM, 0));
}

/* socketcall's arguments lie in memory, where no filter looks; i386's pointers have 32 bits. */
static int a_int80_socketcall(char **args)
{
    uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return errno;
    low[0] = (uint32_t)atoi(args[0]);
    low[1] = SOCK_STREAM;
    return as_errno(int80(102, 1 /* SYS_SOCKET */, (uintptr_t)low, 0));
}

static int a_x32(char **args)
{
    return result(syscall(0x40000000L + atol(args[0]), 0, 0, 0));
}
#else
static int a_int80(char **args)
{
    (void)args;
    return ENOSYS;
}
#define a_int80_socket a_int80
#define a_int80_socketcall a_int80
#define a_x32 a_int80
#endif

const struct attempt abi_attempts[] = {
    {"int80", a_int80},
    {"int80-socket", a_int80_socket},
    {"int80-socketcall", a_int80_socketcall},
    {"x32", a_x32},
    {NULL, NULL},
};
