/* What the files of the hostile program share. An attempt gives 0 for a success, or an errno. */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>

struct attempt {
    const char *name;
    int (*make)(char **args);
};

/* Each ends with a name of NULL. */
extern const struct attempt call_attempts[], door_attempts[], mode_attempts[], weight_attempts[];
extern const struct attempt number_attempts[], fill_attempts[], stay_attempts[], plant_attempts[];

/* The attempt's detail, a line of printable bytes. */
void say(const char *text, size_t length);
void say_text(const char *text);
void say_number(long number);

/* The argument, which is empty where there are not so many. */
const char *word_at(char **args, int index);

/* 0, or errno when `value` is negative. */
int result(long value);

/* open.c */
bool become_privileged(void);
int be_decoy(const char *name, const char *folder);

#endif
