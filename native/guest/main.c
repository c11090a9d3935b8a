#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

static void say_ready(void)
{
    uint8_t text[4 + sizeof(((struct utsname *)0)->release)];
    struct utsname kernel;
    if (uname(&kernel) < 0)
        fail("uname", "");
    size_t length = strlen(kernel.release) + 1;
    wire_put_u32(text, GUEST_VERSION);
    memcpy(text + 4, kernel.release, length);
    port_say('r', text, 4 + length);
}

/* A frame of one of these tags. A snapshot is taken while this waits for the first. */
static uint8_t *hear_steps(const char *tags, uint8_t *tag, size_t *length)
{
    uint8_t header[WIRE_HEADER];
    port_read(header, sizeof header);
    *length = wire_u32(header + 1);
    errno = EBADMSG;
    *tag = header[0];
    if (*tag == 0 || strchr(tags, *tag) == NULL || *length > MAX_STEPS)
        fail("frame", "");
    uint8_t *steps = malloc(*length + 1);
    if (steps == NULL)
        fail("steps", "");
    port_read(steps, *length);
    return steps;
}

/* The kernel gives the first process /dev/console where it has one, and else nothing: nothing else must get these numbers. */
static void cover_streams(void)
{
    int fd;
    while ((fd = open("/", O_PATH)) >= 0 && fd <= 2)
        continue;
    close(fd);
}

/* @return the cgroup that the agent is in, or NULL */
static const char *start(const uint8_t *steps, size_t length, int program, struct started *agent)
{
    const char *cgroup;
    errno = EBADMSG;
    if (!steps_check(steps, length, &cgroup))
        fail("steps", "");
    agent_start(steps, length, program, agent);
    return cgroup;
}

/* What a machine that goes on where it was saved can't have known: all of it is this process's to do. */
static void take_moment(void)
{
    size_t length;
    uint8_t tag = 'G';
    while (tag == 'G') {
        uint8_t *steps = hear_steps("GT", &tag, &length);
        errno = EBADMSG;
        if (!moment_check(tag, steps, length))
            fail("moment", "");
        moment_do(steps, length);
        free(steps);
    }
}

int main(void)
{
    struct started agent;
    const char *cgroup;
    size_t length;
    uint8_t tag;
    if (getpid() != 1 || getppid() != 0) {
        static const char only[] = "guest: runs only as the first process of a virtual machine\n";
        (void)!write(2, only, sizeof only - 1);
        return 2;
    }
    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        power_off();
    cover_streams();
    int program = boot_agent();
    uint8_t *steps = boot_steps(&length);
    boot_machine();
    port_open();
    lock_kernel();
    if (steps == NULL) {
        say_ready();
        steps = hear_steps("S", &tag, &length);
        cgroup = start(steps, length, program, &agent);
    } else {
        cgroup = start(steps, length, program, &agent);
        say_ready();
        take_moment();
    }
    port_say('p', "", 0);
    account(cgroup);
    relay(&agent);
    end(&agent);
}
