/* SPDX-License-Identifier: Apache-2.0 */
/* parley.h - the broker as a library.
 *
 *     struct pl_broker *b;
 *     const char *sets[] = {"listen=[127.0.0.1:8000]"};
 *     struct pl_broker_setup o = {.size = sizeof o, .sets = sets,
 *                                 .set_count = 1, .flags = PL_INSECURE};
 *     if (pl_broker_open(&b, &o) == PL_OK &&
 *         pl_broker_method(b, "greet", greet, NULL, NULL) == PL_OK &&
 *         pl_broker_start(b) == PL_OK)
 *             ... the program does its work ...
 *     pl_broker_stop(b);
 *     pl_broker_wait(b);
 *     pl_broker_destroy(b);
 *
 * The broker runs on its own threads.  It never calls exit(), installs no
 * signal handler and writes nothing but its log, to stderr unless the setup has
 * a log().  One thread writes to stderr, so a blocked stderr stops no loop:
 * lines are queued, and lines that do not fit are counted ("log" in the
 * status).
 * Calls that may fail return PL_OK or a negative error; pl_err_text() returns
 * its text. */
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
struct pl_call;   /* one custom message until its handler replies */

/* Options begin with `size`, which is sizeof the struct as the program was
 * compiled: {.size = sizeof o, ...}.  0 and NULL mean the default.  A library
 * that knows fewer members than the program refuses those that are set. */

enum pl_broker_flag {
    /* Anonymous clients may do everything; restricts the broker to loopback
     * addresses. */
    PL_INSECURE = 1,
    /* A method "connect" decides which clients may connect; see
     * pl_broker_handler.  While none is registered, also after
     * pl_broker_drop_method(), these clients get error 100, which is
     * temporary, regardless of auth.anonymous and PL_INSECURE. */
    PL_HANDLES_CONNECT = 2
};

enum pl_level { PL_DEBUG, PL_INFO, PL_WARN, PL_ERROR };

struct pl_broker_setup {
    size_t size;
    const char *config_file; /* YAML; NULL: no file */
    /* Settings that override the file, "key=value" as for parleyd --set. */
    const char *const *sets;
    size_t set_count;
    uint32_t flags; /* enum pl_broker_flag */
    /* Receives each log line of this broker instead of stderr.  `line` has no
     * line feed and is valid during the call; `level` is of enum pl_level.
     * Called on the thread that logs, several at once, inside any call of
     * parley.h too: it must not block and must not call parley.h. */
    void (*log)(int level, const char *line, void *arg);
    /* Called once per run, on a thread of the broker, when all its actors have
     * stopped.  pl_broker_wait() then returns soon. */
    void (*stopped)(void *arg);
    /* Called once and last, by pl_broker_destroy(): the broker does not know
     * `arg` any more. */
    void (*release)(void *arg);
    void *arg; /* of the three calls above */
};

/* Read the configuration and create a broker that does not run yet.  The log
 * names each configuration error by file, line and key, and each option that
 * cannot be used.
 * Owner:  the caller, until pl_broker_destroy().  `setup` is copied.  On error
 *         release() is not called.
 * Thread: any.
 * Errors: PL_EINVAL, PL_EIO, PL_ENOMEM. */
PL_API enum pl_err pl_broker_open(struct pl_broker **out,
                                  const struct pl_broker_setup *setup);

/* Free a broker that never ran, or that pl_broker_wait() has joined.  NULL is
 * allowed.
 * Thread: any. */
PL_API void pl_broker_destroy(struct pl_broker *b);

/* Open the listeners and run.  On a running broker, log a warning and do
 * nothing else.
 * Thread: the thread that created the broker.
 * Errors: PL_EIO (an address or limits.memory cannot be used; see the log),
 *         PL_EEXIST (another broker listens on admin.socket), PL_ENOMEM. */
PL_API enum pl_err pl_broker_start(struct pl_broker *b);

/* Start the shutdown, in phases: see docs/shutdown.md.  Both calls return at
 * once; repeating them has no effect.  pl_broker_hurry() also skips the rest of
 * the grace phase, which waits for work in progress.
 * Thread: any, also inside a handler. */
PL_API void pl_broker_stop(struct pl_broker *b);
PL_API void pl_broker_hurry(struct pl_broker *b);

/* Wait until a shutdown is complete and all threads have exited.  Block until
 * the broker is stopped; return PL_OK at once if it does not run.
 * Thread: any but the broker's own, one at a time.
 * Errors: PL_ETIMEDOUT: a handler blocks its loop beyond shutdown.reset; the
 *         log names the handler.  The broker cannot be destroyed until the
 *         handler has returned: wait again for that. */
PL_API enum pl_err pl_broker_wait(struct pl_broker *b);

/* Read the configuration again, with the same file and sets, and the TLS files
 * that it names.  New connections, logins and requests use the new values of
 * log.level, auth.hmac_secret, api.key, websocket.allowed_origins,
 * websocket.allowed_hosts, tls.certificate, tls.key and tls.client_ca; no
 * connection is lost.  The log names each other key that differs, because it
 * needs a restart.  On any error nothing changes, and the log names the reason.
 * Thread: any, but not while another thread is in pl_broker_start().  Blocks
 *         while it reads files.
 * Errors: PL_EINVAL (a key or a file), PL_EIO, PL_ENOMEM. */
PL_API enum pl_err pl_broker_reload(struct pl_broker *b);

/* Return the port of the n-th address of `listen` or `listen_tls`, or of
 * admin.listen; 0: no such address.  Valid after pl_broker_start().
 * Thread: any. */
PL_API uint16_t pl_broker_port(const struct pl_broker *b, unsigned n);
PL_API uint16_t pl_broker_tls_port(const struct pl_broker *b, unsigned n);
PL_API uint16_t pl_broker_admin_port(const struct pl_broker *b);

/* Write the status as JSON.  Works at any time, also while a handler blocks and
 * after the shutdown; never waits for a loop.
 * Owner:  the caller frees *out with free().
 * Thread: any.
 * Errors: PL_ENOMEM. */
PL_API enum pl_err pl_broker_status(const struct pl_broker *b, char **out);

/* Publish `data`, which must be JSON unless channels.data is binary.  With
 * binary data that is not JSON, subscribers that use JSON are disconnected.
 * When this returns, the publication is in transit; its result is not reported.
 * Thread: any.
 * Errors: PL_ENOMEM, PL_EINVAL (channel name, data), PL_ETOOBIG (more than
 *         1 GiB), PL_ESTOPPING (not running, or stopping). */
PL_API enum pl_err pl_broker_publish(struct pl_broker *b, const char *channel,
                                     const void *data, size_t len);

/* --- Custom messages --- */

/* Called for each rpc with the registered type as its method, and for each send
 * with it as its "type".  A handler of "connect" is called for each client that
 * connects without a token, and while auth.hmac_secret is not set also for
 * clients with a token.
 *
 * The handler runs on the loop of the client's connection and must not block,
 * because the other connections of the loop wait.  The log and the status name
 * a handler that blocks longer than handlers.slow.
 *
 * The handler must finish the call exactly once, before it returns or later,
 * from any thread: with pl_call_reply(), pl_call_fail() or, for a connect,
 * pl_call_accept().  This includes a send, although it has no reply.  It also
 * holds after the broker has stopped, was started again or was destroyed: the
 * result is then discarded, and the status after the shutdown counts it
 * ("handlers.late"). */
typedef void pl_broker_handler(struct pl_call *call, void *context);

/* Register a handler, or drop it, at any time.  Calls in progress continue.
 * Running loops switch to the new handler a moment later; on error nothing
 * changes.  After the first registration of "connect" the broker behaves as if
 * PL_HANDLES_CONNECT were set.
 *
 * release(context) is called once, when no loop knows the handler any more and
 * no client waits for a call of it: after pl_broker_drop_method(), on any
 * thread of the broker or in that call, or in pl_broker_destroy().  It may call
 * parley.h as a handler may, but not during pl_broker_destroy().  NULL: nothing
 * is called.  On error it is not called.
 * Thread: any, but not while another thread is in pl_broker_start().
 * Errors: PL_EEXIST (the name has a handler), PL_ENOENT (it has none),
 *         PL_ENOMEM, PL_EINVAL (`handler` is NULL, or no message can reach it:
 *         `name` is empty, not UTF-8 or reserved, as actor.* and sys.*). */
PL_API enum pl_err pl_broker_method(struct pl_broker *b, const char *name,
                                    pl_broker_handler *handler, void *context,
                                    void (*release)(void *context));
PL_API enum pl_err pl_broker_drop_method(struct pl_broker *b, const char *name);

/* The data that the client sent, JSON (any bytes from a protobuf client), and
 * the client's identity; valid until the call is finished.  A zero byte follows
 * each.  The user of an anonymous client is ""; the token is "" except in a
 * connect. */
PL_API const char *pl_call_data(const struct pl_call *call, size_t *len);
PL_API const char *pl_call_type(const struct pl_call *call);
PL_API const char *pl_call_user(const struct pl_call *call);
PL_API const char *pl_call_client(const struct pl_call *call);
PL_API const char *pl_call_token(const struct pl_call *call);

/* Finish the call and free it.  `data` is JSON, NULL: no data; a JSON client
 * gets error 100 if it is not.  `code` is 400 to 1999.  `info` is JSON that
 * other clients see with the user, NULL: no info.
 * Thread: any.
 * Errors: the call is still pending; finish it again.  PL_ENOMEM, PL_EINVAL
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
