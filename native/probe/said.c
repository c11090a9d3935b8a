/* The detail of an attempt: bounded, one line, nothing in it that acts on a terminal or ends a line. */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DETAIL 16384
static char detail[DETAIL];
static size_t used;

void say(const char *text, size_t length)
{
    for (size_t i = 0; i < length && used + 1 < DETAIL; i++) {
        char byte = text[i];
        detail[used++] = byte == 0 || byte == '\n' ? ' ' : byte < 0x20 || byte == 0x7f ? '?' : byte;
    }
    detail[used] = 0;
}

void say_text(const char *text)
{
    say(text, strlen(text));
}

void say_number(long number)
{
    char text[32];
    snprintf(text, sizeof text, "%ld ", number);
    say_text(text);
}

const char *said(void)
{
    return detail;
}

int result(long value)
{
    return value < 0 ? errno : 0;
}
