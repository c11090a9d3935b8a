/* System calls that lead out of a sandbox, or to a part of the kernel with a history. Each is carried out as far as it goes. */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- other processes. `parent` is this program's own, of the same uid and with the same memory layout */

static char target = 'x';

static pid_t pid_of(const char *text)
{
    return strcmp(text, "parent") == 0 ? getppid() : atoi(text);
}

static int c_peek(char **args)
{
    char byte;
    struct iovec local = {&byte, 1}, remote = {&target, 1};
    return result(process_vm_readv(pid_of(args[0]), &local, 1, &remote, 1, 0));
}

static int c_poke(char **args)
{
    struct iovec local = {&target, 1}, remote = {&target, 1};
    return result(process_vm_writev(pid_of(args[0]), &local, 1, &remote, 1, 0));
}

static int c_seize(char **args)
{
    pid_t pid = pid_of(args[0]);
    int outcome = result(ptrace(PTRACE_SEIZE, pid, 0, 0));
    return outcome; /* a tracer that exits lets go */
}

static int c_traceme(char **args)
{
    (void)args;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(result(ptrace(PTRACE_TRACEME, 0, 0, 0)));
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

static int c_kcmp(char **args)
{
    return result(syscall(SYS_kcmp, getpid(), pid_of(args[0]), KCMP_VM, 0, 0));
}

static int with_pidfd(const char *pid, int (*use)(int pidfd, long how), long how)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid_of(pid), 0);
    return pidfd < 0 ? errno : use(pidfd, how);
}

static int steal(int pidfd, long fd)
{
    return result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
}

static int c_steal_fd(char **args)
{
    return with_pidfd(args[0], steal, atol(args[1]));
}

static int join_by_pidfd(int pidfd, long flags)
{
    return result(setns(pidfd, (int)flags));
}

static int c_setns_pidfd(char **args)
{
    return with_pidfd(args[0], join_by_pidfd, strtol(args[1], NULL, 16));
}

static int advise(int pidfd, long advice)
{
    struct iovec range = {(void *)((uintptr_t)&target & ~4095UL), 4096};
    return result(syscall(SYS_process_madvise, pidfd, &range, 1, advice, 0));
}

static int c_process_madvise(char **args)
{
    return with_pidfd(args[0], advise, MADV_COLD);
}

/* ---- keyrings */

static int c_add_key(char **args)
{
    (void)args;
    return result(syscall(SYS_add_key, "user", "glovebox-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int c_request_key(char **args)
{
    (void)args;
    long ring = syscall(SYS_add_key, "user", "glovebox-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING);
    long found = syscall(SYS_request_key, "user", "glovebox-attack", NULL, 0);
    return ring < 0 && errno == 0 ? EPERM : result(found);
}

static int c_join_keyring(char **args)
{
    (void)args;
    return result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

/* ---- mounts by the newer calls */

static int c_fs_mount(char **args)
{
    int fs = (int)syscall(SYS_fsopen, "tmpfs", 0);
    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return errno;
    int tree = (int)syscall(SYS_fsmount, fs, 0, 0);
    if (tree < 0 || syscall(SYS_move_mount, tree, "", AT_FDCWD, args[0], MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return errno;
    umount2(args[0], MNT_DETACH);
    return 0;
}

static int c_open_tree(char **args)
{
    return result(syscall(SYS_open_tree, AT_FDCWD, args[0], OPEN_TREE_CLONE));
}

/* Changes nothing, but only for who may change mounts. */
static int c_mount_setattr(char **args)
{
    struct mount_attr none = {0};
    return result(syscall(SYS_mount_setattr, AT_FDCWD, args[0], 0, &none, sizeof none));
}

static int c_fspick(char **args)
{
    return result(syscall(SYS_fspick, AT_FDCWD, args[0], 0));
}

/* ---- code in the kernel */

static int c_bpf_map(char **args)
{
    (void)args;
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
    return result(syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
}

static int c_bpf_program(char **args)
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

static int c_socket_filter(char **args)
{
    (void)args;
    int pair[2];
    struct sock_filter accept[] = {{BPF_RET | BPF_K, 0, 0, 0xffff}};
    struct sock_fprog program = {1, accept};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return errno;
    return result(setsockopt(pair[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
}

static int c_perf_event(char **args)
{
    (void)args;
    struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock, .config = PERF_COUNT_SW_CPU_CLOCK};
    return result(syscall(SYS_perf_event_open, &clock, 0, -1, -1, 0));
}

static int c_userfaultfd(char **args)
{
    return result(syscall(SYS_userfaultfd, atoi(args[0])));
}

/* No image of a module or kernel: the kernel that looks at it at all says so in another word than EPERM. */
static int looked_at(long value)
{
    return value < 0 && (errno == EPERM || errno == ENOSYS) ? errno : 0;
}

static int c_module(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_init_module, "no module", 9, ""));
}

static int c_kexec(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_kexec_file_load, -1, -1, 0UL, "", 0UL));
}

static int c_reboot(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x6c6f7665, NULL));
}

static int c_swapon(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_swapon, "/no/such/file", 0));
}

static int c_set_clock(char **args)
{
    (void)args;
    return looked_at(syscall(SYS_clock_settime, 0 /* realtime */, NULL));
}

static int c_dmesg(char **args)
{
    (void)args;
    char text[4096];
    int got = klogctl(3 /* read all */, text, sizeof text);
    if (got < 0)
        return errno;
    say(text, 40);
    return 0;
}

static int c_set_host_name(char **args)
{
    (void)args;
    char name[256];
    if (gethostname(name, sizeof name) < 0)
        return errno;
    return result(sethostname(name, strlen(name)));
}

/* ---- files by another name */

static int c_file_handle(char **args)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } named = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount_id, folder = open(args[0], O_RDONLY | O_DIRECTORY);
    if (folder < 0 || name_to_handle_at(AT_FDCWD, args[0], &named.handle, &mount_id, 0) < 0)
        return errno;
    return result(open_by_handle_at(folder, &named.handle, O_RDONLY));
}

/* CVE-2014-5077's way ("shocker"): a handle that was guessed, the root of most file systems, by a descriptor that is shown. */
static int c_guessed_handle(char **args)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + 8];
    } root = {.handle = {.handle_bytes = 8, .handle_type = 1}};
    uint32_t inode = 2;
    int folder = open(args[0], O_RDONLY | O_DIRECTORY);
    memcpy(root.handle.f_handle, &inode, sizeof inode);
    return folder < 0 ? errno : result(open_by_handle_at(folder, &root.handle, O_RDONLY | O_DIRECTORY));
}

/* ---- io_uring: the kernel makes a socket on behalf of the ring, and no filter is asked */

static int c_io_uring(char **args)
{
    (void)args;
    struct io_uring_params params = {0};
    return result(syscall(SYS_io_uring_setup, 4, &params));
}

static int c_io_uring_socket(char **args)
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

static int c_personality(char **args)
{
    return result(syscall(SYS_personality, strtoul(args[0], NULL, 16)));
}

const struct attempt call_attempts[] = {
    {"peek", c_peek},
    {"poke", c_poke},
    {"seize", c_seize},
    {"traceme", c_traceme},
    {"kcmp", c_kcmp},
    {"steal-fd", c_steal_fd},
    {"setns-pidfd", c_setns_pidfd},
    {"process-madvise", c_process_madvise},
    {"add-key", c_add_key},
    {"request-key", c_request_key},
    {"join-keyring", c_join_keyring},
    {"fs-mount", c_fs_mount},
    {"open-tree", c_open_tree},
    {"mount-setattr", c_mount_setattr},
    {"fspick", c_fspick},
    {"bpf-map", c_bpf_map},
    {"bpf-program", c_bpf_program},
    {"socket-filter", c_socket_filter},
    {"perf-event", c_perf_event},
    {"userfaultfd", c_userfaultfd},
    {"module", c_module},
    {"kexec", c_kexec},
    {"reboot", c_reboot},
    {"swapon", c_swapon},
    {"set-clock", c_set_clock},
    {"dmesg", c_dmesg},
    {"set-host-name", c_set_host_name},
    {"file-handle", c_file_handle},
    {"guessed-handle", c_guessed_handle},
    {"io-uring", c_io_uring},
    {"io-uring-socket", c_io_uring_socket},
    {"personality", c_personality},
    {NULL, NULL},
};
