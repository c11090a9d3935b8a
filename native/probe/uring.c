/* io_uring: the kernel makes a socket on behalf of the ring, and no filter is asked. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int a_io_uring(char **args)
{
    (void)args;
    struct io_uring_params params = {0};
    return result(syscall(SYS_io_uring_setup, 4, &params));
}

static int a_io_uring_socket(char **args)
{
    (void)args;
    struct io_uring_params p = {0};
    int ring = (int)syscall(SYS_io_uring_setup, 4, &p);
    if (ring < 0)
        return errno;
    size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    size_t other = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
    char *queues = mmap(NULL, size > other ? size : other, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    struct io_uring_sqe *entry =
        mmap(NULL, p.sq_entries * sizeof *entry, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    if (queues == MAP_FAILED || entry == MAP_FAILED || (p.features & IORING_FEAT_SINGLE_MMAP) == 0)
        return ENOSYS;
    memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_SOCKET;
    entry->fd = AF_INET;
    entry->off = SOCK_STREAM;
    *(uint32_t *)(queues + p.sq_off.array) = 0;
    __atomic_store_n((uint32_t *)(queues + p.sq_off.tail), 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
        return errno;
    int made = ((struct io_uring_cqe *)(queues + p.cq_off.cqes))->res;
    return made < 0 ? -made : 0;
}

const struct attempt uring_attempts[] = {
    {"io-uring", a_io_uring},
    {"io-uring-socket", a_io_uring_socket},
    {NULL, NULL},
};
