/* SPDX-License-Identifier: Apache-2.0 */
/* client.c - see client.h.
 *
 * The group of the library has a thread of its own, but its callbacks wait for
 * plc_group_dispatch() (PLC_MANUAL), so the tool stays a program of one thread:
 * one poll() over the group, the input, the reader of stdout and the signals.
 * While stdout waits for its reader, nothing is dispatched; the library then
 * stops reading the socket.
 *
 * Rejected: the library on an event base of the tool.  It would need a library
 * for what one poll() does, and stdin may be a file, which epoll refuses.
 *
 * The first connection must succeed at once, because a wrong port is the usual
 * cause when it does not.  Later ones are tried for as long as --timeout says,
 * or for ever.
 *
 * Invariant: while the loop waits for the broker, `patience` says for what. */
#include "client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "output.h"
#include "plain.h"
#include "interrupt.h"

enum {
    DISPATCH = 256, /* callbacks between two looks at the rest */
    CLOSE_MS = 1000,
    CODE_SERVER = 100, /* errors from here on are the server's */
    CODE_EXPIRED = 109,
    TOKEN_MAX = 65536,
    MESSAGE_OUT = 16 * 1024 * 1024
};

void client_end(struct client *c, int rc)
{
    if (!c->is_over)
        c->rc = rc;
    c->is_over = true;
}

void client_fail(struct client *c, int rc, const char *format, ...)
{
    va_list args;

    if (c->is_over)
        return;
    va_start(args, format);
    vcomplain(format, args);
    va_end(args);
    client_end(c, rc);
}

/* --- States --- */

static void on_connected(struct client *c, const struct plc_change *change)
{
    if (c->was_connected)
        remark("%s: connected again", target_name(c->target));
    c->was_connected = true;
    c->is_remarked = false;
    patience_begin(&c->patience, c->target->timeout_ms, "an answer from %s",
                   target_name(c->target));
    if (c->connected != NULL)
        c->connected(c, change);
}

static void on_lost(struct client *c, const struct plc_change *change)
{
    const char *name = target_name(c->target);

    if (!(c->traits & CLIENT_RECONNECTS)) {
        client_fail(c, EXIT_FAILED, "%s: the connection was lost: %s (%u)",
                    name, change->reason, change->code);
        return;
    }
    remark("%s: the connection was lost: %s (%u); connecting again", name,
           change->reason, change->code);
    patience_begin(&c->patience,
                   c->target->has_timeout ? c->target->timeout_ms : 0,
                   "%s to take the connection again", name);
}

static void on_final(struct client *c, const struct plc_change *change)
{
    const char *name = target_name(c->target);

    if (c->was_connected)
        client_fail(c, EXIT_ENDED,
                    "%s: the broker ended the connection: %s "
                    "(%u)",
                    name, change->reason, change->code);
    else
        client_fail(c, EXIT_FAILED, "%s: the broker refused: %s (%u)", name,
                    change->reason, change->code);
}

static void on_state(struct plc_client *handle, const struct plc_change *change,
                     void *arg)
{
    struct client *c = arg;

    (void)handle;
    if (c->is_over)
        return;
    if (change->to == PLC_CONNECTED)
        on_connected(c, change);
    else if (change->to == PLC_CONNECTING && change->from == PLC_CONNECTED)
        on_lost(c, change);
    else if (change->to == PLC_DISCONNECTED)
        on_final(c, change);
}

/* A connection that did not come about, or a word about one that lasts. */
static void on_error(struct plc_client *handle, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    struct client *c = arg;
    const char *name = target_name(c->target);
    bool has_token_file = c->target->token_file != NULL;

    (void)handle;
    if (c->is_over)
        return;
    if (code == CODE_EXPIRED && !has_token_file) {
        client_fail(c, EXIT_FAILED, "%s: the broker refused: %s (%u)", name,
                    text, code);
    } else if (!c->was_connected && code < CODE_SERVER) {
        client_fail(c, err == PL_ETIMEDOUT ? EXIT_TIMEOUT : EXIT_NO_BROKER,
                    "cannot connect to %s: %s", name, text);
    } else if (!c->is_remarked) {
        remark("%s: %s", name, text);
        c->is_remarked = true;
    }
}

static void on_message(struct plc_client *handle, const struct plc_bytes *data,
                       void *arg)
{
    struct client *c = arg;

    (void)handle;
    if (!c->is_over && c->message != NULL)
        c->message(c, *data);
}

static void on_publication(struct plc_client *handle,
                           const struct plc_publication *p, void *arg)
{
    struct client *c = arg;

    (void)handle;
    if (!c->is_over && c->publication != NULL)
        c->publication(c, p);
}

/* --- The token --- */

char *client_read_token(const char *file)
{
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    char *text = calloc(1, TOKEN_MAX);

    if (f != NULL && text != NULL && fread(text, 1, TOKEN_MAX - 1, f) > 0 &&
        ferror(f) == 0) {
        text[strcspn(text, "\r\n")] = '\0';
    } else {
        complain("%s: no token can be read from it", file);
        free(text);
        text = NULL;
    }
    if (f != NULL && f != stdin)
        fclose(f);
    return text;
}

static void get_token(struct plc_client *handle, struct plc_token *question,
                      void *arg)
{
    struct client *c = arg;
    char *text = client_read_token(c->target->token_file);

    (void)handle;
    plc_token_answer(question, text);
    if (text != NULL)
        explicit_bzero(text, TOKEN_MAX);
    free(text);
}

/* --- Set up --- */

static bool is_creating; /* nothing else writes log lines then */

/* What is wrong with an option is only in the log. */
static void on_log(enum plc_level level, const char *line, void *arg)
{
    (void)arg;
    if (is_creating && level == PLC_ERROR)
        complain("%s", line);
}

void client_put_url(struct pl_buf *b, const char *url)
{
    const char *host = strstr(url, "://") + 3;

    pl_buf_put_span(b, pl_span_of(url));
    if (host[strcspn(host, "/?#")] == '\0')
        pl_buf_put_span(b, PL_SPAN("/connection/websocket"));
    pl_buf_put_byte(b, '\0');
}

void client_put_headers(struct pl_buf *b, const struct target *t)
{
    for (size_t i = 0; i < t->headers.count; i++)
        pl_buf_printf(b, "%s\r\n", t->headers.items[i]);
    pl_buf_put_byte(b, '\0');
}

static uint32_t timeout_of(const struct target *t)
{
    return t->timeout_ms == 0 || t->timeout_ms > INT32_MAX
               ? INT32_MAX
               : (uint32_t)t->timeout_ms;
}

static enum pl_err create_client(struct client *c, const char *url,
                                 const char *headers, const char *token)
{
    const struct target *t = c->target;
    struct plc_link link = {
        .size = sizeof link,
        .headers = headers,
        .ca_file = t->ca_file,
        .flags = (t->is_unverified ? PLC_NO_VERIFY : 0) |
                 (t->is_protobuf ? PLC_PROTOBUF : 0),
        .connect_ms = timeout_of(t),
        .message_out = MESSAGE_OUT,
    };
    bool asks = t->token_file != NULL && token == NULL;
    struct plc_client_options o = {
        .size = sizeof o,
        .url = url,
        .link = &link,
        .token = token != NULL ? token : t->token,
        .name = "parley",
        .timeout_ms =
            c->traits & CLIENT_IS_UNHURRIED ? INT32_MAX : timeout_of(t),
        .get_token = asks ? get_token : NULL,
        .state = on_state,
        .error = on_error,
        .message = on_message,
        .server_publication = on_publication,
        .arg = c,
    };

    is_creating = true;
    enum pl_err rc = plc_client_create(&c->handle, c->group, &o);
    is_creating = false;
    return rc;
}

/* A token of stdin is read once. */
static int connect_with(struct client *c, char *token)
{
    struct pl_buf url = {0}, headers = {0};
    enum pl_err rc = PL_ENOMEM;

    client_put_url(&url, c->target->url);
    client_put_headers(&headers, c->target);
    if (!url.failed && !headers.failed)
        rc = create_client(c, url.data, headers.data, token);
    pl_buf_fini(&url);
    pl_buf_fini(&headers);
    if (rc == PL_EINVAL)
        return EXIT_USAGE;
    if (rc == PL_OK)
        rc = plc_client_connect(c->handle);
    if (rc == PL_OK)
        return EXIT_OK;
    complain("%s: %s", target_name(c->target), pl_err_text(rc));
    return EXIT_FAILED;
}

static int open_client(struct client *c)
{
    const char *file = c->target->token_file;
    struct plc_group_options o = {
        .size = sizeof o, .flags = PLC_MANUAL, .log = on_log};
    bool is_stdin = file != NULL && strcmp(file, "-") == 0;
    char *token = is_stdin ? client_read_token(file) : NULL;

    if (is_stdin && token == NULL)
        return EXIT_FAILED;
    enum pl_err err = plc_group_create(&c->group, &o);
    if (err != PL_OK)
        complain("no connection can be made: %s", pl_err_text(err));
    int rc = err == PL_OK ? connect_with(c, token) : EXIT_FAILED;
    free(token);
    return rc;
}

/* --- The loop --- */

static int wait_ms(const struct client *c)
{
    int wait = patience_poll_ms(&c->patience);
    int64_t left = c->wake_ms - now_ms();

    if (c->wake_ms == 0)
        return wait;
    left = left < 0 ? 0 : left;
    return wait < 0 || left < wait ? (int)left : wait;
}

static void take_turn(struct client *c, int signals)
{
    struct pollfd p[] = {
        {.fd = plc_group_fd(c->group), .events = POLLIN},
        {.fd = signals, .events = POLLIN},
        {.fd = c->traits & CLIENT_ENDS_UNREAD ? STDOUT_FILENO : -1},
        {.fd = c->wants_input ? c->input : -1, .events = POLLIN},
    };

    poll(p, sizeof p / sizeof *p, wait_ms(c));
    plc_group_dispatch(c->group, DISPATCH);
    int signal = interrupt_take();
    if (signal != 0)
        client_end(c, 128 + signal);
    if (p[2].revents != 0)
        client_end(c, EXIT_OK);
    bool is_time = c->wake_ms != 0 && now_ms() >= c->wake_ms;
    if (!c->is_over && (p[3].revents != 0 || is_time)) {
        c->wake_ms = 0;
        c->step(c);
    }
    if (patience_is_over(&c->patience))
        client_fail(c, EXIT_TIMEOUT,
                    "%s: the broker did not answer in time: "
                    "waited for %s (--timeout)",
                    target_name(c->target), c->patience.what);
}

/* What is written but not sent gets a second. */
static void close_client(struct client *c)
{
    if (c->group == NULL)
        return;
    plc_group_stop(c->group, c->was_connected ? CLOSE_MS : 0);
    plc_group_wait(c->group, 2 * CLOSE_MS);
    plc_group_destroy(c->group);
}

int client_run(struct client *c, const struct target *t)
{
    int signals = interrupt_defer();

    c->target = t;
    patience_begin(&c->patience, t->timeout_ms, "%s to take the connection",
                   target_name(t));
    int rc = open_client(c);
    if (rc == EXIT_OK)
        rc = c->begin(c);
    if (rc != EXIT_OK)
        client_end(c, rc);
    while (!c->is_over)
        take_turn(c, signals);
    close_client(c);
    return c->rc;
}

/* --- Calls --- */

int client_refuses(const struct client *c, const char *what, enum pl_err err)
{
    complain("%s: %s: %s", target_name(c->target), what, pl_err_text(err));
    return err == PL_EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

int client_judge(const struct client *c, const char *what,
                 const struct plc_result *r)
{
    const char *name = target_name(c->target);

    if (r->outcome == PLC_DONE)
        return EXIT_OK;
    if (r->outcome == PLC_REFUSED) {
        complain("%s: %s: the broker refused: %s (%u)", name, what, r->message,
                 r->code);
        return EXIT_FAILED;
    }
    if (r->err == PL_ETIMEDOUT) {
        complain("%s: %s: the broker did not answer in time (--timeout)", name,
                 what);
        return EXIT_TIMEOUT;
    }
    complain("%s: %s: %s", name, what,
             r->outcome == PLC_NOT_SENT
                 ? "it was not sent"
                 : "no answer came: whether it was done is unknown");
    return EXIT_FAILED;
}
