/*
 * QEMU before 8.2 opens the file of a machine's memory for writing, also where it maps it privately. What many machines are started from
 * lies where none of them may write, so that open fails: this, preloaded, asks for what is needed. A private mapping of what is
 * open for reading alone may be written to: the kernel copies each page (mmap(2), MAP_PRIVATE), and the file stays as it is.
 *
 * No library is needed: it is one system call.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

/* As src/boundary/microvm/jail.ts shows it. */
static const char memory[] = "/machine/memory";

int open64(const char *path, int flags, ...);
int __open64_2(const char *path, int flags);

static int is_memory(const char *path)
{
    size_t at = 0;
    while (memory[at] != 0 && path[at] == memory[at])
        at++;
    return memory[at] == 0 && path[at] == 0;
}

#if defined(__x86_64__)
static long openat_call(const char *path, long flags, long mode)
{
    long result;
    register long r10 __asm__("r10") = mode;
    __asm__ volatile("syscall" : "=a"(result) : "a"(257L), "D"((long)AT_FDCWD), "S"(path), "d"(flags), "r"(r10) : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static long openat_call(const char *path, long flags, long mode)
{
    register long x8 __asm__("x8") = 56, x0 __asm__("x0") = AT_FDCWD, x1 __asm__("x1") = (long)path, x2 __asm__("x2") = flags,
                  x3 __asm__("x3") = mode;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#endif

extern int *__errno_location(void);

static int opened(const char *path, int flags, long mode)
{
    if (is_memory(path))
        flags = (flags & ~(O_ACCMODE | O_CREAT)) | O_RDONLY;
    long result = openat_call(path, flags, mode);
    if (result >= 0)
        return (int)result;
    *__errno_location() = (int)-result;
    return -1;
}

int open64(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, (long)mode);
}

int __open64_2(const char *path, int flags)
{
    return opened(path, flags, 0);
}
