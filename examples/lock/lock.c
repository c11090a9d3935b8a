/*
 * A job gives up what it no longer needs: docs/lock.md.
 *
 *     gcc -Iinclude -o /tmp/lock-example examples/lock/lock.c
 *     glovebox run --policy examples/lock/policy.yaml --read examples:/in --read /tmp/lock-example:/bin-of/lock-example \
 *       -- /bin-of/lock-example /in/photo.jpg
 */
#include "glovebox/lock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

static void attempt(const char *what, int result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "worked");
}

int main(int argc, char **argv)
{
    char *nothing[] = {NULL}, byte;
    int picture = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    int error = glovebox_lock("sealed");
    if (picture < 0 || error != 0) {
        fprintf(stderr, "not locked: %s\n", strerror(error != 0 ? error : errno));
        return EXIT_FAILURE;
    }
    attempt("open", open("/etc/passwd", O_RDONLY));
    attempt("execute", execve("/bin/true", argv, nothing));
    attempt("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    attempt("remove", unlink("/tmp/x"));
    attempt("still reads", (int)read(picture, &byte, 1));
    return EXIT_SUCCESS;
}
