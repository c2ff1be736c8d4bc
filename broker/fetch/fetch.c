/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.c - see fetch.h.
 *
 * libcurl's multi interface says which sockets and which timer it waits for;
 * they become events of the loop's reactor.  Names are looked up by a thread of
 * libcurl (Debian builds it so), and CURLOPT_QUICK_EXIT keeps the end of a
 * request from waiting for it.  libcurl decides when requests wait for a
 * connection; the number of all is bounded here.
 *
 * A server's certificate and name are always checked.  Redirects are not
 * followed: the URL in the configuration is the one that is trusted.
 *
 * Rejected: an HTTP client of our own over broker/http, because TLS with
 * verification, names, keep-alive and HTTP/2 are what libcurl maintains.
 * Rejected: the easy interface on threads of the pool: an unresponsive
 * server would hold both of them.
 *
 * Invariant: libcurl is called by this thread alone, and never from inside one
 * of its own callbacks. */
#include "fetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "buf.h"
#include "list.h"
#include "reactor.h"

struct pl_fetcher {
    struct pl_fetch_options options;
    char *ca_file; /* owned; NULL: the system's */
    CURLM *multi;
    struct event *timer;
    struct pl_list requests; /* all */
    unsigned count;          /* of them */
};

struct request {
    struct pl_list link; /* first */
    struct pl_fetcher *fetcher;
    CURL *easy;
    pl_fetch_done *done;
    void *context;
    struct pl_buf body;
    bool is_too_big;
};

/* --- Ends of requests --- */

static void free_request(struct request *r)
{
    if (r->easy != NULL) {
        curl_multi_remove_handle(r->fetcher->multi, r->easy);
        curl_easy_cleanup(r->easy);
    }
    pl_buf_fini(&r->body);
    free(r);
}

static enum pl_err error_of(const struct request *r, CURLcode code)
{
    if (r->is_too_big || code == CURLE_FILESIZE_EXCEEDED)
        return PL_ETOOBIG;
    if (r->body.failed || code == CURLE_OUT_OF_MEMORY)
        return PL_ENOMEM;
    return code == CURLE_OK                   ? PL_OK
           : code == CURLE_OPERATION_TIMEDOUT ? PL_ETIMEDOUT
                                              : PL_EIO;
}

static void finish(struct request *r, CURLcode code)
{
    struct pl_fetch_result result = {.err = error_of(r, code),
                                     .reason = curl_easy_strerror(code)};
    long status = 0;

    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    result.status = (unsigned)status;
    result.body = pl_buf_span(&r->body);
    pl_list_remove(&r->link);
    r->fetcher->count--;
    r->done(r->context, &result);
    free_request(r);
}

static void finish_done(struct pl_fetcher *f)
{
    struct CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(f->multi, &left)) != NULL) {
        struct request *r = NULL;

        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        finish(r, m->data.result);
    }
}

/* --- Events --- */

static void act(struct pl_fetcher *f, curl_socket_t fd, int what)
{
    int running;

    pl_reactor_schedule_turn(f->options.reactor);
    curl_multi_socket_action(f->multi, fd, what, &running);
    finish_done(f);
}

static void on_socket(evutil_socket_t fd, short what, void *fetcher)
{
    act(fetcher, fd,
        (what & EV_READ ? CURL_CSELECT_IN : 0) |
            (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd, short what, void *fetcher)
{
    (void)fd;
    (void)what;
    act(fetcher, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *fetcher)
{
    struct pl_fetcher *f = fetcher;
    const struct timeval after = {ms / 1000, ms % 1000 * 1000};

    (void)multi;
    if (ms < 0)
        event_del(f->timer);
    else
        event_add(f->timer, &after);
    return 0;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *fetcher,
                      void *watched)
{
    struct pl_fetcher *f = fetcher;
    struct event *event = watched;
    short wanted = EV_PERSIST;

    (void)easy;
    if (event != NULL)
        event_free(event);
    curl_multi_assign(f->multi, fd, NULL);
    if (what == CURL_POLL_REMOVE)
        return 0;
    wanted |= (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                      (what & CURL_POLL_OUT ? EV_WRITE : 0));
    event = event_new(pl_reactor_base(f->options.reactor), fd, wanted,
                      on_socket, f);
    if (event == NULL || event_add(event, NULL) != 0) {
        if (event != NULL)
            event_free(event);
        return -1; /* libcurl fails its requests */
    }
    curl_multi_assign(f->multi, fd, event);
    return 0;
}

static size_t take_body(char *at, size_t size, size_t count, void *request)
{
    struct request *r = request;
    size_t len = size * count;

    r->is_too_big = r->body.len + len > r->fetcher->options.body_max;
    if (r->is_too_big)
        return 0;
    pl_buf_put_span(&r->body, (struct pl_span){at, len});
    return r->body.failed ? 0 : len;
}

/* --- Life --- */

static enum pl_err init(struct pl_fetcher *f)
{
    struct event_base *base = pl_reactor_base(f->options.reactor);

    if (f->options.ca_file != NULL &&
        (f->ca_file = strdup(f->options.ca_file)) == NULL)
        return PL_ENOMEM;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (f->multi = curl_multi_init()) == NULL ||
        (f->timer = event_new(base, -1, 0, on_timer, f)) == NULL)
        return PL_ENOMEM;
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                      (long)f->options.connections_max);
    curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS,
                      (long)f->options.connections_max);
    return PL_OK;
}

enum pl_err pl_fetcher_create(struct pl_fetcher **out,
                              const struct pl_fetch_options *options)
{
    struct pl_fetcher *f = calloc(1, sizeof *f);

    if (f == NULL)
        return PL_ENOMEM;
    assert(options->connections_max > 0 && options->requests_max > 0);
    f->options = *options;
    pl_list_init(&f->requests);
    enum pl_err rc = init(f);
    if (rc != PL_OK) {
        pl_fetcher_destroy(f);
        return rc;
    }
    *out = f;
    return PL_OK;
}

void pl_fetcher_destroy(struct pl_fetcher *f)
{
    if (f == NULL)
        return;
    while (!pl_list_is_empty(&f->requests)) {
        struct request *r = (struct request *)f->requests.next;

        pl_list_remove(&r->link);
        free_request(r);
    }
    if (f->multi != NULL)
        curl_multi_cleanup(f->multi); /* frees the events of its sockets */
    if (f->timer != NULL)
        event_free(f->timer);
    free(f->ca_file);
    free(f);
}

static bool set_up(struct request *r, const char *url)
{
    const struct pl_fetcher *f = r->fetcher;
    CURL *c = r->easy;
    bool good =
        curl_easy_setopt(c, CURLOPT_URL, url) == CURLE_OK &&
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
        (f->ca_file == NULL ||
         curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_file) == CURLE_OK);

    curl_easy_setopt(c, CURLOPT_PRIVATE, r);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)f->options.timeout_ms);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t)f->options.body_max);
    return good;
}

enum pl_err pl_fetcher_get(struct pl_fetcher *f, const char *url,
                           pl_fetch_done *done, void *context)
{
    struct request *r;

    if (f->count >= f->options.requests_max)
        return PL_EFULL;
    if ((r = calloc(1, sizeof *r)) == NULL)
        return PL_ENOMEM;
    *r = (struct request){.fetcher = f, .done = done, .context = context};
    r->easy = curl_easy_init();
    enum pl_err rc = r->easy == NULL   ? PL_ENOMEM
                     : !set_up(r, url) ? PL_EINVAL
                                       : PL_OK;
    /* The timer of libcurl begins the work, in a callback of its own. */
    if (rc == PL_OK && curl_multi_add_handle(f->multi, r->easy) != CURLM_OK)
        rc = PL_ENOMEM;
    if (rc != PL_OK) {
        free_request(r);
        return rc;
    }
    pl_list_append(&f->requests, &r->link);
    f->count++;
    return PL_OK;
}
