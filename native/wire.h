/*
 * The one wire shape of both programs: frames of `u8 tag, u32 length (little-endian), bytes`.
 * A reader never trusts a length before checking it against what is really there.
 */
#ifndef GLOVEBOX_WIRE_H
#define GLOVEBOX_WIRE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define WIRE_HEADER 5u

struct wire {
    const uint8_t *at;
    size_t left;
};

struct frame {
    uint8_t tag;
    uint32_t length;
    const uint8_t *bytes;
};

static inline uint32_t wire_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t wire_u64(const uint8_t *bytes)
{
    return (uint64_t)wire_u32(bytes) | (uint64_t)wire_u32(bytes + 4) << 32;
}

static inline void wire_put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static inline void wire_put_u64(uint8_t *bytes, uint64_t value)
{
    wire_put_u32(bytes, (uint32_t)value);
    wire_put_u32(bytes + 4, (uint32_t)(value >> 32));
}

/* False: the other side closed, or broke off, before `size` bytes were there. */
static inline bool wire_read(int fd, void *into, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t count = read(fd, (char *)into + got, size - got);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        got += (size_t)count;
    }
    return true;
}

/* 1: a frame was taken; 0: nothing left; -1: what is left is no whole frame */
static inline int wire_next(struct wire *wire, struct frame *frame)
{
    if (wire->left == 0)
        return 0;
    if (wire->left < WIRE_HEADER)
        return -1;
    uint32_t length = wire_u32(wire->at + 1);
    if (length > wire->left - WIRE_HEADER)
        return -1;
    frame->tag = wire->at[0];
    frame->length = length;
    frame->bytes = wire->at + WIRE_HEADER;
    wire->at += WIRE_HEADER + length;
    wire->left -= WIRE_HEADER + length;
    return 1;
}

/* The frame's bytes as a C string: one NUL, at the very end. NULL when they are not. */
static inline const char *frame_string(const struct frame *frame)
{
    if (frame->length == 0 || frame->bytes[frame->length - 1] != 0)
        return NULL;
    const char *text = (const char *)frame->bytes;
    return strlen(text) == frame->length - 1 ? text : NULL;
}

#endif
