/* What the parts of the launcher share: the sandboxes that it started, and what became of Node. */
#ifndef GLOVEBOX_LAUNCHER_H
#define GLOVEBOX_LAUNCHER_H

#include "cell.h"
#include "datagram.h"

#include <sys/resource.h>

#define MAX_SANDBOXES 4096
#define STUCK_MS 5000 /* bubblewrap says who its child is within milliseconds, or never */

struct sandbox {
    uint32_t id; /* 0: a prepared worker with no request yet */
    uint32_t sequence;
    pid_t worker;
    int requests; /* to the worker, until it has its request */
    int errors;   /* what the worker and bubblewrap say */
    int log;      /* of refused datagrams; while `untold`, where the worker sends it; -1 */
    bool untold;  /* it has a network, and the worker has not said yet what of it Node must take */
    struct datagrams datagrams;
    int oom;      /* becomes readable when memory ran out; -1 */
    int agent;    /* pidfd of the sandbox's first process; -1 while unknown */
    bool exited, killed;
    long long killed_at; /* on now_ms' clock */
    int status;
    struct rusage usage;
    size_t text_length;
    char text[MAX_TEXT];
    struct sandbox *next;
};

/* launcher.c */
extern const struct settings *settings;
extern pid_t self;
extern struct sandbox *sandboxes;
extern int sandbox_count;
extern bool node_gone;
extern size_t handles; /* how many Node has to take of a single sandbox; SIZE_MAX: not known yet */
extern bool served;      /* told to serve one sandbox, and that one has ended */
extern bool spares_fail; /* a prepared worker died by itself: the next request is to see why */

/* how many Node is handed of each sandbox, its network aside */
size_t streams(void);

/* sandboxes.c */
long long now_ms(void);
bool want_spares(void);
struct sandbox *prepare(void);
void launch(uint32_t id, const uint8_t *body, uint32_t length);
struct sandbox *by_id(uint32_t id);
void read_errors(struct sandbox *sandbox);
void kill_sandbox(struct sandbox *sandbox);
bool kill_orphans(void);
void check_oom(struct sandbox *sandbox);

/* refusals.c */
void read_log(struct sandbox *sandbox);

/* endings.c */
void reap(void);
void report_used(struct sandbox *sandbox);
bool bury_the_dead(void);

#endif
