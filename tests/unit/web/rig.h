/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - an HTTP server on a loop with a driven clock, transports that the
 * test reads and stalls, and a site:
 *   /now      answers at once with the body of the request, or "nothing"
 *   /later    is answered by the test
 *   /stream   is a stream that the test goes on with
 *   /no       is refused with 401 at its head
 *   others    404 at their head
 * Key: "X-Key: yes" admits a stranger. */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buf.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "sim.h"
#include "system.h"
#include "web.h"

enum { TIMEOUT_MS = 10000, BODY_MAX = 1 << 20, STREAM_MAX = 4096 };

#define REQUEST(line, fields) line " HTTP/1.1\r\nHost: x\r\n" fields "\r\n"
#define KEYED(line, fields) REQUEST(line, "X-Key: yes\r\n" fields)

struct rig {
    struct pl_sim *sim;
    struct pl_web *web;
    struct pl_metrics metrics;
    struct pl_web_party party;  /* of the newest /later or /stream */
    struct pl_web_conn *served; /* the newest of these */
    unsigned judged, calls, gone, drained;
    struct pl_buf body; /* of the newest request served */
};

/* What a transport knows of its connection. */
struct link {
    struct peer *peer;
};

/* The other end. */
struct peer {
    struct rig *rig;
    struct pl_web_conn *conn; /* NULL: closed */
    struct pl_buf heard;
    size_t space; /* bytes that the kernel takes */
    bool is_paused, is_ending;
};

static inline struct peer *peer_of(struct pl_web_conn *c)
{
    return ((struct link *)pl_web_transport(c))->peer;
}

static inline void peer_lose(struct peer *p)
{
    struct pl_web_conn *c = p->conn;

    p->conn = NULL;
    if (c != NULL)
        pl_web_gone(c);
}

static inline void take_output(struct pl_web_conn *c)
{
    struct peer *p = peer_of(c);
    struct pl_span out;

    while (p->conn != NULL && p->space > 0 &&
           (out = pl_web_output(c)).len > 0) {
        size_t n = out.len < p->space ? out.len : p->space;

        pl_buf_put(&p->heard, out.at, n);
        p->space -= n;
        pl_web_sent(c, n);
    }
}

static inline void pause_input(struct pl_web_conn *c)
{
    peer_of(c)->is_paused = true;
}

static inline void resume_input(struct pl_web_conn *c)
{
    peer_of(c)->is_paused = false;
}

static inline void end_link(struct pl_web_conn *c, bool at_once)
{
    if (at_once)
        peer_lose(peer_of(c));
    else
        peer_of(c)->is_ending = true;
}

static inline void free_link(struct pl_web_conn *c)
{
    (void)c;
}

static const struct pl_web_transport_ops link_ops = {
    take_output, pause_input, resume_input, end_link, free_link};

/* --- The site --- */

static inline void site_reply(struct pl_web_conn *c, struct pl_span body)
{
    pl_web_reply(c, &(struct pl_web_answer){
                        .status = 200, .type = "text/plain", .body = body});
}

static inline bool has_key(const struct pl_http_head *head)
{
    struct pl_span lines = head->lines, name, value;

    while (pl_http_field_next(&lines, &name, &value))
        if (pl_http_equal(name, PL_SPAN("X-Key")) &&
            pl_span_equal(value, PL_SPAN("yes")))
            return true;
    return false;
}

static inline void site_judge(void *arg, struct pl_web_conn *c,
                              const struct pl_http_head *head)
{
    static const char *const known[] = {"/now", "/later", "/stream"};
    struct rig *r = arg;

    r->judged++;
    if (has_key(head) && !pl_web_admit(c)) {
        pl_web_reply_status(c, 503, NULL, NULL);
        return;
    }
    if (pl_span_equal(head->path, PL_SPAN("/no"))) {
        pl_web_reply_status(c, 401, NULL, NULL);
        return;
    }
    for (size_t i = 0; i < 3; i++)
        if (pl_span_equal(head->path, pl_span_of(known[i])))
            return;
    pl_web_reply_status(c, 404, NULL, NULL);
}

static inline void site_gone(struct pl_web_party *p)
{
    PL_CONTAINER(p, struct rig, party)->gone++;
}

static inline void site_drained(struct pl_web_party *p)
{
    PL_CONTAINER(p, struct rig, party)->drained++;
}

static inline void site_serve(void *arg, struct pl_web_conn *c,
                              const struct pl_http_head *head,
                              struct pl_span body)
{
    struct rig *r = arg;

    r->calls++;
    r->body.len = 0;
    pl_buf_put_span(&r->body, body);
    r->served = c;
    if (pl_span_equal(head->path, PL_SPAN("/now"))) {
        site_reply(c, body.len > 0 ? body : PL_SPAN("nothing"));
        return;
    }
    pl_web_keep(c, &r->party);
    if (pl_span_equal(head->path, PL_SPAN("/stream")))
        pl_web_stream_begin(c, "text/plain");
}

static const struct pl_web_site site = {site_judge, site_serve};

/* --- Life --- */

static inline void silent(void *arg, enum pl_log_level level,
                          struct pl_span line)
{
    (void)arg, (void)level, (void)line;
}

static inline struct rig *rig_create(uint32_t limit)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    pl_log_set_sink(silent, NULL);
    assert_int_equal(pl_sim_create(&r->sim, 1, pl_sim_test_seed("web")), PL_OK);
    pl_sim_set_wall(r->sim, 784111777000);
    r->party = (struct pl_web_party){site_gone, site_drained};
    struct pl_web_options o = {
        .limit_key = "limit",
        .loop = pl_system_loop(pl_sim_system(r->sim), 0),
        .site = &site,
        .arg = r,
        .limit = limit,
        .timeout_ms = TIMEOUT_MS,
        .body_max = BODY_MAX,
        .stream_max = STREAM_MAX,
        .metrics = &r->metrics,
    };
    assert_int_equal(pl_web_create(&r->web, &o), PL_OK);
    return r;
}

static inline int set_up(void **state)
{
    *state = rig_create(512);
    return 0;
}

static inline int tear_down(void **state)
{
    struct rig *r = *state;

    pl_web_close(r->web);
    pl_sim_advance(r->sim, 0);
    assert_int_equal(r->metrics.value[PL_METRIC_ADMIN_CONNECTIONS], 0);
    pl_web_destroy(r->web);
    pl_sim_destroy(r->sim);
    pl_buf_fini(&r->body);
    pl_log_set_sink(NULL, NULL);
    free(r);
    return 0;
}

/* --- Peers --- */

static inline struct peer *connect_from(struct rig *r, uint8_t host,
                                        bool is_trusted)
{
    struct peer *p = calloc(1, sizeof *p);
    struct pl_ip from = {
        .at = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = host}};

    assert_non_null(p);
    pl_loop_awake(pl_system_loop(pl_sim_system(r->sim), 0));
    p->rig = r;
    p->space = SIZE_MAX;
    if (pl_web_conn_create(&p->conn, r->web, is_trusted, &from, &link_ops,
                           sizeof(struct link)) != PL_OK) {
        free(p);
        return NULL;
    }
    ((struct link *)pl_web_transport(p->conn))->peer = p;
    return p;
}

static inline struct peer *connect_stranger(struct rig *r)
{
    return connect_from(r, 1, false);
}

static inline struct peer *connect_trusted(struct rig *r)
{
    return connect_from(r, 1, true);
}

/* Bytes arrive, from memory of just their size, unless the server reads no
 * more or has closed. */
static inline void peer_bytes(struct peer *p, struct pl_span bytes)
{
    if (p->conn == NULL || p->is_paused || bytes.len == 0)
        return;
    char *copy = malloc(bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.at, bytes.len);
    pl_loop_awake(pl_system_loop(pl_sim_system(p->rig->sim), 0));
    pl_web_input(p->conn, (struct pl_span){copy, bytes.len});
    free(copy);
}

static inline void peer_say(struct peer *p, const char *text)
{
    peer_bytes(p, pl_span_of(text));
    pl_sim_advance(p->rig->sim, 0);
}

/* The FIN of the peer. */
static inline void peer_end(struct peer *p)
{
    if (p->conn != NULL && !pl_web_ended(p->conn))
        peer_lose(p);
    pl_sim_advance(p->rig->sim, 0);
}

static inline const char *peer_text(struct peer *p)
{
    pl_buf_put_byte(&p->heard, '\0');
    p->heard.len--;
    return p->heard.data;
}

static inline int peer_status(struct peer *p)
{
    int status = 0;

    sscanf(peer_text(p), "HTTP/1.1 %d", &status);
    return status;
}

static inline void peer_forget(struct peer *p)
{
    p->heard.len = 0;
}

static inline bool has_text(struct peer *p, const char *text)
{
    return strstr(peer_text(p), text) != NULL;
}

static inline void peer_free(struct peer *p)
{
    peer_lose(p);
    pl_sim_advance(p->rig->sim, 0);
    pl_buf_fini(&p->heard);
    free(p);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
