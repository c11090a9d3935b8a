/*
 * WALL("id"): whether a mechanism (src/boundary/answers/mechanisms.ts) is in force. In what ships that is the constant true: there
 * is no way to leave anything off, and nothing of the ids is in the programs. A build with GLOVEBOX_MUTABLE, which only tests
 * make (`npm run build -- mutable`), is told what to leave off, to show that a probe notices.
 */
#ifndef GLOVEBOX_WALLS_H
#define GLOVEBOX_WALLS_H

#include <stdbool.h>

#ifdef GLOVEBOX_MUTABLE
/* native/mutable/walls.c */
bool wall_stands(const char *id);
extern const char *walls_without; /* ids with commas between */
#define WALL(id) wall_stands(id)
#else
#define WALL(id) true
#endif

#endif
