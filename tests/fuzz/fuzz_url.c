/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_url.c - any bytes as the URL of a server, and of a proxy.
 *
 * An error lies in the URL; what was read can be asked for, and the request
 * that a server reads then names the same host, path and query. */
#include <stdint.h>
#include <stdlib.h>

#include "handshake.h"
#include "host.h"
#include "http.h"
#include "opening.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void ask(const struct pl_url *url)
{
    struct pl_opening o = {
        .host = url->host, .path = url->path, .query = url->query};
    struct pl_http_failure why;
    struct pl_handshake h;
    struct pl_handshake_error error;
    struct pl_buf b = {0};
    size_t taken;

    require(pl_opening_write(&o, &b, &why) == PL_OK);
    require(pl_handshake_read(pl_buf_span(&b), &h, &taken, &error) == PL_OK);
    require(taken == b.len);
    require(pl_span_equal(h.host, url->host));
    require(pl_span_equal(h.path, url->path));
    require(pl_span_equal(h.query, url->query));
    require((h.query.at == NULL) == (url->query.at == NULL));
    pl_buf_fini(&b);
}

static void read_proxy(struct pl_span text)
{
    struct pl_url url;
    struct pl_url_error error = {NULL, SIZE_MAX};
    struct pl_span name, port;

    if (pl_url_read_proxy(text, &url, &error) != PL_OK) {
        require(error.text != NULL && error.at <= text.len);
        return;
    }
    require(url.port > 0 && pl_host_split(url.host, &name, &port));
    require(url.user.at == NULL || url.user.at == text.at + strlen("http://"));
    require(url.password.at == NULL || url.user.at != NULL);
    char *out = malloc(url.password.len + 1);
    require(out != NULL);
    size_t len = pl_url_decode(url.password, out);
    require(len == SIZE_MAX || len <= url.password.len);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    struct pl_url url;
    struct pl_url_error error = {NULL, SIZE_MAX};
    struct pl_span name, port;

    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    enum pl_err err = pl_url_read((struct pl_span){copy, size}, &url, &error);
    require(err == PL_OK || (err == PL_EINVAL && error.text != NULL));
    if (err == PL_OK) {
        require(size <= PL_URL_MAX && url.port > 0);
        require(pl_host_split(url.host, &name, &port));
        require(url.name.len > 0 && pl_http_is_target(url.name));
        require(memchr(copy, '@', (size_t)(url.name.at - copy)) == NULL);
        ask(&url);
    } else {
        require(error.at <= size);
    }
    read_proxy((struct pl_span){copy, size});
    free(copy);
    return 0;
}
