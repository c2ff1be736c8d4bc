/* SPDX-License-Identifier: Apache-2.0 */
/* parley.h - the broker as a library.
 *
 *     struct pl_broker *b;
 *     const char *sets[] = {"listen=[127.0.0.1:8000]"};
 *     struct pl_broker_options o = {.sets = sets, .set_count = 1,
 *                                   .insecure = true};
 *     if (pl_broker_create(&b, &o) == PL_OK &&
 *         pl_broker_handle(b, "greet", greet, NULL) == PL_OK &&
 *         pl_broker_start(b) == PL_OK)
 *             ... the program does what it does ...
 *     pl_broker_stop(b);
 *     pl_broker_wait(b);
 *     pl_broker_destroy(b);
 *
 * The broker runs on threads of its own.  It never calls exit(), installs no
 * signal handler and writes nothing but its log, to stderr.  A thread writes
 * the log, so a stderr that blocks stops no loop: lines queue, and those that
 * do not fit are counted ("log" in the status).  Calls that may fail return
 * PL_OK or a negative error; pl_err_text() has its words. */
#ifndef PARLEY_H
#define PARLEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PL_API __attribute__((visibility("default")))

struct pl_broker; /* opaque */
struct pl_call;   /* one custom message that waits for its answer */

struct pl_broker_options {
    const char *config_file; /* YAML; NULL: none */
    /* Settings that win over the file, "key=value" as with parleyd --set. */
    const char *const *sets;
    size_t set_count;
    bool insecure; /* anonymous clients may do everything; loopback only */
    /* A handler of "connect" will judge clients.  While there is none, clients
     * that it would judge are refused for now (error 100, temporary), whatever
     * auth.anonymous and `insecure` say; also after pl_broker_unhandle(). */
    bool handles_connect;
    /* Called once when the broker has stopped taking part in anything, on a
     * thread of the broker's; pl_broker_wait() then returns soon.  May be
     * NULL. */
    void (*on_stopped)(void *arg);
    void *arg;
};

/* Read the configuration and build a broker that does not run yet.  What is
 * wrong with the configuration is told in the log, by file, line and key.
 * Owner:  the caller, until pl_broker_destroy().
 * Thread: any.
 * Errors: PL_EINVAL, PL_EIO, PL_ENOMEM. */
PL_API enum pl_err pl_broker_create(struct pl_broker **out,
                                    const struct pl_broker_options *options);

/* Free a broker that never ran, or that pl_broker_wait() has seen end.  NULL
 * is allowed.  Thread: any. */
PL_API void pl_broker_destroy(struct pl_broker *b);

/* Listen and run.  A second start while it runs does nothing but warn.
 * Thread: the one that created it.
 * Errors: PL_EIO (an address is taken, named in the log), PL_ENOMEM. */
PL_API enum pl_err pl_broker_start(struct pl_broker *b);

/* Begin to stop, in phases: see docs/operations.md.  Returns at once; calling
 * it again changes nothing.  `hurry` skips waiting for work in progress.
 * Thread: any, also inside a handler. */
PL_API void pl_broker_stop(struct pl_broker *b);
PL_API void pl_broker_hurry(struct pl_broker *b);

/* Wait until a stop is complete and all threads have ended.  Without a stop it
 * waits for ever.
 * Thread: one that the broker does not run, and one at a time.
 * Errors: PL_ETIMEDOUT: a handler blocks its loop beyond shutdown.reset; the
 *         log names it, and the broker cannot be destroyed until the handler
 *         has ended: wait again for that. */
PL_API enum pl_err pl_broker_wait(struct pl_broker *b);

/* Read the configuration again, with the same file and sets, and the files of
 * TLS that it names.  New connections, logins and requests get what it says now
 * of log.level, auth.hmac_secret, api.key, websocket.allowed_origins,
 * websocket.allowed_hosts, tls.certificate, tls.key and tls.client_ca; no
 * connection is lost.  The log names each other key that differs: it needs a
 * restart.  When anything is bad all stays as it was, and the log says what.
 * Thread: any, but not while another one is in pl_broker_start(); it blocks
 *         while it reads files.
 * Errors: PL_EINVAL (a key or a file), PL_EIO, PL_ENOMEM. */
PL_API enum pl_err pl_broker_reload(struct pl_broker *b);

/* The port of the n-th address of `listen` or `listen_tls`, once started; 0:
 * there is none.  Of the admin address: pl_broker_admin_port().
 * Thread: any. */
PL_API uint16_t pl_broker_port(const struct pl_broker *b, unsigned n);
PL_API uint16_t pl_broker_tls_port(const struct pl_broker *b, unsigned n);
PL_API uint16_t pl_broker_admin_port(const struct pl_broker *b);

/* The status as JSON, at any time, also while a handler blocks and after the
 * stop; never waits.
 * Owner:  the caller frees *out with free().
 * Thread: any.  Errors: PL_ENOMEM. */
PL_API enum pl_err pl_broker_status(const struct pl_broker *b, char **out);

/* Publish `data`: JSON, or with channels.data: binary anything, which then must
 * be JSON if any subscriber uses JSON.  It is on its way when this returns;
 * nobody is told whether it arrived.
 * Thread: any.
 * Errors: PL_ENOMEM, PL_EINVAL (channel name, data), PL_ETOOBIG (more than
 *         1 GiB), PL_ESTOPPING (not running). */
PL_API enum pl_err pl_broker_publish(struct pl_broker *b, const char *channel,
                                     const void *data, size_t len);

/* --- Custom messages --- */

/* Called for each rpc whose method, or send whose "type", is the one that it
 * was registered for; and, for "connect", for each client that connects without
 * a token.  It runs on the loop of the client's connection and must not block:
 * others wait.  One that blocks longer than handlers.slow is named in the log
 * and in the status.
 * It answers the call exactly once, now or later, from any thread, with
 * pl_call_reply(), pl_call_fail() or, for a connect, pl_call_accept(); a call
 * without a reply (a send) is ended the same way.  Also when the broker has
 * stopped meanwhile, was started again or destroyed: the answer then goes
 * nowhere, and the status after the stop counts it ("handlers.late"). */
typedef void pl_broker_handler(struct pl_call *call, void *context);

/* Register or unregister; at any time.  A call under way still ends.  Loops
 * that run take it over a moment later; after an error all is as before.  From
 * the first handler of "connect" on it is as if `handles_connect` was set.
 * Thread: any, but not while another one is in pl_broker_start().
 * Errors: PL_EEXIST, PL_ENOENT, PL_ENOMEM; PL_EINVAL: no message would come to
 *         it, because `type` is empty, not UTF-8 or parley's own (actor.*,
 *         sys.*), or `handler` is NULL. */
PL_API enum pl_err pl_broker_handle(struct pl_broker *b, const char *type,
                                    pl_broker_handler *handler, void *context);
PL_API enum pl_err pl_broker_unhandle(struct pl_broker *b, const char *type);

/* What the client sent, JSON (from protobuf clients any bytes), and who it is;
 * valid until the call is answered.  A zero byte follows each.  The user is ""
 * for anonymous clients, the token "" but in a connect. */
PL_API const char *pl_call_data(const struct pl_call *call, size_t *len);
PL_API const char *pl_call_type(const struct pl_call *call);
PL_API const char *pl_call_user(const struct pl_call *call);
PL_API const char *pl_call_client(const struct pl_call *call);
PL_API const char *pl_call_token(const struct pl_call *call);

/* Answer; the call is gone afterwards.  `data` is JSON, NULL: none; `code` is
 * 400 to 1999; `info` is JSON that others see with the user, NULL: none.
 * Thread: any.
 * Errors: the call is still there, to be answered again.  PL_ENOMEM; PL_EINVAL
 *         (user or text is not UTF-8, user has more than 254 bytes, info is
 *         not JSON, pl_call_reply() to a connect, pl_call_accept() to another
 *         call). */
PL_API enum pl_err pl_call_reply(struct pl_call *call, const void *data,
                                 size_t len);
PL_API enum pl_err pl_call_fail(struct pl_call *call, uint32_t code,
                                const char *text);
PL_API enum pl_err pl_call_accept(struct pl_call *call, const char *user,
                                  const char *info);

#ifdef __cplusplus
}
#endif

#endif
