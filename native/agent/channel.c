#include "agent.h"
#include "../wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* False: the host closed its end, or what it says makes no sense. Either way this sandbox is over. */
bool channel_read(struct message *message)
{
    uint8_t header[WIRE_HEADER];
    if (!wire_read(CONTROL, header, sizeof header))
        return false;
    message->tag = header[0];
    message->length = wire_u32(header + 1);
    if (message->length > MAX_FRAME)
        return false;
    message->bytes = malloc(message->length + 1);
    if (message->bytes == NULL || !wire_read(CONTROL, message->bytes, message->length))
        return false;
    message->bytes[message->length] = 0;
    return true;
}

static void write_whole(struct iovec *parts, int count)
{
    while (count > 0) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t sent = sendmsg(CONTROL, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            leave(0); /* nobody listens: the sandbox is over */
        while (count > 0 && (size_t)sent >= parts->iov_len) {
            sent -= (ssize_t)parts->iov_len;
            parts++;
            count--;
        }
        if (count > 0) {
            parts->iov_base = (char *)parts->iov_base + sent;
            parts->iov_len -= (size_t)sent;
        }
    }
}

void channel_write(uint8_t tag, const void *bytes, uint32_t length)
{
    uint8_t header[WIRE_HEADER] = {tag};
    wire_put_u32(header + 1, length);
    struct iovec parts[] = {{header, sizeof header}, {(void *)(uintptr_t)bytes, length}};
    write_whole(parts, length > 0 ? 2 : 1);
}

/* A frame of a little-endian number of 4 or 8 bytes and a text without its NUL. */
void channel_write2(uint8_t tag, uint64_t number, int number_size, const char *text)
{
    uint8_t header[WIRE_HEADER + 8] = {tag};
    size_t length = strlen(text);
    wire_put_u32(header + 1, (uint32_t)((size_t)number_size + length));
    if (number_size == 4)
        wire_put_u32(header + WIRE_HEADER, (uint32_t)number);
    else
        wire_put_u64(header + WIRE_HEADER, number);
    struct iovec parts[] = {{header, WIRE_HEADER + (size_t)number_size}, {(void *)(uintptr_t)text, length}};
    write_whole(parts, length > 0 ? 2 : 1);
}

_Noreturn void give_up(int error, const char *what)
{
    channel_write2('I', (uint64_t)error, 4, what);
    leave(1);
}
