/*
 * cell: the host side of a sandbox's start. One launcher process per Glovebox waits for requests; for each
 * sandbox a worker (its child, prepared ahead) sets up what must hold before the boundary's own program runs,
 * then becomes that program. It decides nothing: it does what a request says, or fails with the step's name.
 */
#ifndef GLOVEBOX_CELL_H
#define GLOVEBOX_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_REQUEST (4u << 20)
#define MAX_CGROUPS 4
#define MAX_CGROUP_WRITES 16
#define MAX_GRANTS 64
#define MAX_PLACES 64
#define MAX_TEXT 4096
#define MAX_PORTS 1024
#define RESOLVER_PORT 53
#define LOGGED_BYTES 128 /* of a refused datagram: its headers */

/* The descriptors that the boundary's program is started with, besides 0, 1 and 2. */
enum {
    FD_CONTROL = 3, /* agent's end of the control socket */
    FD_STDIN = 4,
    FD_STDOUT = 5,
    FD_STDERR = 6,
    FD_AGENT = 7,   /* the agent's own program, executed by descriptor: nothing of it is a file inside */
    FD_FILTER = 8,  /* seccomp program */
    FD_ARGS = 9,    /* bubblewrap's arguments: kept out of argv, which every local user can read */
    FD_INFO = 10,   /* bubblewrap says its child's pid here */
    FD_HEARD = 11,  /* where that can be read: with the launcher killed, bubblewrap must not die of a pipe without a reader */
    FD_FIRST_FREE = 12,
    FD_FIRST_FREE_OCI = FD_FILTER, /* a runtime has its words in files, and is waited for by the worker itself */
};

struct cgroup_base {
    const char *kind;      /* memory, pids, cpu: cgroup v1; unified: v2; occupied: v2, with processes still in it */
    const char *directory; /* absolute, exists; sandboxes get a folder each below it */
};

struct settings {
    const char *wall;  /* the program that makes the wall: bubblewrap, or an OCI runtime */
    bool oci;          /* it is such a runtime */
    bool sentry;       /* … and stays: the job runs in it, see sentry.c */
    bool engine;       /* the wall is an engine's, whose name that is: containers run before they are requests, see container.c */
    const char *newuidmap, *newgidmap; /* shadow-utils' programs, by which an ordinary user maps a second id; NULL: root does it */
    int agent;      /* descriptor of the agent's program */
    const char *cell_sha256, *agent_sha256; /* what the two programs are to be, in hex */
    int ipc;        /* channel to Node, see ipc.c */
    struct cgroup_base cgroups[MAX_CGROUPS];
    int cgroup_count;
    bool single; /* one sandbox and no more: prepare no second worker */
};

/* The first byte of a request's grant. */
enum { GRANT_IDMAPPED = 1, GRANT_WRITABLE = 2 };
/* The first byte of its network: the job's own servers on loopback; as on a kernel without TPROXY; one hop out, see beyond.c; … by frames, see tap.c. */
enum { NETWORK_LOOPBACK = 1, NETWORK_BY_PORT = 2, NETWORK_BEYOND = 4, NETWORK_TAP = 8 };
/* The first byte of its tree: opened with root's rights, where no one else may look for it. */
enum { TREE_AS_ROOT = 1 };
/* The first byte of a mount point in the tree: a folder, a file, or what the grant of that number is. */
enum { POINT_FILE = 254, POINT_FOLDER = 255 };

#define MAX_ARGUMENTS 32

struct request {
    uint32_t id;
    bool own_uid;
    uint32_t uid_base; /* the sandbox's uid and gid are uid_base + the worker's pid: unique while it lives */
    gid_t group;       /* that a device which the sandbox is shown is for; 0: none */
    int oom_score;
    bool pinned;
    uint32_t first_cpu, cpu_count;
    const char *filter;
    size_t filter_size;
    const char *args;
    size_t args_size;
    uint64_t scratch_bytes, scratch_inodes;
    uint32_t places[MAX_PLACES]; /* mode of each scratch folder */
    int place_count;
    struct grant {
        const char *path;
        bool idmap;    /* GRANT_IDMAPPED */
        bool writable; /* GRANT_WRITABLE */
    } grants[MAX_GRANTS];
    int grant_count;
    /* of an OCI runtime: what it is told, and the ids that its container's own root has on the host: nobody runs by them */
    const char *config; /* config.json */
    size_t config_size;
    const char *argv[MAX_ARGUMENTS + 1];
    int argc;
    uint32_t second_uid, second_gid; /* with own_uid: the worker's pid above them */
    uint32_t third_uid, third_gid;   /* likewise, of a runtime that stays; 0: none */
    const char *tree;  /* the root is this folder; NULL: bubblewrap makes one, and a runtime has the sandbox's own layer alone */
    bool tree_as_root; /* TREE_AS_ROOT */
    struct {
        bool wanted;
        bool loopback; /* NETWORK_LOOPBACK */
        bool by_port;  /* NETWORK_BY_PORT */
        bool beyond;   /* NETWORK_BEYOND, NETWORK_TAP */
        bool tap;      /* NETWORK_TAP */
        uint8_t resolver[4];
        uint16_t ports[MAX_PORTS]; /* which rules name: all there is without TPROXY */
        int port_count;
    } network;
    uint32_t owner;        /* of its scratch folders: as whom the job runs */
    pid_t first;           /* of a container that an engine has started: its first process, and its id */
    const char *container;
    pid_t gofer; /* who opens files, where that is a sentry; 0: it is none */
    struct wire_files {
        const uint8_t *at;
        size_t left;
    } body; /* the whole request, for the items that are applied in order (cgroup writes, own files) */
};

/* request.c */
bool request_parse(const uint8_t *bytes, size_t length, struct request *out);
/* Whether a grant is to be shown under another owner, which takes root's rights. */
bool request_idmaps(const struct request *request);
/* Whether path is absolute and canonical: no empty step, no `.`, no `..`. */
bool request_canonical(const char *path);
/* Whether one that was not parsed yet asks for a network. */
bool request_networks(const uint8_t *bytes, size_t length);

/* integrity.c */
bool integrity_holds(const struct settings *settings);

/* ipc.c */
bool send_whole(int socket, const void *bytes, size_t length, int handle);
bool ipc_send(int ipc, const char *line, int handle);

/* cgroup.c */
int cgroup_make(const struct settings *settings, pid_t launcher, uint32_t sequence);
pid_t cgroup_fork(const struct settings *settings, pid_t launcher, uint32_t sequence, bool *joined);
int cgroup_join(const struct settings *settings, pid_t launcher, uint32_t sequence);
int cgroup_remove(const struct settings *settings, pid_t launcher, uint32_t sequence);
void cgroup_kill(const struct settings *settings, pid_t launcher, uint32_t sequence);
void cgroup_release(const struct settings *settings, pid_t launcher);
void cgroup_sweep(const struct settings *settings);

/* cgroup_limits.c */
struct cgroup_writes {
    struct {
        int file;
        const char *name, *value;
    } each[MAX_CGROUP_WRITES];
    int count;
};
void cgroup_open_limits(const struct settings *settings, pid_t launcher, uint32_t sequence, const struct request *request,
                        struct cgroup_writes *out);
void cgroup_set_limits(struct cgroup_writes *writes);

/* usage.c */
struct cgroup_usage {
    uint64_t peak_memory; /* bytes; 0: unknown */
    uint64_t cpu_us;      /* of everything that ever ran in there; 0: unknown */
    uint64_t oom_kills;
    uint64_t fork_refusals; /* how often the limit on processes was hit */
};
void cgroup_read(const struct settings *settings, pid_t launcher, uint32_t sequence, struct cgroup_usage *usage);
int cgroup_watch_oom(const struct settings *settings, pid_t launcher, uint32_t sequence);

/* stage.c: mounts that exist before the boundary's program starts, on a file system of the worker's own */
#define STAGE "/sys"
void stage_as_root(const struct request *request);
void stage_in_namespace(const struct settings *settings, const struct request *request, bool staged);

/* tree.c: a layer of the sandbox's own; the root where it is a folder of the host's is below it, a runtime may have nothing else */
#define TREE STAGE "/r"
#define TREE_OWN STAGE "/o"
#define TREE_ROOT STAGE "/t"
bool tree_layered(const struct request *request);
void tree_own(const struct settings *settings, const struct request *request);
void tree_nested(const struct request *request);
void tree_mount(const struct settings *settings);

/* inherit.c */
void inherit_nothing(void);

/* worker.c */
_Noreturn void worker_main(const struct settings *settings, pid_t launcher, uint32_t sequence, int requests, int heard,
                           bool joined);
_Noreturn void fail(const char *step, const char *detail);
void write_own(const char *step, const char *path, const char *text);
struct channels {
    int inside[4], outside[4]; /* control, stdin, stdout, stderr */
};
void channels_hand_over(const struct settings *settings, uint32_t id, const struct channels *channels);
void place_descriptors(const int sources[], const int targets[], int count, unsigned first_free);
/* `more`: members of the message besides, each with a comma before it */
void hand_over(int ipc, uint32_t id, const char *end, const char *more, int handle);

/* devices.c */
#define DEVICES STAGE "/d"
void devices_stage(void);

/* oci.c: where the wall is made by an OCI runtime */
#define BUNDLE STAGE "/b"
#define WHOLE_PROC STAGE "/p"
struct mapper {
    pid_t pid; /* writes the maps of the worker's user namespace from outside of it */
    int go;
};
void oci_start_mapper(const struct settings *settings, const struct request *request, struct mapper *mapper);
void oci_map(struct mapper *mapper);
void oci_bundle(const struct settings *settings, const struct request *request);
_Noreturn void oci_run(const struct settings *settings, const struct request *request, const struct channels *channels,
                       struct cgroup_writes *limits);

/* sentry.c: … and such a runtime is the wall */
/* The first process's program, in the sandbox's own layer. */
void sentry_agent(int agent);
_Noreturn void sentry_run(const struct settings *settings, const struct request *request, struct cgroup_writes *limits);

/* container.c: where the wall is an engine's */
int hold_process(const struct request *request, pid_t pid);
_Noreturn void container_hold(const struct settings *settings, const struct request *request, pid_t launcher, int requests);

/* container_mounts.c: `held`: of its first process */
void container_mounts(const struct request *request, int held);

/*
 * container_paths.c: in a container's mount namespace, no path leading through a link. `find`, and `below` another root than the namespace's:
 * -1 with errno where there is nothing; `open` and the others fail. `uncover`: takes away all that is mounted there, however often.
 */
int container_find(const char *path);
int container_below(int root, const char *path);
int container_open(const char *path);
void container_point(const char *path, bool folder);
void container_uncover(const char *path);

/* gofer_mounts.c: in place of these, where the first process is a sentry */
void gofer_mounts(const struct request *request);

/*
 * network.c: in the worker's own namespaces, the network's being another one afterwards where it is one hop out: a new one, or that of the
 * process `job` holds (-1: none); `launcher`: where the launcher hears of it
 */
void network_make(const struct settings *settings, const struct request *request, int launcher, int job);

/* launcher.c */
int launcher_main(const struct settings *settings);

/* terminal.c: another program of its own; it shares nothing with the rest */
int terminal_main(void);

#endif
