/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_http_response.c - any bytes as the response of a server, and of a proxy
 * that is asked for a tunnel.
 *
 * The verdict on a beginning must not contradict the verdict on the whole, and
 * what was read must lie in the response and have one meaning. */
#include <stdint.h>
#include <stdlib.h>

#include "http.h"
#include "tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static bool is_inside(struct pl_span s, struct pl_span whole)
{
    return s.len == 0 ||
           (s.at >= whole.at && s.at + s.len <= whole.at + whole.len);
}

static void use(const struct pl_http_response *r, struct pl_span whole)
{
    struct pl_span lines = r->lines, name, value, first;
    struct pl_http_failure why;
    size_t fields = 0;

    require(is_inside(r->reason, whole) && is_inside(lines, whole));
    require(r->status == 101 || (r->status >= 200 && r->status <= 999));
    require(!pl_http_has_control(r->reason));
    while (pl_http_field_next(&lines, &name, &value)) {
        require(++fields <= PL_HTTP_FIELDS_MAX);
        require(pl_http_is_token(name) && !pl_http_has_control(value));
        require(pl_http_response_find(r, name, &first) >= 1);
    }
    require(lines.len == 0);
    pl_http_response_deny(r, "text", &why);
    require(is_inside(why.what, r->reason));
    require(why.what.len <= PL_HTTP_EXCERPT_MAX);
}

struct verdict {
    enum pl_err read, tunnel;
    size_t taken;
    const char *text;
};

/* The verdicts on a copy of just this size. */
static struct verdict judge(struct pl_span response)
{
    char *copy = malloc(response.len > 0 ? response.len : 1);
    struct pl_http_response r;
    struct pl_http_failure why = {0};
    struct verdict v = {0};

    require(copy != NULL);
    if (response.len > 0)
        memcpy(copy, response.at, response.len);
    struct pl_span in = {copy, response.len};
    v.read = pl_http_response_read(in, &r, &v.taken, &why);
    require((v.read == PL_EBADMSG) == (why.text != NULL));
    v.text = why.text;
    if (v.read == PL_OK)
        use(&r, in);
    why.text = NULL;
    v.tunnel = pl_tunnel_read(in, &why);
    require((v.tunnel == PL_OK || v.tunnel == PL_EAGAIN) == (why.text == NULL));
    require((v.tunnel == PL_EAGAIN) == (v.read == PL_EAGAIN));
    require(v.tunnel != PL_OK || v.taken == in.len);
    free(copy);
    return v;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_span whole = {(const char *)data, size};
    struct verdict v = judge(whole);

    require(v.taken <= size && v.taken <= PL_HTTP_HEAD_MAX);
    size_t step = size / 16 + 1;
    for (size_t len = 0; len < size; len += step) {
        struct verdict early = judge((struct pl_span){whole.at, len});

        if (early.read == PL_EAGAIN)
            continue;
        require(early.read == v.read && early.taken == v.taken);
        require(early.text == v.text);
    }
    require(v.read != PL_OK ||
            judge((struct pl_span){whole.at, v.taken - 1}).read == PL_EAGAIN);
    return 0;
}
