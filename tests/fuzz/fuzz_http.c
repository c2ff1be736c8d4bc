/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http.c - any bytes as an HTTP request: head and body.
 *
 * The verdict on a beginning of the head must not contradict the verdict on
 * the whole; a head that is read has one meaning; and a body gives the same
 * bytes and the same end however it is cut. */
#include <stdint.h>
#include <stdlib.h>

#include "body.h"
#include "buf.h"
#include "host.h"
#include "http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct pl_http_rules rules = {.takes_old = true};

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void require_inside(struct pl_span s, struct pl_span request)
{
    require(s.at == NULL || s.len == 0 ||
            (s.at >= request.at && s.at + s.len <= request.at + request.len) ||
            pl_span_equal(s, PL_SPAN("/")));
}

/* What was read has one meaning. */
static void use(const struct pl_http_head *h, struct pl_span request)
{
    struct pl_span lines = h->lines, name, value, port;
    size_t hosts = 0, lengths = 0, codings = 0;

    require_inside(h->method, request);
    require_inside(h->path, request);
    require_inside(h->query, request);
    require_inside(h->host, request);
    require(pl_http_is_token(h->method) && h->path.len > 0);
    require(h->is_old || h->host.at != NULL);
    require(!(h->has_length && h->is_chunked) && !(h->is_old && h->is_chunked));
    while (pl_http_field_next(&lines, &name, &value)) {
        require(pl_http_is_token(name) && !pl_http_has_control(value));
        hosts += pl_http_equal(name, PL_SPAN("host"));
        lengths += pl_http_equal(name, PL_SPAN("content-length"));
        codings += pl_http_equal(name, PL_SPAN("transfer-encoding"));
    }
    require(lines.len == 0 && hosts <= 1 && lengths + codings <= 1);
    require(hosts == 1 || h->is_old);
    require(lengths == h->has_length && codings == h->is_chunked);
    require(h->host.at == NULL || pl_host_split(h->host, &name, &port));
}

/* The verdict on a copy of just this size. */
static enum pl_err read_copy(struct pl_span request, struct pl_http_head *h,
                             int *status, size_t *taken)
{
    char *copy = malloc(request.len > 0 ? request.len : 1);
    struct pl_http_error error = {0};

    require(copy != NULL);
    if (request.len > 0)
        memcpy(copy, request.at, request.len);
    struct pl_span in = {copy, request.len};
    enum pl_err err = pl_http_head_read(in, &rules, h, taken, &error);
    require((err == PL_EBADMSG) == (error.text != NULL));
    if (err == PL_OK)
        use(h, in);
    *status = error.status;
    free(copy);
    return err;
}

struct outcome {
    int status;
    bool is_done;
    struct pl_buf content;
    size_t taken;
};

static struct outcome read_body(const struct pl_http_head *h,
                                struct pl_span text, size_t step)
{
    struct pl_http_body b;
    struct outcome o = {0};

    pl_http_body_begin(&b, h);
    while (o.status == 0 && o.taken < text.len && !pl_http_body_is_done(&b)) {
        size_t len = text.len - o.taken < step ? text.len - o.taken : step;
        struct pl_span in = {text.at + o.taken, len}, piece;
        struct pl_http_error error = {0};
        enum pl_err err = pl_http_body_next(&b, &in, &piece, &error);

        require(err == PL_OK || err == PL_EAGAIN || err == PL_EBADMSG);
        require(err != PL_EAGAIN || (in.len == 0 && piece.len == 0));
        if (err == PL_EBADMSG)
            o.status = error.status;
        else
            pl_buf_put_span(&o.content, piece);
        o.taken += len - in.len;
    }
    o.is_done = pl_http_body_is_done(&b);
    return o;
}

static void read_bodies(const struct pl_http_head *h, struct pl_span text)
{
    struct outcome whole = read_body(h, text, text.len + 1);
    size_t steps[] = {1, 2, 7, text.len / 3 + 1};

    require(!whole.is_done || !h->has_length || whole.content.len == h->length);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct outcome o = read_body(h, text, steps[i]);

        require(o.status == whole.status && o.is_done == whole.is_done);
        require(o.taken == whole.taken);
        require(pl_span_equal(pl_buf_span(&o.content),
                              pl_buf_span(&whole.content)));
        pl_buf_fini(&o.content);
    }
    pl_buf_fini(&whole.content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_span whole = {(const char *)data, size};
    struct pl_http_head h, other;
    size_t taken[2] = {0, 0};
    int status[2];

    enum pl_err err = read_copy(whole, &h, &status[0], &taken[0]);
    size_t step = size / 16 + 1;
    for (size_t len = 0; len < size; len += step) {
        enum pl_err early = read_copy((struct pl_span){whole.at, len}, &other,
                                      &status[1], &taken[1]);

        if (early == PL_EAGAIN)
            continue;
        require(early == err && status[1] == status[0]);
        require(taken[1] == taken[0]);
    }
    if (err != PL_OK)
        return 0;
    require(read_copy((struct pl_span){whole.at, taken[0] - 1}, &other,
                      &status[1], &taken[1]) == PL_EAGAIN);
    read_bodies(&h, (struct pl_span){whole.at + taken[0], size - taken[0]});
    return 0;
}
