/* SHA-256 of bytes: as 32 bytes, and in hex with a NUL. */
#ifndef GLOVEBOX_SHA256_H
#define GLOVEBOX_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX 65

void sha256_raw(const uint8_t *bytes, size_t length, uint8_t raw[SHA256_BYTES]);
void sha256(const uint8_t *bytes, size_t length, char hex[SHA256_HEX]);

/* The same without the processor's own instructions, so that both ways can be tested anywhere. */
void sha256_slowly(const uint8_t *bytes, size_t length, char hex[SHA256_HEX]);

#endif
