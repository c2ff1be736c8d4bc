/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - see lines.h. */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "patience.h"

enum { PIECE = 65536 };

void lines_read(struct lines *l)
{
    char *at;
    ssize_t got;

    if (l->at > 0) {
        memmove(l->buf.data, l->buf.data + l->at, l->buf.len - l->at);
        l->buf.len -= l->at;
        l->scanned -= l->at;
        l->at = 0;
    }
    at = pl_buf_reserve(&l->buf, PIECE);
    if (at == NULL) {
        l->error = ENOMEM;
        l->is_end = true;
        return;
    }
    got = read(STDIN_FILENO, at, PIECE);
    if (got > 0)
        l->buf.len += (size_t)got;
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        l->is_end = true;
    if (got < 0 && l->is_end)
        l->error = errno;
}

/* The end of the next line; NULL: it is not there yet. */
static char *find_end(struct lines *l)
{
    if (l->at == l->buf.len)
        return NULL;
    char *from = l->buf.data + l->scanned;
    char *end = memchr(from, '\n', l->buf.len - l->scanned);
    if (end != NULL)
        return end;
    l->scanned = l->buf.len;
    return l->is_end ? l->buf.data + l->buf.len : NULL;
}

bool lines_has_next(struct lines *l)
{
    char *end = find_end(l);

    if (end != NULL)
        l->scanned = (size_t)(end - l->buf.data);
    return end != NULL;
}

bool lines_next(struct lines *l, struct pl_span *line)
{
    const char *end = find_end(l);

    if (end == NULL)
        return false;
    const char *begin = l->buf.data + l->at;
    *line = (struct pl_span){begin, (size_t)(end - begin)};
    l->at += line->len + (l->at + line->len < l->buf.len);
    l->scanned = l->at;
    return true;
}

bool lines_are_done(struct lines *l)
{
    return l->is_end && l->at == l->buf.len;
}

void lines_fini(struct lines *l)
{
    pl_buf_fini(&l->buf);
}

static uint64_t due(const struct pace *p)
{
    return (uint64_t)((now_ms() - p->begun_ms) * p->rate / 1000) + 1;
}

unsigned pace_allows(struct pace *p, unsigned most)
{
    if (p->rate == 0)
        return most;
    if (p->begun_ms == 0)
        p->begun_ms = now_ms();
    uint64_t now = due(p);
    uint64_t left = now > p->sent ? now - p->sent : 0;
    return left < most ? (unsigned)left : most;
}

int64_t pace_wait_ms(const struct pace *p)
{
    if (p->rate == 0 || p->begun_ms == 0)
        return 0;
    int64_t next =
        p->begun_ms + ((int64_t)p->sent * 1000 + p->rate - 1) / p->rate;
    int64_t now = now_ms();
    return next > now ? next - now : 0;
}
