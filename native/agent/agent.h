/*
 * agent: pid 1 of the sandbox. It is told what to start over a socket that no process of the job can reach
 * (this process is not dumpable, and the descriptor never crosses the job's exec), starts it, reaps, and exits
 * when its lifeline closes, the deadline is over or the job has ended: with pid 1 gone the kernel ends the rest.
 *
 * From the host: `w` work directory, `v` NAME=VALUE, `x` argv item, `d` folder to make, `f` u32 mode, path: a file to
 * make; `b` its bytes; `r` u32 resource, u64 soft, u64 hard; `t` u32 deadline in ms; `y` u32 rows, u32 columns: a terminal for
 * the job, after `g` its new size; `g` go; `s` u32 signal for the job; `o` a place NUL a path below it: send what is there; `q` quit.
 * To the host: `S` the command runs; `N` u32 errno: it can't be executed; `W` u32 errno: its work directory can't be entered; `E` u32 kind, u32 code, u64 CPU time in µs: it
 * ended; `T` deadline; `I` u32 errno, text: can't do what was asked; outputs: `D` folder, `F` u64 size, path, `B` bytes,
 * `X` u32 kind, path: refused, `M` nothing there, `Z` all sent.
 */
#ifndef GLOVEBOX_AGENT_H
#define GLOVEBOX_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { CONTROL = 3, JOB_STDIN = 4, JOB_STDOUT = 5, JOB_STDERR = 6 };

#define MAX_FRAME (1u << 20)
#define MAX_STRINGS 65536
#define MAX_LIMITS 16

enum refusal { REFUSE_SYMLINK = 1, REFUSE_SPECIAL, REFUSE_DEPTH, REFUSE_UNREADABLE, REFUSE_NAME };

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

/* prepare.c */
void prepare(struct job *job);

/* job.c */
pid_t job_start(const struct job *job);

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

/* collect.c */
void collect(const struct message *request);

#endif
