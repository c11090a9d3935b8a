#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void netlink_clear(struct netlink *to)
{
    memset(to, 0, sizeof *to);
}

/*
 * Every size here is fixed at compile time but for the ports, which lie elsewhere: too much is a mistake of ours, and what no longer
 * fits is never sent, see netlink_ask.
 */
static void *room(struct netlink *to, size_t size)
{
    size_t whole = NLMSG_ALIGN(size);
    if (whole > NETLINK_BYTES - to->used) {
        to->is_too_long = true;
        to->used = to->message = 0;
    }
    void *at = to->bytes + to->used;
    to->used += whole;
    return at;
}

static void measure(struct netlink *to)
{
    ((struct nlmsghdr *)(void *)(to->bytes + to->message))->nlmsg_len = (uint32_t)(to->used - to->message);
}

void netlink_begin(struct netlink *to, const char *name, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    if (to->count == NETLINK_MESSAGES) {
        to->is_too_long = true;
        to->count = 0;
    }
    to->message = to->used;
    struct nlmsghdr *header = room(to, sizeof *header);
    *header = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = to->count};
    memcpy(room(to, size), body, size);
    to->names[to->count++] = name;
    measure(to);
}

void netlink_put(struct netlink *to, uint16_t type, const void *value, size_t size)
{
    struct nlattr *attribute = room(to, NLA_HDRLEN + size);
    *attribute = (struct nlattr){.nla_len = (uint16_t)(NLA_HDRLEN + size), .nla_type = type};
    if (size > 0)
        memcpy((uint8_t *)attribute + NLA_HDRLEN, value, size);
    measure(to);
}

void netlink_put_raw(struct netlink *to, const void *bytes, size_t size)
{
    memcpy(room(to, size), bytes, size);
    measure(to);
}

void netlink_put_u32(struct netlink *to, uint16_t type, uint32_t value)
{
    netlink_put(to, type, &value, sizeof value);
}

void netlink_put_text(struct netlink *to, uint16_t type, const char *value)
{
    netlink_put(to, type, value, strlen(value) + 1);
}

size_t netlink_nest(struct netlink *to, uint16_t type)
{
    size_t at = to->used;
    netlink_put(to, type | NLA_F_NESTED, NULL, 0);
    return at;
}

void netlink_end(struct netlink *to, size_t nest)
{
    ((struct nlattr *)(void *)(to->bytes + nest))->nla_len = (uint16_t)(to->used - nest);
    measure(to);
}

int netlink_socket(int protocol)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

static void take_answers(const uint8_t *bytes, size_t length, const struct netlink *messages, struct netlink_answers *answers)
{
    while (length >= sizeof(struct nlmsghdr) + sizeof(int)) {
        struct nlmsghdr header;
        int error;
        memcpy(&header, bytes, sizeof header);
        memcpy(&error, bytes + sizeof header, sizeof error);
        if (header.nlmsg_len < sizeof header + sizeof error || header.nlmsg_len > length)
            return;
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_seq < messages->count) {
            if (error != 0)
                answers->errors[header.nlmsg_seq] = -error;
            else if (header.nlmsg_seq == messages->count - 1)
                answers->done = true;
        }
        size_t whole = NLMSG_ALIGN(header.nlmsg_len);
        if (whole > length)
            return;
        bytes += whole;
        length -= whole;
    }
}

/* The kernel does what it is told while we are in sendto, so its answers are there when that returns. */
bool netlink_ask(int socket, const struct netlink *messages, struct netlink_answers *answers)
{
    _Alignas(8) uint8_t bytes[NETLINK_BYTES];
    const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    memset(answers, 0, sizeof *answers);
    if (messages->is_too_long) {
        errno = ENOBUFS;
        return false;
    }
    if (sendto(socket, messages->bytes, messages->used, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
        return false;
    for (;;) {
        ssize_t got = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return true;
        if (got <= 0)
            return false;
        take_answers(bytes, (size_t)got, messages, answers);
    }
}

const char *netlink_send(int socket, struct netlink *messages)
{
    struct netlink_answers answers;
    /* the last one's answer says that all were heard */
    ((struct nlmsghdr *)(void *)(messages->bytes + messages->message))->nlmsg_flags |= NLM_F_ACK;
    if (!netlink_ask(socket, messages, &answers))
        return "netlink";
    for (uint32_t i = 0; i < messages->count; i++)
        if ((errno = answers.errors[i]) != 0)
            return messages->names[i];
    return answers.done ? NULL : "no answer";
}
