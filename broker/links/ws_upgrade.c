/* SPDX-License-Identifier: Apache-2.0 */
/* ws_upgrade.c - the opening handshake of a WebSocket link.
 *
 * The request usually comes in one read and is parsed where it lies; only one
 * that comes in pieces is gathered, in a buffer that is gone afterwards.  What
 * follows the request is WebSocket already and is not lost.
 *
 * Whether an address has too many connections already the transport may know
 * only later.  The request then waits as bytes, with reading paused, and is
 * read again when the verdict is there. */
#include "ws_private.h"

#include "access.h"
#include "codec.h"
#include "code.h"
#include "form.h"
#include "handshake.h"
#include "host.h"
#include "log.h"
#include "loop.h"
#include "origin.h"
#include "session_metrics.h"
#include "session_settings.h"

enum { SHOWN_MAX = 200 /* bytes of a name in the log */ };

static const struct pl_handshake_error no_memory = {503, "out of memory",
                                                    false};

static void answer_error(struct pl_session *s, struct pl_handshake_error error)
{
    struct pl_buf b = {0};

    if (error.status != 200)
        pl_count(pl_session_metrics(s), PL_METRIC_HANDSHAKES_REFUSED, 1);
    pl_handshake_refuse(&b, error,
                        (int64_t)(pl_loop_wall_ms(pl_session_loop(s)) / 1000));
    pl_session_put_bytes(s, &b);
    pl_buf_fini(&b);
    pl_ws_link_forget(s);
    pl_session_give_up(s);
    pl_session_lend_timer(s, pl_ws_link_on_timer, PL_CLOSE_WAIT_MS);
    pl_ws_link_end(s, PL_END_LINGER);
}

static void refuse(struct pl_session *s, struct pl_handshake_error error)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(PL_LOG_KIND_HANDSHAKE, PL_LOG_INFO, "handshake refused",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_number("status", error.status),
                   pl_log_string("reason", error.text));
    answer_error(s, error);
}

/* What the log may take of a name that an untrusted peer sent. */
static struct pl_span shown(struct pl_span name)
{
    return (struct pl_span){name.at,
                            name.len < SHOWN_MAX ? name.len : SHOWN_MAX};
}

/* For its origin (403) or its host (421): the log says which, and which key
 * would let it in. */
static void refuse_name(struct pl_session *s, const struct pl_handshake *h,
                        struct pl_handshake_error error)
{
    char peer[PL_IP_TEXT_MAX];

    PL_LOG_LIMITED(PL_LOG_KIND_HANDSHAKE, PL_LOG_INFO, "handshake refused",
                   pl_log_string("address", pl_session_peer(s, peer)),
                   pl_log_number("status", error.status),
                   pl_log_string("reason", error.text),
                   pl_log_text("origin", shown(h->origin)),
                   pl_log_text("host", shown(h->host)),
                   pl_log_string("key", error.status == 421
                                            ? "websocket.allowed_hosts"
                                            : "websocket.allowed_origins"));
    answer_error(s, error);
}

static bool is_echo(const struct pl_session *s, const struct pl_handshake *h)
{
    return pl_session_config(s)->websocket.echo &&
           pl_span_equal(h->path, PL_SPAN("/echo"));
}

/* A local trial (--insecure) is for this machine's own names and pages, since
 * any page may have a name of its own point to 127.0.0.1. */
static bool serves_host(const struct pl_session *s, struct pl_span host)
{
    const struct pl_config_strings *l = &pl_session_access(s)->allowed_hosts;

    if (pl_session_is_insecure(s) && l->count == 0)
        return pl_host_is_loopback(host);
    return pl_host_is_allowed(host, (const char *const *)l->at, l->count);
}

static bool allows_page(struct pl_session *s, const struct pl_handshake *h)
{
    const struct pl_config_strings *l = &pl_session_access(s)->allowed_origins;
    const struct pl_ws_link_ops *ops = pl_ws_link_ops_of(s);
    bool is_tls = ops->is_tls != NULL && ops->is_tls(s);

    if (pl_session_is_insecure(s) && l->count == 0)
        return pl_origin_is_loopback(h->origin);
    return pl_origin_is_allowed(h->origin, h->host, is_tls,
                                (const char *const *)l->at, l->count);
}

/* May the page that asks, and under the name that it asks for? */
static struct pl_handshake_error judge_names(struct pl_session *s,
                                             const struct pl_handshake *h)
{
    static const struct pl_handshake_error host = {
        421, "this host is not served here: see websocket.allowed_hosts",
        false};
    static const struct pl_handshake_error page = {
        403,
        "pages of this origin may not connect: see websocket.allowed_origins",
        false};

    if (!serves_host(s, h->host)) {
        pl_count(pl_session_metrics(s), PL_METRIC_REFUSED_HOST, 1);
        return host;
    }
    if (!allows_page(s, h)) {
        pl_count(pl_session_metrics(s), PL_METRIC_REFUSED_ORIGIN, 1);
        return page;
    }
    return (struct pl_handshake_error){0, NULL, false};
}

/* What is wrong with a request that was well formed; text NULL: nothing. */
static struct pl_handshake_error judge(struct pl_session *s,
                                       const struct pl_handshake *h)
{
    const struct pl_session_settings *c = pl_session_config(s);

    if (!is_echo(s, h) &&
        !pl_span_equal(h->path, pl_span_of(c->websocket.path)))
        return (struct pl_handshake_error){404, "no such path", false};
    struct pl_handshake_error error = judge_names(s, h);
    if (error.text != NULL)
        return error;
    return (struct pl_handshake_error){
        503, pl_session_manager_refusal(pl_session_manager_of(s)), false};
}

/* The encoding that the client asked for, and the subprotocol to confirm. */
static const char *choose(const struct pl_handshake *h, struct pl_terms *out)
{
    const char *protocol = NULL;

    out->encoding = PL_ENCODING_JSON;
    if (pl_handshake_offers(h, "centrifuge-protobuf"))
        protocol = "centrifuge-protobuf";
    else if (pl_handshake_offers(h, "centrifuge-json"))
        protocol = "centrifuge-json";
    if (pl_handshake_offers(h, "centrifuge-protobuf") ||
        pl_handshake_query_has(h, "format", "protobuf") ||
        pl_handshake_query_has(h, "cf_protocol", "protobuf"))
        out->encoding = PL_ENCODING_PROTOBUF;
    return protocol;
}

static uint8_t form_of(enum pl_deflate kind)
{
    switch (kind) {
    case PL_DEFLATE_WIDE:
        return PL_FORM_FRAMES_WIDE;
    case PL_DEFLATE_NARROW:
        return PL_FORM_FRAMES_NARROW;
    default:
        return PL_FORM_FRAMES;
    }
}

/* What is agreed about compression, and the extension to confirm or NULL. */
static const char *agree(struct pl_session *s, const struct pl_handshake *h,
                         struct pl_deflate_terms *terms, struct pl_terms *out)
{
    if (!pl_session_config(s)->websocket.deflate)
        return NULL;
    pl_deflate_choose(h->extensions, terms);
    if (terms->kind == PL_DEFLATE_NONE)
        return NULL;
    out->form = form_of(terms->kind);
    pl_ws_link_of(s)->is_packed = true;
    return terms->answer;
}

static void open_link(struct pl_session *s, struct pl_terms terms, bool echoes)
{
    pl_count(pl_session_metrics(s), PL_METRIC_HANDSHAKES, 1);
    pl_session_agree(s, terms);
    pl_ws_link_of(s)->state = echoes ? PL_WS_ECHO : PL_WS_OPEN;
    if (echoes)
        pl_session_lend_timer(s, pl_ws_link_on_timer, 0);
    else
        pl_session_open(s);
}

static void accept_request(struct pl_session *s, const struct pl_handshake *h)
{
    struct pl_buf b = {0};
    struct pl_deflate_terms deflate;
    struct pl_terms terms = {PL_ENCODING_JSON, PL_FORM_FRAMES};
    bool echoes = is_echo(s, h);
    const char *protocol = echoes ? NULL : choose(h, &terms);

    pl_handshake_accept(&b, h, protocol, agree(s, h, &deflate, &terms));
    if (pl_session_put_bytes(s, &b))
        open_link(s, terms, echoes);
    else /* the client does not wait in vain */
        pl_session_close(s, PL_DISCONNECT_SERVER_ERROR, (struct pl_span){0});
    pl_buf_fini(&b);
}

/* The request so far: where it lies, or gathered.  False: out of memory. */
static bool gather(struct pl_session *s, struct pl_span *in, bool keep)
{
    struct pl_ws_link *l = pl_ws_link_of(s);

    if (l->undecoded == NULL && !keep)
        return true;
    if (!pl_undecoded_put(l, *in))
        return false;
    *in = pl_undecoded_span(l->undecoded);
    return true;
}

/* What the transport says of the address; it logs what it refuses. */
static enum pl_admission admit(struct pl_session *s,
                               const struct pl_handshake *h)
{
    const struct pl_ws_link_ops *ops = pl_ws_link_ops_of(s);
    struct pl_proxy_lists lists = {.forwarded = h->forwarded,
                                   .forwarded_for = h->forwarded_for};

    if (ops->admit == NULL)
        return PL_ADMIT;
    return ops->admit(s, &lists);
}

/* The request waits for the transport's verdict. */
static void wait(struct pl_session *s, struct pl_span request)
{
    if (pl_ws_link_of(s)->undecoded == NULL && !gather(s, &request, true)) {
        refuse(s, no_memory);
        return;
    }
    pl_session_hold(s, PL_HOLD_ADMISSION);
}

void pl_ws_link_admitted(struct pl_session *s)
{
    if (pl_ws_link_of(s)->state != PL_WS_REQUEST ||
        !pl_session_is_held(s, PL_HOLD_ADMISSION))
        return;
    pl_session_release(s, PL_HOLD_ADMISSION);
    pl_ws_link_upgrade(s, NULL, 0);
}

/* `whole` is the request and what follows it, `rest`. */
static void on_request(struct pl_session *s, const struct pl_handshake *h,
                       struct pl_span whole, struct pl_span rest)
{
    static const struct pl_handshake_error over = {
        503, "too many connections of this address", false};
    struct pl_handshake_error error = judge(s, h);
    enum pl_admission verdict = error.text != NULL ? PL_ADMIT : admit(s, h);

    if (verdict == PL_ADMIT_LATER) {
        wait(s, whole);
        return;
    }
    struct pl_ws_link *l = pl_ws_link_of(s);
    struct pl_undecoded *taken = l->undecoded; /* `whole` may be in it */
    l->undecoded = NULL;
    if (error.status == 403 || error.status == 421) {
        refuse_name(s, h, error);
    } else if (error.text != NULL) {
        refuse(s, error);
    } else if (verdict == PL_ADMIT_REFUSE) {
        answer_error(s, over);
    } else if (!is_echo(s, h) && !pl_ws_link_keep_headers(s, h->lines)) {
        refuse(s, no_memory);
    } else {
        accept_request(s, h);
        pl_ws_link_decode(s, rest);
    }
    pl_undecoded_destroy(taken);
}

/* Keep the request until more of it has come. */
static void await_more(struct pl_session *s, struct pl_span in)
{
    if (pl_ws_link_of(s)->undecoded == NULL && !gather(s, &in, true))
        refuse(s, no_memory);
}

/* It opens no WebSocket. */
static void on_other(struct pl_session *s, struct pl_span in,
                     struct pl_handshake_error error)
{
    switch (pl_ws_link_look_for_api(s, in, &error)) {
    case PL_WS_TURN_REFUSE:
        refuse(s, error);
        return;
    case PL_WS_TURN_DENY:
        answer_error(s, error);
        return;
    case PL_WS_TURN_WAIT:
        await_more(s, in);
        return;
    case PL_WS_TURN_OVER:
        return;
    }
}

void pl_ws_link_upgrade(struct pl_session *s, char *bytes, size_t len)
{
    struct pl_handshake h;
    struct pl_handshake_error error;
    struct pl_span in = {bytes, len};
    size_t taken;

    if (!gather(s, &in, false)) {
        refuse(s, no_memory);
        return;
    }
    switch (pl_handshake_read(in, &h, &taken, &error)) {
    case PL_OK:
        on_request(s, &h, in, (struct pl_span){in.at + taken, in.len - taken});
        return;
    case PL_EAGAIN:
        await_more(s, in);
        return;
    default:
        on_other(s, in, error);
    }
}
