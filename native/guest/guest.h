/*
 * guest: pid 1 of a virtual machine that runs one job. It makes the machine ready, says so, and waits: a snapshot may be taken there.
 * It is told everything in steps, starts the agent as they say, and carries what the agent and the host say to each other until
 * either ends. It decides nothing: it does what a step says, or says which one failed and powers the machine off.
 *
 * A machine that is to be saved comes with its steps, as the file /steps of what it starts with: they are done before it says that it
 * is ready, and what every one that goes on from there must have for itself alone it is told then.
 *
 * It is root and the job is not; what the job runs in has another pid namespace and other mounts, and no descriptor of this process
 * reaches it. The port to the host is one that only root can open, and no node for it exists where the job is.
 *
 * Frames of wire.h, over the port of the name PORT_NAME. From the host:
 *   `S` all steps, frames themselves (see parse.c); once, and first
 *   `G` any number of times, where the machine came with its steps: of them those that fill what is granted to this machine alone
 *   `T` then, once: those that can't have been done before it was saved
 *   `a` bytes for the agent, at most PIECE
 *   `q` the host hangs up on the agent
 *   `u` what has the job used?
 * To the host:
 *   `r` u32 GUEST_VERSION, the kernel's release as a text: ready
 *   `p` the agent was started
 *   `a` bytes of the agent, at most PIECE
 *   `u` the numbers of `n` until now
 *   `f` text: this failed, and nothing follows
 *   `n` the end: u32 wait status of the agent, u64 CPU time in µs, u64 peak memory in bytes, u32 processes killed for want of memory,
 *       u32 refused forks, all of the job's cgroup; the rest is what the agent wrote to 2
 * The port's end is the machine's, at any moment.
 */
#ifndef GLOVEBOX_GUEST_H
#define GLOVEBOX_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../wire.h"

#define GUEST_VERSION 1u
#define PORT_NAME "glovebox.wire"
#define PIECE (64u << 10)
#define MAX_STEPS (8u << 20)
#define MAX_TEXT 4096

/* parse.c: one step, taken apart */
struct step {
    uint8_t tag;
    uint64_t wide;         /* a number of eight bytes */
    uint32_t numbers[3];
    const char *texts[4];
    const uint8_t *bytes;  /* what is left behind these */
    uint32_t size;
};
bool step_parse(const struct frame *frame, struct step *out);
/* Whether all of them are what a machine that was saved can still be told, by a frame of this tag. */
bool moment_check(uint8_t tag, const uint8_t *bytes, size_t length);
/* Whether all of them can be taken apart, and `x` is the last and only one; *cgroup: what `g` says, or NULL. */
bool steps_check(const uint8_t *bytes, size_t length, const char **cgroup);

/* boot.c: before anything of a job exists */
int boot_agent(void);      /* the descriptor of its program */
uint8_t *boot_steps(size_t *length); /* with which the machine came; NULL: it will be told */
void boot_machine(void);   /* all the mounts, and a root without what the machine came with */

/* modules.c */
void modules_load(void);

/* lock.c: what nobody in this machine can do from now on, root included */
void lock_kernel(void);

/* port.c */
void port_open(void);
int port_wait(int other, int timeout_ms); /* 1: `other` has something to say; 0: time is over */
void port_read(void *into, size_t size);
ssize_t port_take(void *into, size_t size); /* 0: nothing now */
ssize_t port_give(const void *bytes, size_t size);
void port_say(uint8_t tag, const void *bytes, size_t size);
int port_descriptor(void);
long long now_ms(void);
_Noreturn void power_off(void);
_Noreturn void fail(const char *what, const char *where); /* with errno; 0: no more is known */

/* stage.c: in the agent's own namespaces, where fail is not for this process to say */
void steps_do(const uint8_t *bytes, size_t length, int agent);
/* In the first process's own. */
void moment_do(const uint8_t *bytes, size_t length);

/* paths.c: no link is followed anywhere on the way: a root may be an attacker's */
int path_open(const char *path, int flags);
int path_parent(const char *path, const char **name); /* an open folder, and what lies in it */

/* files.c */
void make_folders(const struct step *step);
void make_file(const struct step *step);
void make_link(const struct step *step);
void make_device(const struct step *step);
void write_there(const struct step *step);
void append_there(const struct step *step);
void own_there(const struct step *step);

/* mounts.c */
void mount_there(const struct step *step);
void enter_root(const char *path);

/* clock.c */
void set_clock(const struct step *step);
void take_entropy(const struct step *step);

/* network.c */
#define NETWORK_SIZE 49u
void make_network(const struct step *step);

/* start.c */
struct started {
    pid_t pid;
    int pidfd;  /* readable when it has ended */
    int socket; /* what stands for its 0 and 1 */
    int errors; /* its 2 */
};
void agent_start(const uint8_t *steps, size_t length, int agent, struct started *out);
_Noreturn void step_failed(const char *what, const char *where);

/* relay.c: until the agent or the host hangs up */
void relay(const struct started *agent);
/* What the agent complains of, as far as it is kept; false: nothing now, or never again. */
bool hear_errors(int errors);
extern char complaints[MAX_TEXT];
extern size_t complaint_bytes;

/* end.c */
void account(const char *cgroup);
void say_used(void);
_Noreturn void end(struct started *agent);

#endif
