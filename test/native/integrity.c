/* integrity CELL-SHA256 AGENT AGENT-SHA256: exit code 0 when this program and that file are what the hashes say. */
#include "../../native/cell/cell.h"

#include <fcntl.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct settings settings = {.cell_sha256 = argv[1], .agent = open(argv[2], O_RDONLY), .agent_sha256 = argv[3]};
    return integrity_holds(&settings) ? 0 : 1;
}
