/*
 * The same filter made by libseccomp, for comparison.
 *   reference ARCH DEFAULT [runc|runc-1.2] < rules > program      ARCH x64 or arm64; DEFAULT and ACTION "allow", "kill" or an errno
 * A rule is "NAME ACTION COUNT" and COUNT times "ARGUMENT MASK VALUE": the masked argument equals the value. With "runc" the
 * library is called as runc calls it (libcontainer/seccomp/seccomp_linux.go): all of a value is compared by another operator,
 * what can't be said exactly is approximated, and a call by another ABI gets the library's own answer. From 1.2 on runc asks for
 * a binary tree of the calls.
 * A name that this libseccomp doesn't know is printed to stderr and left out.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t action(const char *text)
{
    if (strcmp(text, "allow") == 0)
        return SCMP_ACT_ALLOW;
    if (strcmp(text, "kill") == 0)
        return SCMP_ACT_KILL_PROCESS;
    return SCMP_ACT_ERRNO(atoi(text));
}

int main(int argc, char **argv)
{
    int as_runc = argc == 4 && strncmp(argv[3], "runc", 4) == 0;
    if (argc != 3 && !as_runc)
        return 2;
    uint32_t arch = strcmp(argv[1], "arm64") == 0 ? SCMP_ARCH_AARCH64 : SCMP_ARCH_X86_64;
    scmp_filter_ctx context = seccomp_init(action(argv[2]));
    if (!context || (!as_runc && seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) < 0))
        return 1;
    if (arch != seccomp_arch_native() &&
        (seccomp_arch_add(context, arch) < 0 || seccomp_arch_remove(context, seccomp_arch_native()) < 0))
        return 1;
    if (as_runc && strcmp(argv[3], "runc-1.2") == 0 && seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
        return 1;
    char name[64], what[16];
    unsigned count;
    while (scanf("%63s %15s %u", name, what, &count) == 3 && count <= 6) {
        struct scmp_arg_cmp compare[6];
        for (unsigned i = 0; i < count; i++) {
            unsigned argument;
            unsigned long mask, value;
            if (scanf("%u %lu %lu", &argument, &mask, &value) != 3)
                return 2;
            compare[i] = as_runc && mask == ~0UL ? SCMP_CMP(argument, SCMP_CMP_EQ, value)
                                                 : SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, mask, value);
        }
        /* this machine's number, or a stand-in for it: libseccomp translates it to ARCH by the name */
        int number = seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR) {
            fprintf(stderr, "%s\n", name);
            continue;
        }
        int result = as_runc ? seccomp_rule_add_array(context, action(what), number, count, compare)
                             : seccomp_rule_add_exact_array(context, action(what), number, count, compare);
        if (result < 0) {
            fprintf(stderr, "rule for %s: %s\n", name, strerror(-result));
            return 1;
        }
    }
    return seccomp_export_bpf(context, STDOUT_FILENO) < 0 ? 1 : 0;
}
