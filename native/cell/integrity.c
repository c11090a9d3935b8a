/*
 * Are this program and the agent those that Glovebox was built with? An installation that is damaged, half written or of
 * another version is to be noticed before a job starts. It is no wall: who can write to these files can change what they
 * are compared with, too.
 */
#include "cell.h"
#include "../common/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is(int file, const char *name, const char *expected)
{
    struct stat found;
    char hash[SHA256_HEX];
    uint8_t *bytes = MAP_FAILED;
    if (fstat(file, &found) == 0 && found.st_size > 0)
        bytes = mmap(NULL, (size_t)found.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "cell: integrity: %s: %d: %s\n", name, errno, strerror(errno));
        return false;
    }
    sha256(bytes, (size_t)found.st_size, hash);
    munmap(bytes, (size_t)found.st_size);
    if (strcmp(hash, expected) == 0)
        return true;
    fprintf(stderr, "cell: integrity: %s: 0: its SHA-256 is %s, and %s is expected\n", name, hash, expected);
    return false;
}

/* The agent: not its file but the sealed copy, so what was checked is what every sandbox starts with. */
bool integrity_holds(const struct settings *settings)
{
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool holds = is(self, "cell", settings->cell_sha256) && is(settings->agent, "agent", settings->agent_sha256);
    if (self >= 0)
        close(self);
    return holds;
}
