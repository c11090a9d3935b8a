/* sha256 FILE…: of each of the first 300 beginnings of a file, and of all of it: length, and the hash by either way. */
#include "../../native/common/sha256.h"

#include <stdio.h>
#include <stdlib.h>

static void show(const uint8_t *bytes, size_t length)
{
    char quick[SHA256_HEX], slow[SHA256_HEX];
    sha256(bytes, length, quick);
    sha256_slowly(bytes, length, slow);
    printf("%zu %s %s\n", length, quick, slow);
}

int main(int argc, char **argv)
{
    static uint8_t room[4 << 20];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL)
            return 1;
        size_t length = fread(room, 1, sizeof room, file);
        fclose(file);
        for (size_t part = 0; part < 300 && part < length; part++) {
            /* of exactly that size, and at an odd address: a sanitizer sees a byte too many, or a read that wants alignment */
            uint8_t *own = malloc(part + 1);
            if (own == NULL)
                return 1;
            for (size_t at = 0; at < part; at++)
                own[1 + at] = room[at];
            show(own + 1, part);
            free(own);
        }
        show(room, length);
    }
    return 0;
}
