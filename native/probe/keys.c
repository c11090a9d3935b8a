/* The kernel's keyrings. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int a_keyctl(char **args)
{
    (void)args;
    return result(syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, NULL, 0));
}

static int a_add_key(char **args)
{
    (void)args;
    return result(syscall(SYS_add_key, "user", "glovebox-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int a_request_key(char **args)
{
    (void)args;
    long ring = syscall(SYS_add_key, "user", "glovebox-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING);
    long found = syscall(SYS_request_key, "user", "glovebox-attack", NULL, 0);
    return ring < 0 && errno == 0 ? EPERM : result(found);
}

static int a_join_keyring(char **args)
{
    (void)args;
    return result(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

const struct attempt keys_attempts[] = {
    {"keyctl", a_keyctl},
    {"add-key", a_add_key},
    {"request-key", a_request_key},
    {"join-keyring", a_join_keyring},
    {NULL, NULL},
};
