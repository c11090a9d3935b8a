/* What the files of the hostile program share. An attempt gives 0 for a success, or an errno. */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct attempt {
    const char *name;
    /* sixteen words; those that were not given are empty, and the last is NULL */
    int (*make)(char **args);
};

/* Each ends with a name of NULL. */
extern const struct attempt
    abi_attempts[], amounts_attempts[], connection_attempts[], datagram_attempts[], descriptors_attempts[],
    exec_attempts[], files_attempts[], fill_attempts[], filter_attempts[], handles_attempts[], inherited_attempts[],
    ipc_attempts[], kernel_attempts[], keys_attempts[], lock_attempts[], machine_attempts[], mode_attempts[],
    mounts_attempts[], names_attempts[], network_attempts[], number_attempts[], pidfds_attempts[], plant_attempts[],
    privileges_attempts[], processes_attempts[], search_attempts[], sockets_attempts[], stay_attempts[], talk_attempts[], terminal_attempts[],
    uring_attempts[], watching_attempts[], weight_attempts[], writable_attempts[];

/* said.c: the attempt's detail, a line of printable bytes. */
void say(const char *text, size_t length);
void say_text(const char *text);
void say_number(long number);
const char *said(void);

/* 0, or errno when `value` is negative. */
int result(long value);

/* processes.c: of a number or of `parent`. */
pid_t pid_of(const char *text);

/* files.c: makes a file in the folder, and removes it. */
int create_in(const char *folder);

/* main.c: the words of the attempt that is made now, for a program that takes its place. */
const char *current_words(void);
#define THERE "--there" /* its argument: it says that those words came off, and is gone */

/* exec.c: returns only when it failed; errno says why. */
void execute_itself(void);

/* decoy.c */
int be_decoy(const char *name, const char *folder);

/* open.c */
bool become_privileged(void);
bool become_careless(void);

#endif
