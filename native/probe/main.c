/*
 * What a hostile job tries, one attempt a line of output: NAME TAB ok|ERRNO TAB DETAIL. The same program runs inside
 * a sandbox and, as its control, outside. It needs nothing of where it runs: no shell, no library, no file.
 * usage: probe [--bound] [--privileged | --careless] NAME[,ARGUMENT…]…   --bound: it ends with who started it
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long an attempt may hang, s: a connection that nobody answers hangs. */
#define HANG_S 8
/* Of what is meant to stay, to be talked to, or to look everywhere: longer than anybody waits for its end, else it would seem to have been. */
#define STAY_S 30
#define WORDS 16
#define MAX_SPEC 8192

static const struct attempt *const all_attempts[] = {
    abi_attempts, amounts_attempts, connection_attempts, datagram_attempts, descriptors_attempts, exec_attempts,
    files_attempts, fill_attempts, filter_attempts, handles_attempts, inherited_attempts, ipc_attempts, kernel_attempts,
    keys_attempts, lock_attempts, machine_attempts, mode_attempts, mounts_attempts, names_attempts, network_attempts,
    number_attempts, pidfds_attempts, plant_attempts, privileges_attempts, processes_attempts, search_attempts,
    sockets_attempts, stay_attempts, talk_attempts, terminal_attempts, uring_attempts, watching_attempts, weight_attempts, writable_attempts,
};

static const struct attempt *attempt_named(const char *name)
{
    for (size_t i = 0; i < sizeof all_attempts / sizeof *all_attempts; i++)
        for (const struct attempt *each = all_attempts[i]; each->name != NULL; each++)
            if (strcmp(each->name, name) == 0)
                return each;
    return NULL;
}

static char whole[MAX_SPEC];

const char *current_words(void)
{
    return whole;
}

static void tell(const char *word, const char *detail)
{
    printf("%s\t%s\t%s\n", whole, word, detail);
    fflush(stdout);
}

static void run_one(char *spec)
{
    char empty[] = "", *args[WORDS], *rest = spec;
    for (int i = 0; i < WORDS; i++)
        args[i] = i + 1 < WORDS ? empty : NULL;
    char *name = strsep(&rest, ",");
    for (int i = 0; rest != NULL && i + 1 < WORDS; i++)
        args[i] = strsep(&rest, ",");
    const struct attempt *attempt = attempt_named(name);
    if (attempt == NULL) {
        tell("UNKNOWN", "");
        return;
    }
    errno = 0;
    int outcome = attempt->make(args);
    const char *word = outcome == 0 ? "ok" : strerrorname_np(outcome);
    tell(word != NULL ? word : "EUNKNOWN", said());
}

/* A control that goes on when nobody waits for it any more would fill the folder of decoys that is being removed. */
static bool bound;

static void end_with_parent(void)
{
    if (bound)
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static bool takes_long(void)
{
    return strncmp(whole, "stay,", 5) == 0 || strncmp(whole, "search-", 7) == 0 || strcmp(whole, "talk") == 0;
}

static volatile sig_atomic_t hanging;
static pid_t current;

static void on_alarm(int number)
{
    (void)number;
    hanging = 1;
    kill(current, SIGKILL);
}

static void tell_end(int status)
{
    char word[40];
    const char *name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    if (!WIFSIGNALED(status))
        return;
    snprintf(word, sizeof word, "SIG%s", name != NULL ? name : "RT");
    tell(hanging != 0 ? "timeout" : word, "");
}

/* Each in a child of its own: one that is killed for what it tries says so by its signal. False: none can be made. */
static bool run_in_child(char *spec)
{
    int status = 0;
    current = fork();
    if (current < 0)
        return false;
    if (current == 0) {
        end_with_parent();
        run_one(spec);
        _exit(0);
    }
    hanging = 0;
    alarm(takes_long() ? STAY_S : HANG_S);
    while (waitpid(current, &status, 0) < 0 && errno == EINTR)
        continue;
    alarm(0);
    tell_end(status);
    return true;
}

static int prepared(const char *word, bool (*become)(void), const char *what)
{
    if (strcmp(word, what) != 0)
        return 0;
    if (become())
        return 1;
    perror(what);
    return -1;
}

int main(int argc, char **argv)
{
    /* no memory is asked for where a filter may refuse it by then */
    static char buffer[MAX_SPEC + 32768];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if ((argc == 2 || argc == 3) && strncmp(argv[1], "decoy,", 6) == 0)
        return be_decoy(argv[1] + 6, argv[2]);
    if (argc == 3 && strcmp(argv[1], THERE) == 0) {
        snprintf(whole, sizeof whole, "%s", argv[2]);
        tell("ok", "");
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--bound") == 0) {
        bound = true;
        argv++;
        argc--;
    }
    int privileged = argc > 1 ? prepared(argv[1], become_privileged, "--privileged") : 0;
    int careless = argc > 1 ? prepared(argv[1], become_careless, "--careless") : 0;
    if (privileged < 0 || careless < 0)
        return 1;
    end_with_parent(); /* after the last change of rights, which clears it */
    signal(SIGALRM, on_alarm);
    for (int i = privileged + careless > 0 ? 2 : 1; i < argc; i++) {
        snprintf(whole, sizeof whole, "%s", argv[i]);
        if (!run_in_child(argv[i])) {
            run_one(argv[i]); /* it may be the last: whoever asked makes the others elsewhere */
            break;
        }
    }
    return 0;
}
