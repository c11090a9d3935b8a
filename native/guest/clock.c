/* What a machine that was saved, or just began, has in common with others: its time and its random numbers. */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void set_clock(const struct step *step)
{
    struct timespec now = {.tv_sec = (time_t)step->wide, .tv_nsec = (long)step->numbers[0]};
    if (clock_settime(CLOCK_REALTIME, &now) < 0)
        step_failed("clock", "");
}

void take_entropy(const struct step *step)
{
    struct rand_pool_info *pool = malloc(sizeof *pool + step->size);
    int device = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
    if (pool == NULL || device < 0)
        step_failed("entropy", "");
    pool->entropy_count = (int)step->size * 8;
    pool->buf_size = (int)step->size;
    memcpy(pool->buf, step->bytes, step->size);
    /* the second: at once, and not when the kernel would next look into its pool */
    if (ioctl(device, RNDADDENTROPY, pool) < 0 || ioctl(device, RNDRESEEDCRNG) < 0)
        step_failed("entropy", "");
    explicit_bzero(pool->buf, step->size);
    free(pool);
    close(device);
}
