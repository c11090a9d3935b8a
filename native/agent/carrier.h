/* The carrier's own: the channels of both directions, which only its thread touches. What they are is in carrier.c. */
#ifndef GLOVEBOX_CARRIER_H
#define GLOVEBOX_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WINDOW (256u << 10)
#define PIECE (64u << 10)
/* far more than a host ever grants */
#define MAX_CREDIT (1u << 24)
/* of credit, in a frame */
#define NUMBER 4u

/* From the host. */
struct inward {
    int fd;           /* -1: nobody takes any more */
    bool ended;       /* nothing comes behind what is held */
    bool is_refused;  /* nobody takes any more, and the host has yet to be told */
    uint32_t granted; /* what the host may still send; with the next two, WINDOW */
    uint32_t held, owed;
    uint32_t from;
    uint8_t ring[WINDOW];
};

/* To the host. */
struct outward {
    int fd; /* -1: nothing comes any more, or nobody wants it */
    uint32_t credit;
    bool is_told; /* the host knows that this was all, or asked for no more */
};

enum { OF_CONTROL, OF_INPUT, INWARDS };
enum { FROM_CONTROL, FROM_ERRORS, FROM_OUTPUT, OUTWARDS };

extern struct inward inward[INWARDS];
extern struct outward outward[OUTWARDS];

static inline uint8_t credit_tag(uint8_t tag)
{
    return (uint8_t)(tag - 'a' + 'A');
}

/* carrier.c */
extern const uint8_t inward_tags[INWARDS], outward_tags[OUTWARDS];
void lose_host(void);

/* carrier_in.c */
void hear(int from_host);
void pour(int which);
void refuse(int which);

/* seal.c */
bool seal_is_on(void);
bool seal_has_more(void);
size_t seal(const uint8_t *bytes, size_t length);
ssize_t seal_write(int to_host);

/* carrier_out.c */
bool has_room(size_t bytes);
bool has_more_to_send(void);
void gather(int which);
void speak(int to_host);

#endif
