/* What cgroup.c and usage.c share: a sandbox's folder below one base, and the files in it. */
#ifndef GLOVEBOX_CGROUP_H
#define GLOVEBOX_CGROUP_H

#include "cell.h"

bool cgroup_is_unified(const struct cgroup_base *base);
void cgroup_folder(char *out, size_t size, const struct cgroup_base *base, pid_t launcher, uint32_t sequence);
int cgroup_write_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file,
                    const char *value);
/* How many bytes it read; 0 where there is no such file. `out` always ends with a NUL. */
size_t cgroup_read_in(const struct cgroup_base *base, pid_t launcher, uint32_t sequence, const char *file, char *out,
                      size_t size);

#endif
