/*
 * `--sealed`: where whoever has the agent's uid can open its streams once more, and so say in its name whatever it likes (a sentry shows
 * an engine's pipes in /proc/1/fd, dumpable or not). What is said to the host goes out in records of u32 length, bytes, and
 * 16 bytes of HMAC-SHA-256 (RFC 2104) over the record's number and both: nobody else has the key, which the host sends before all else,
 * and the agent's memory is nobody's to read. What comes from the host can only be taken away, which harms the taker's own sandbox.
 */
#include "agent.h"
#include "carrier.h"
#include "../common/sha256.h"
#include "../wire.h"

#include <string.h>
#include <unistd.h>

#define KEY 32
#define BLOCK 64
#define NUMBERED 8
#define LENGTH 4
#define TAG 16

static bool is_on;
static uint64_t number;
/* `inner` is what is hashed; of it, all but pad and number goes out. */
static struct {
    uint8_t pad[BLOCK], number[NUMBERED], length[LENGTH], bytes[PIECE + TAG];
} inner;
static struct {
    uint8_t pad[BLOCK], digest[SHA256_BYTES];
} outer;
static const uint8_t *at;
static size_t left;

bool seal_begin(int from_host)
{
    uint8_t key[KEY];
    if (!wire_read(from_host, key, sizeof key))
        return false;
    memset(inner.pad, 0x36, sizeof inner.pad);
    memset(outer.pad, 0x5c, sizeof outer.pad);
    for (size_t i = 0; i < sizeof key; i++) {
        inner.pad[i] ^= key[i];
        outer.pad[i] ^= key[i];
    }
    explicit_bzero(key, sizeof key);
    is_on = true;
    return true;
}

bool seal_is_on(void)
{
    return is_on;
}

bool seal_has_more(void)
{
    return left > 0;
}

/* As much of it as one record takes. */
size_t seal(const uint8_t *bytes, size_t length)
{
    if (length > PIECE)
        length = PIECE;
    wire_put_u64(inner.number, number++);
    wire_put_u32(inner.length, (uint32_t)length);
    memcpy(inner.bytes, bytes, length);
    sha256_raw(inner.pad, BLOCK + NUMBERED + LENGTH + length, outer.digest);
    uint8_t tag[SHA256_BYTES];
    sha256_raw(outer.pad, sizeof outer, tag);
    memcpy(inner.bytes + length, tag, TAG);
    at = inner.length;
    left = LENGTH + length + TAG;
    return length;
}

/* As write(2). */
ssize_t seal_write(int to_host)
{
    ssize_t put = write(to_host, at, left);
    if (put > 0) {
        at += put;
        left -= (size_t)put;
    }
    return put;
}
