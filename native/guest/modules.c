/* /modules: NUMBER-NAME.ko, in the order of their names; a machine has what its kernel does not have built in. */
#include "guest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES "/modules"

static int is_module(const struct dirent *each)
{
    return each->d_name[0] != '.';
}

static void load(int folder, const char *name)
{
    size_t length = strlen(name);
    bool plain = length > 3 && strcmp(name + length - 3, ".ko") == 0;
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        fail("open module", name);
    /* there by itself, or for another's sake: as good */
    if (syscall(SYS_finit_module, file, "", plain ? 0 : MODULE_INIT_COMPRESSED_FILE) < 0 && errno != EEXIST)
        fail("load module", name);
    close(file);
}

void modules_load(void)
{
    struct dirent **found;
    int folder = open(MODULES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 && errno == ENOENT)
        return;
    int count = folder < 0 ? -1 : scandir(MODULES, &found, is_module, alphasort);
    if (count < 0)
        fail("list", MODULES);
    for (int i = 0; i < count; i++) {
        load(folder, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    close(folder);
}
