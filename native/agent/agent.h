/*
 * agent: pid 1 of the sandbox. It is told what to start over a socket that no process of the job can reach
 * (this process is not dumpable, and the descriptor never crosses the job's exec), starts it, reaps, and exits
 * when its lifeline closes, the deadline is over or the job has ended: with pid 1 gone the kernel ends the rest.
 * It finds that socket and the job's three pipes at the descriptors below; `--carried`, where none can be passed, at 0 and 1
 * the streams that carry all four (carrier.c).
 *
 * From the host: `w` work directory, `v` NAME=VALUE, `x` argv item, `d` folder to make, `f` u32 mode, path: a file to
 * make; `b` its bytes; `r` u32 resource, u64 soft, u64 hard; `t` u32 deadline in ms; `p` u32 Landlock rights, path: a place;
 * `a` u32: the least ABI of Landlock that was promised; `c` u32 enum security_module, a profile or context for the job;
 * `h` the sandbox's filter, where no program before this one set it, `k` the gate, `j` the job's own filter, struct sock_filter[] all; `l` u32 1: one
 * exec all the same, line: what the job says to lock itself; `y` u32 rows,
 * u32 columns: a terminal for the job, after `g` its new size; `g` go;
 * `s` u32 signal for the job; `o` a place NUL a path below it: send what is there, also before a command; `q` quit.
 * `R`, before a command: this socket carries the job's streams as well from now on, as with `--carried`; then several commands can run one after
 * another. `n` u32 1: without objects of System V, u32 mode and NUL-terminated path of each folder that is to be empty: the last one is over, another comes. `e`: how did it go with
 * the files so far?
 * To the host: `S` u32 the ABI of Landlock that holds it, or 0: the command runs; `N` u32 errno: it can't be executed; `W` u32 errno: its work directory can't be entered;
 * `U` u32 errno, text: it can't be put behind this wall; `E` u32 kind, u32 code, u64 CPU time in µs: it
 * ended; `T` deadline; `I` u32 errno, text: can't do what was asked; `R`: ready for another command; outputs: `D` folder, `F` u64 size, path, `B` bytes,
 * `X` u32 kind, path: refused, `M` nothing there, `Z` all sent.
 */
#ifndef GLOVEBOX_AGENT_H
#define GLOVEBOX_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct seccomp_notif;

enum { CONTROL = 3, JOB_STDIN = 4, JOB_STDOUT = 5, JOB_STDERR = 6 };

/* Where the job finds its end of the lock's line, see GLOVEBOX_LOCK_FD. */
enum { JOB_LOCK = 3 };

#define MAX_FRAME (1u << 20)
#define MAX_STRINGS 65536
#define MAX_LIMITS 16
#define MAX_PLACES 1024

enum refusal { REFUSE_SYMLINK = 1, REFUSE_SPECIAL, REFUSE_DEPTH, REFUSE_UNREADABLE, REFUSE_NAME };

enum security_module { APPARMOR = 1, SELINUX };

/* What Landlock lets the job do beneath a path. */
struct place {
    const char *path;
    uint32_t rights;
};

/* A filter, struct sock_filter[]. */
struct program {
    const uint8_t *bytes;
    uint32_t length;
};

struct job {
    const char *workdir;
    char **argv, **envp;
    int argc, envc;
    struct {
        int resource;
        struct rlimit limit;
    } limits[MAX_LIMITS];
    int limit_count;
    uint32_t deadline_ms;
    struct place *places;
    int place_count;
    enum security_module label_of;
    const char *label; /* a profile of AppArmor, a context of SELinux; NULL: none */
    uint32_t landlock_least;
    struct program first, gate, filter;
    const char *lock_line; /* what the job says to lock itself; NULL: it can't */
    bool lock_one_exec;
    uint8_t **kept; /* what the rest of this points into */
    int kept_count;
};

/* The job's lock while it runs. */
struct lock {
    int listener;       /* asks about the calls that the lock takes away; -1: it is closed */
    int line;           /* the job's wish comes here; -1: it is closed */
    const char *wanted; /* the line that locks */
    bool one_exec;      /* nothing is executed after the first program, locked or not */
    size_t length;
    char said[64];
};

/* channel.c */
struct message {
    uint8_t tag;
    uint32_t length;
    uint8_t *bytes; /* NUL-terminated behind its end */
};
bool channel_read(struct message *message);
void channel_write(uint8_t tag, const void *bytes, uint32_t length);
void channel_write2(uint8_t tag, uint64_t number, int number_size, const char *text);
_Noreturn void give_up(int error, const char *what);

/* carry.c */
bool carry_begin(void);
void carry_over_control(void);
void carry_again(void);
/* seal.c: reads the key */
bool seal_begin(int from_host);
_Noreturn void leave(int status);

/* carrier.c */
struct carrier_ends {
    int from_host, to_host, control, renewals;
    int input, output, errors; /* of the job that comes */
};
void *carrier(void *given);
void carrier_status(int wanted);

/* prepare.c */
void prepare(struct job *job);
void job_forget(struct job *job);

/* files.c */
int files_root(void);
int files_step(int parent, const char *name);
int files_descend(int fd, char *path, char **name);
int files_folder(char *path);
int files_open(char *path, mode_t mode);

/* empty.c */
void empty_for_another(const struct message *request);

/* descriptors.c */
int close_on_exec(void);

/* job.c */
pid_t job_start(const struct job *job, struct lock *lock);

/* wall.c */
uint32_t wall_abi(void);
int wall_build(const struct job *job, const char **about);
int wall_confine(const struct job *job, const char **about);

/* gate.c */
int gate_install(const struct program *program, int channel);
int filter_install(const struct program *program);
int gate_receive(int channel, void *bytes, size_t size, ssize_t *got);
bool gate_ask(int listener, struct seccomp_notif *question);
bool gate_first_exec(int listener, int channel, pid_t first, struct seccomp_notif *left);

/* lock.c */
void lock_hear(struct lock *lock);
void lock_reply(struct lock *lock, const struct seccomp_notif *question);
void lock_answer(struct lock *lock, bool has_question);
void lock_end(struct lock *lock);

/* terminal.c; all of it does nothing where the job has none */
enum { TERMINAL_ENDS = 3 };
struct pollfd;
void terminal_wanted(const struct message *message);
void terminal_resize(const struct message *message);
bool terminal_exists(void);
int terminal_take(void);
void terminal_watch(struct pollfd *watched);
void terminal_carry(const struct pollfd *watched);
void terminal_drain(bool patient);
void terminal_end(void);

/* collect.c */
void collect(const struct message *request);

#endif
