/*
 * Before anything of a job is here. A kernel that does not have one of these has nothing to lock there. What a job could do with
 * root's rights is locked too, as far as it stays locked for good: a bug that gives it those must not give it the kernel.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

static const struct {
    const char *name, *value;
} LOCKS[] = {
    {"kernel/modules_disabled", "1"},
    {"kernel/kexec_load_disabled", "1"},
    {"kernel/kptr_restrict", "2"},
    {"kernel/dmesg_restrict", "1"},
    {"kernel/unprivileged_bpf_disabled", "1"},
    {"kernel/perf_event_paranoid", "3"},
    {"kernel/io_uring_disabled", "2"},
    {"kernel/yama/ptrace_scope", "2"},
    {"kernel/sysrq", "0"},
    {"kernel/modprobe", "\n"},
    {"kernel/core_pattern", "core"},
    {"kernel/unprivileged_userns_clone", "0"},
    {"user/max_user_namespaces", "0"},
    {"vm/unprivileged_userfaultfd", "0"},
    {"net/core/bpf_jit_harden", "2"},
    {"fs/suid_dumpable", "0"},
    {"fs/protected_symlinks", "1"},
    {"fs/protected_hardlinks", "1"},
    {"fs/protected_fifos", "2"},
    {"fs/protected_regular", "2"},
    /* what the kernel survived once it may not survive twice: the machine ends */
    {"kernel/panic_on_oops", "1"},
    {"kernel/panic", "-1"},
};

/* The kernel's own wall between its root and itself (kernel_lockdown(7)), where it was built with it. */
static void lock_down(void)
{
    static const char place[] = "/sys/kernel/security";
    if (mount("securityfs", place, "securityfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        if (errno == ENOENT || errno == ENODEV)
            return;
        fail("mount", place);
    }
    int file = open("/sys/kernel/security/lockdown", O_WRONLY | O_CLOEXEC);
    if (file < 0 && errno != ENOENT)
        fail("lock", "lockdown");
    /* EPERM: it is as strict, by the kernel's command line */
    if (file >= 0 && write(file, "confidentiality", 15) < 0 && errno != EPERM)
        fail("lock", "lockdown");
    if (file >= 0)
        close(file);
    if (umount2(place, 0) < 0)
        fail("umount", place);
}

void lock_kernel(void)
{
    lock_down();
    for (size_t i = 0; i < sizeof LOCKS / sizeof *LOCKS; i++) {
        char path[128];
        snprintf(path, sizeof path, "/proc/sys/%s", LOCKS[i].name);
        int file = open(path, O_WRONLY | O_CLOEXEC);
        if (file < 0 && errno == ENOENT)
            continue;
        if (file < 0 || write(file, LOCKS[i].value, strlen(LOCKS[i].value)) < 0)
            fail("lock", path);
        close(file);
    }
}
