/* SPDX-License-Identifier: Apache-2.0 */
/* fake_stream.c - see fake_stream.h. */
#include "fake_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"

enum { GOT_MAX = 1 << 16 };

struct fake_stream *fakes;
struct pl_buf fake_got;
size_t fake_takes;
unsigned fake_dials;
char fake_ports[64];

static size_t on_write(struct plc_stream *s, struct pl_span bytes)
{
    size_t n = bytes.len < fake_takes ? bytes.len : fake_takes;

    fake_takes -= n;
    if (s == &fakes->stream)
        pl_buf_put(&fake_got, bytes.at, n);
    return n;
}

static void on_pause(struct plc_stream *s, bool is_paused)
{
    ((struct fake_stream *)s)->is_paused = is_paused;
}

static void on_finish(struct plc_stream *s)
{
    (void)s;
}

static void on_close(struct plc_stream *s)
{
    struct fake_stream **at = &fakes;

    while (&(*at)->stream != s)
        at = &(*at)->next;
    struct fake_stream *f = *at;
    *at = f->next;
    free(f);
}

static const struct plc_stream_ops stream_ops = {
    .write = on_write,
    .pause = on_pause,
    .finish = on_finish,
    .close = on_close,
};

static enum pl_err on_open(struct plc_network *n, struct plc_stream **out,
                           const struct plc_target *target,
                           const struct plc_stream_user *calls, void *user)
{
    struct fake_stream *f = calloc(1, sizeof *f);
    size_t len = strlen(fake_ports);

    (void)n;
    if (f == NULL)
        return PL_ENOMEM;
    snprintf(fake_ports + len, sizeof fake_ports - len, "%u ", target->port);
    f->stream.ops = &stream_ops;
    f->calls = calls;
    f->user = user;
    f->next = fakes;
    fakes = f;
    fake_got.len = 0;
    fake_dials++;
    *out = &f->stream;
    return PL_OK;
}

static const struct plc_network_ops network_ops = {.open = on_open};
struct plc_network fake_network = {.ops = &network_ops};

void fake_set_up(void)
{
    pl_buf_reserve(&fake_got, GOT_MAX); /* it must not fail in a test */
    fake_got.len = 0;
    fake_takes = SIZE_MAX;
    fake_dials = 0;
    fake_ports[0] = '\0';
}

void fake_tear_down(void)
{
    assert_null(fakes);
    pl_buf_fini(&fake_got);
}

void fake_open(void)
{
    assert_non_null(fakes);
    fakes->calls->opened(fakes->user);
}

void fake_respond(struct pl_buf *b, const char *more)
{
    char accept[PL_HANDSHAKE_ACCEPT_LEN + 1];

    pl_buf_put(&fake_got, "", 1);
    char *key = strstr(fake_got.data, "Sec-WebSocket-Key: ");
    assert_non_null(key);
    pl_handshake_accept_key((struct pl_span){key + 19, 24}, accept);
    fake_got.len = 0;
    pl_buf_printf(b,
                  "HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: "
                  "Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                  accept, more);
}

void fake_say(const void *bytes, size_t len)
{
    assert_non_null(fakes);
    fakes->calls->came(fakes->user, (struct pl_span){bytes, len});
}

void fake_end(bool is_clean, const char *why)
{
    assert_non_null(fakes);
    fakes->calls->ended(fakes->user, is_clean ? PL_ECLOSED : PL_EIO, is_clean,
                        why);
}
