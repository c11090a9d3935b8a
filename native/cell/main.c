#include "cell.h"
#include "../walls.h"
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u
#endif

static int usage(void)
{
    fprintf(stderr, "usage: cell [--single] --cell-sha256 HEX --agent-sha256 HEX --agent PATH\n"
                    "            --bwrap PATH | --oci PATH | --sentry PATH [--newuidmap PATH --newgidmap PATH] | --engine NAME\n"
                    "            [--cgroup KIND:DIRECTORY]…\n"
                    "       cell --terminal\n"
                    "       cell --world PORTS PROGRAM ARGUMENT…\n"
                    "Started by Glovebox with its requests on standard input and Node's channel on NODE_CHANNEL_FD.\n");
    return 2;
}

static bool take_cgroup(struct settings *settings, char *value)
{
    char *colon = strchr(value, ':');
    if (colon == NULL || colon[1] != '/' || settings->cgroup_count == MAX_CGROUPS || strlen(colon) > 3000)
        return false;
    *colon = 0;
    settings->cgroups[settings->cgroup_count++] = (struct cgroup_base){.kind = value, .directory = colon + 1};
    return true;
}

/*
 * A sealed copy in memory: the agent that runs inside has no name in any file system, and nobody can write to
 * what later sandboxes start with. Where the kernel forbids executable memory files, the file itself serves.
 */
static int load_agent(const char *path)
{
    struct stat found;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &found) < 0)
        return -1;
    int copy = memfd_create("agent", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (copy < 0 && errno == EINVAL)
        copy = memfd_create("agent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (copy < 0)
        return file;
    for (off_t done = 0; done < found.st_size;)
        if (sendfile(copy, file, &done, (size_t)(found.st_size - done)) <= 0)
            return -1;
    close(file);
    if (fchmod(copy, 0555) < 0 || fcntl(copy, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        return -1;
    return copy;
}

static bool is_wall(const char *option)
{
    return strcmp(option, "--bwrap") == 0 || strcmp(option, "--oci") == 0 || strcmp(option, "--sentry") == 0 ||
           strcmp(option, "--engine") == 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--terminal") == 0)
        return terminal_main();
    if (argc > 3 && strcmp(argv[1], "--world") == 0)
        return world_main(argc, argv);
    struct settings settings = {.agent = -1, .ipc = -1};
    const char *agent = NULL, *channel = getenv("NODE_CHANNEL_FD");
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--single") == 0) {
            settings.single = true;
            i--;
            continue;
        }
        if (i + 1 == argc)
            return usage();
        if (strcmp(argv[i], "--agent") == 0)
            agent = argv[i + 1];
        else if (settings.wall == NULL && is_wall(argv[i])) {
            settings.wall = argv[i + 1];
            settings.sentry = strcmp(argv[i], "--sentry") == 0;
            settings.oci = settings.sentry || strcmp(argv[i], "--oci") == 0;
            settings.engine = strcmp(argv[i], "--engine") == 0;
        } else if (strcmp(argv[i], "--newuidmap") == 0)
            settings.newuidmap = argv[i + 1];
        else if (strcmp(argv[i], "--newgidmap") == 0)
            settings.newgidmap = argv[i + 1];
        else if (strcmp(argv[i], "--cell-sha256") == 0)
            settings.cell_sha256 = argv[i + 1];
        else if (strcmp(argv[i], "--agent-sha256") == 0)
            settings.agent_sha256 = argv[i + 1];
#ifdef GLOVEBOX_MUTABLE
        else if (strcmp(argv[i], "--without") == 0)
            walls_without = argv[i + 1];
#endif
        else if (strcmp(argv[i], "--cgroup") != 0 || !take_cgroup(&settings, argv[i + 1]))
            return usage();
    }
    if (agent == NULL || settings.wall == NULL || channel == NULL || settings.cell_sha256 == NULL ||
        settings.agent_sha256 == NULL)
        return usage();
    umask(0);
    settings.ipc = fcntl(atoi(channel), F_DUPFD_CLOEXEC, 20);
    if (settings.ipc < 0)
        return usage();
    close(atoi(channel));
    settings.agent = load_agent(agent);
    if (settings.agent < 0) {
        fprintf(stderr, "cell: agent: %s: %d: %s\n", agent, errno, strerror(errno));
        return 1;
    }
    return launcher_main(&settings);
}
