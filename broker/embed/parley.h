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

struct event_base; /* of libevent */
struct pl_broker;  /* opaque */
struct pl_call;    /* one custom message until its handler replies */

/* Options begin with `size`, which is sizeof the struct as the program was
 * compiled: {.size = sizeof o, ...}.  0 and NULL mean the default.  A library
 * that knows fewer members than the program refuses those that are set. */

struct pl_events; /* below */

enum pl_broker_flag {
    /* Anonymous clients may do everything; restricts the broker to loopback
     * addresses. */
    PL_INSECURE = 1,
    /* A method "connect" decides which clients may connect; see
     * pl_broker_handler.  While none is registered, also after
     * pl_broker_drop_method(), these clients get error 100, which is
     * temporary, regardless of auth.anonymous and PL_INSECURE. */
    PL_HANDLES_CONNECT = 2,
    /* Take over the sockets that a supervisor of services passes to the
     * process, as systemd does (LISTEN_PID, LISTEN_FDS), and treat them as
     * `listeners`.  Without such sockets the flag has no effect. */
    PL_SYSTEMD_SOCKETS = 4,
    /* Take settings from environment variables too, as PARLEY_LOG_LEVEL:
     * they override the file, and sets override them.  pl_broker_open() copies
     * them; a reload uses the copies. */
    PL_ENVIRONMENT = 8,
    /* `config_file` is one of Centrifugo 6, in JSON or YAML.  With
     * PL_ENVIRONMENT the variables CENTRIFUGO_* override it. */
    PL_CENTRIFUGO = 16
};

enum pl_level { PL_DEBUG, PL_INFO, PL_WARN, PL_ERROR };

struct pl_broker_setup {
    size_t size;
    const char *config_file; /* YAML; NULL: no file */
    /* Settings that override the file, "key=value" as for parleyd --set. */
    const char *const *sets;
    size_t set_count;
    uint32_t flags; /* enum pl_broker_flag */
    /* How long may_refresh(), may_subscribe() and may_publish() may take for an
     * answer, at most an hour; 0: handlers.timeout. */
    uint32_t answer_ms;
    /* Receives each log line of this broker instead of stderr.  `line` has no
     * line feed and is valid during the call; `level` is of enum pl_level.
     * Called on the thread that logs, several at once, inside any call of
     * parley.h too: it must not block and must not call parley.h. */
    void (*log)(int level, const char *line, void *arg);
    /* TCP sockets that listen already; see also PL_SYSTEMD_SOCKETS.  The broker
     * owns them if pl_broker_open() succeeds, and closes them in
     * pl_broker_destroy().  They are served in addition to `listen`, which may
     * then be
     * []. */
    const int *listeners;
    size_t listener_count; /* up to 64, with those of systemd */
    /* Lent: handlers, events and report() run on it, one after the other, on
     * the thread that runs it; sockets, deadlines and the status never do, so
     * whatever blocks there delays what runs there and no traffic.  It
     * outlives the broker.  NULL: they run on the loops of the broker. */
    struct event_base *base;
    const struct pl_events *events; /* copied; NULL: no
                                       events */
    /* Called once per run, on a thread of the broker or on `base`, when all its
     * actors have
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
 * Thread: the thread that created the broker; with a lent base also that of
 *         the base, or any while it does not run.
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
 * Thread: any but the broker's own, one at a time; with a lent base that of the
 *         base, or any while it does not run.  What still waits for the base
 *         runs inside this call.
 * Errors: PL_ETIMEDOUT: a handler blocks its loop beyond shutdown.reset; the
 *         log names the handler.  The broker cannot be destroyed until the
 *         handler has returned: wait again for that.
 *         PL_EINVAL: with a lent base, inside a handler, an event or report().
 */
PL_API enum pl_err pl_broker_wait(struct pl_broker *b);

/* Read the configuration again, with the same file, variables and sets, and the
 * TLS files that it names.  New connections, logins and requests use the new
 * values of log.level, auth.*, api.key, websocket.allowed_origins,
 * websocket.allowed_hosts, channels.*, actors.allow_send, tls.certificate,
 * tls.key and tls.client_ca; no connection is lost.  The log names each other
 * key that differs, because it needs a restart.  On any error nothing changes,
 * and the log names the reason.
 * Thread: any, but not while another thread is in pl_broker_start().  Blocks
 *         while it reads files.
 * Errors: PL_EINVAL (a key or a file), PL_EIO, PL_ENOMEM. */
PL_API enum pl_err pl_broker_reload(struct pl_broker *b);

/* Give the channels of `pattern` rules of their own: "room:*" is those whose
 * names begin with "room:", "*" those that no other pattern names.  `settings`
 * are keys of the section `channels` of the configuration, separated by spaces:
 * "history_size=100 presence=true".  For each key that they do not say the
 * configuration counts, also after a reload: its namespace "room", or else its
 * section `channels`.  A name whose namespace neither the configuration nor a
 * pattern has is error 102, unless there is a pattern "*".  Another call for
 * the same pattern replaces the rules.  A running broker uses them for new
 * commands at once, and for a channel that has subscribers from its next one
 * on. Thread: any, but not while another thread is in pl_broker_start().
 * Errors: PL_EINVAL (the log names a wrong key or value), PL_ENOMEM. */
PL_API enum pl_err pl_broker_rule(struct pl_broker *b, const char *pattern,
                                  const char *settings);

/* Return the port of the n-th address of `listen` or `listen_tls`, or of
 * admin.listen; 0: no such address.  Listeners of the setup follow those of
 * `listen`.  Valid after pl_broker_start().
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

/* --- Events --- */

/* A client that is logged in.  Valid during the call that gets it. */
struct pl_peer {
    const char *user;   /* "": anonymous */
    const char *client; /* the id of the connection */
    const char *info;   /* JSON, without a final zero; NULL: none */
    size_t info_len;
    const char *address; /* as pl_ask_address() */
};

struct pl_ask; /* a question of a judge, until it is answered */

/* What a program is notified of and decides, from before the first address
 * opens until the last connection has ended.  Each call comes on the loop of
 * the connection or of the channel, several at once for different ones, and
 * must not block; it may call parley.h as a handler may.  NULL: not called. For
 * one connection the sequence is connected(), subscription() any number of
 * times, disconnected(), also in a shutdown and without memory. */
struct pl_events {
    size_t size;
    /* Judges.  NULL: the configuration decides.  Set: what the configuration
     * allows happens only with their word, and a connect only with it.  Each is
     * asked once for each command and answers the question exactly once, before
     * it returns or later, from any thread, with pl_ask_allow(), pl_ask_deny(),
     * pl_ask_later() or pl_ask_close().  Until then the command waits, and what
     * the client says of this channel afterwards; a connect holds the whole
     * client.  Without an answer after answer_ms of the setup (a connect:
     * connect.timeout) the client gets a temporary error.
     * may_connect(): each client, with a token or without; of a token that
     * a key in auth has verified, pl_ask_user() is its user.
     * may_refresh(): each refresh of a connection.
     * may_subscribe(): each subscribe of a client, not the channels of a token
     * and not pl_broker_subscribe(); and each sub_refresh, the refresh of a
     * subscription that expires (pl_ask_is_refresh()).
     * may_publish(): each publication of a client. */
    void (*may_connect)(struct pl_ask *ask, void *arg);
    void (*may_refresh)(struct pl_ask *ask, void *arg);
    void (*may_subscribe)(struct pl_ask *ask, void *arg);
    void (*may_publish)(struct pl_ask *ask, void *arg);
    /* A client is logged in; it has not read its reply yet. */
    void (*connected)(const struct pl_peer *peer, void *arg);
    /* Once for each connected().  `code` is that of the Close frame, 0: the
     * connection ended without one. */
    void (*disconnected)(const struct pl_peer *peer, uint32_t code,
                         const char *reason, void *arg);
    /* A subscription begins, or ends: with the code of the unsubscribe push or
     * of the Close frame, 0: the client asked for it.  Each that began ends
     * before disconnected().  Also for inboxes, "#user". */
    void (*subscription)(const struct pl_peer *peer, const char *channel,
                         bool begins, uint32_t code, void *arg);
    /* The first subscriber of a channel came, or the last one went; alternately
     * for each channel. */
    void (*channel)(const char *name, bool first, void *arg);
    /* Called once, by pl_broker_destroy(), before the release() of the setup.
     */
    void (*release)(void *arg);
    void *arg;
};

/* --- Orders --- */

/* A publication of a history, or a client of a presence.  Texts are valid
 * during the call of report(). */
struct pl_item {
    const char *user;   /* "": anonymous, or published by a backend */
    const char *client; /* its id; "": published by a backend */
    const char *info;   /* JSON, without a final zero; NULL: none */
    size_t info_len;
    const void *data; /* of a publication, without a final zero */
    size_t len;
    uint64_t offset; /* of a publication */
    /* Of a client: the info of its subscription, as `info`; NULL: none. */
    const char *chan_info;
    size_t chan_info_len;
};

/* What came of an order.  Valid during the call of report(). */
struct pl_outcome {
    enum pl_err err;   /* PL_OK, or see the order */
    uint32_t count;    /* see the order */
    uint64_t offset;   /* of the publication, or the newest of the history */
    const char *epoch; /* of that offset; "": the channel has no history */
    const struct pl_item *items; /* history, presence: `count` of them */
};

/* Called once for each order that was accepted, on a thread of the broker, in a
 * stop also on that of pl_broker_wait().  It must not block, and it may call
 * parley.h as a handler may.  Errors of every order: PL_ESTOPPING (the broker
 * stopped; whether the order was carried out is not known), PL_EFULL (a queue
 * is full; try again later), PL_EIO (the broker failed, see its log),
 * PL_ENOMEM. */
typedef void pl_report(const struct pl_outcome *outcome, void *arg);

/* The orders.  Each call copies what it gets and returns at once; the order
 * then is in transit.  Orders of one thread about the same channel, or the same
 * connection, are carried out in their sequence, and so are those about the
 * same user, except messages, which are publications in the user's inbox.
 * `report` may be NULL.
 * Owner:  `arg` stays the program's.
 * Thread: any.
 * Errors: nothing was accepted and report() is not called.  PL_ENOMEM;
 * PL_EINVAL (a channel, an address, a code or data that no order can have);
 *         PL_ETOOBIG (more than 1 GiB of data); PL_ESTOPPING (not running, or
 *         stopping); PL_EFULL (65,536 orders or 256 MiB have no outcome
 *         yet). */

/* A tag of a publication; UTF-8. */
struct pl_tag {
    const char *key, *value;
};

struct pl_post {
    size_t size;
    /* 1 to 255 bytes of UTF-8 that name the publication in its channel: a post
     * with an id of the last five minutes publishes nothing, and its outcome
     * has the position of the first.  So a post whose outcome is not known may
     * be repeated.  NULL: none. */
    const char *id;
    /* Shown to clients, in pushes and in the history; at most 256, of 64 KiB
     * together. */
    const struct pl_tag *tags;
    size_t tag_count;
    /* In a channel with a history: publish only if this is greater than the
     * version of the newest post that had one, or if `version_epoch` (at most
     * 255 bytes) is given and another; else the outcome has the position of the
     * channel.  0: always. */
    uint64_t version;
    const char *version_epoch;
    bool skip_history; /* deliver it without an offset and do not keep it */
};

/* Publish `data`, which must be JSON unless channels.data is binary.  With
 * binary data that is not JSON, subscribers that use JSON are disconnected.
 * `how` NULL: all of it zero.
 * Outcome: the number of subscribers, offset and epoch. */
PL_API enum pl_err pl_broker_post(struct pl_broker *b, const char *channel,
                                  const void *data, size_t len,
                                  const struct pl_post *how, pl_report *report,
                                  void *arg);

/* Send a message to "user/ID", "conn/ID" or "channel/NAME", as clients do with
 * actor.send; its sender is empty.  `type` may be NULL, `body` is JSON, NULL:
 * none.
 * Outcome: the number of connections that got it; PL_ENOENT: no connection has
 *          the id; PL_ECLOSED: the connection closes. */
PL_API enum pl_err pl_broker_send(struct pl_broker *b, const char *to,
                                  const char *type, const void *body,
                                  size_t len, pl_report *report, void *arg);

/* Close the connections of `target`: "user/ID" or "conn/ID".  `code` is 3000 to
 * 4999, 0: 3503.  `reason` is UTF-8 of at most 123 bytes, NULL: the text of the
 * code.
 * Outcome: the number of connections that are being closed. */
PL_API enum pl_err pl_broker_disconnect(struct pl_broker *b, const char *target,
                                        uint32_t code, const char *reason,
                                        pl_report *report, void *arg);

enum pl_subscribe_with {
    /* Push joins and leaves of others to the client, if the channel has
     * join_leave. */
    PL_WITH_JOIN_LEAVE = 1,
    /* Keep the client out of the presence of the channel, and publish no join
     * and no leave of it. */
    PL_WITHOUT_PRESENCE = 2
};

/* Subscribe the connections of `target` on the server side, as a token with
 * channels does; each client that was not subscribed is notified.  `with` is of
 * enum pl_subscribe_with.  The subscription recovers if the channel has a
 * history.  A connection that is subscribed already, or that has
 * limits.connection_channels, stays as it is.
 * Outcome: the number of connections that were asked. */
PL_API enum pl_err pl_broker_subscribe(struct pl_broker *b, const char *target,
                                       const char *channel, uint32_t with,
                                       pl_report *report, void *arg);

struct pl_subscription {
    size_t size;
    uint32_t with;    /* of enum pl_subscribe_with */
    const char *info; /* JSON that others see with the client in this channel;
                         NULL: none */
    const char *data; /* JSON for the client, which comes with the notice of its
                         subscription; NULL: none */
    uint64_t offset;
    const char *epoch;    /* recover what came after `offset`; NULL: nothing */
    int64_t expires_at_s; /* Unix time; 25 s later the connection closes with
                             3006; 0: never */
};

/* Like pl_broker_subscribe(), with terms: info and data of at most 1 MiB each.
 * A connection that is not logged in yet gets no subscription with terms other
 * than `with`. */
PL_API enum pl_err pl_broker_subscribe_as(struct pl_broker *b,
                                          const char *target,
                                          const char *channel,
                                          const struct pl_subscription *how,
                                          pl_report *report, void *arg);

/* Let the connections of `target` end at this Unix time, with 25 s of grace, in
 * place of the end that their tokens say; 0: they do not end.
 * Outcome: the number of connections that were asked. */
PL_API enum pl_err pl_broker_refresh(struct pl_broker *b, const char *target,
                                     int64_t expires_at_s, pl_report *report,
                                     void *arg);

/* End the subscriptions of `target` to the channel.  `code` is 2000 to 2999, 0:
 * 2000; SDKs subscribe again from 2500 on.
 * Outcome: the number of connections that were asked. */
PL_API enum pl_err pl_broker_unsubscribe(struct pl_broker *b,
                                         const char *target,
                                         const char *channel, uint32_t code,
                                         pl_report *report, void *arg);

/* Revoke the tokens with this id (the claim `jti`): no connect, refresh or
 * subscription gets by with one, and the connections that one admitted are
 * closed with 3500.  `expires_at_s` is a Unix time, 0: never; nothing is
 * remembered after it, so it should be that of the tokens.
 * Outcome: PL_ELIMIT: 100,000 revocations and blocks, or 16 MiB, are kept. */
PL_API enum pl_err pl_broker_revoke(struct pl_broker *b, const char *token_id,
                                    int64_t expires_at_s, pl_report *report,
                                    void *arg);

/* Likewise the tokens of `user` that were issued (`iat`) before this Unix time,
 * 0: now; one that does not say when counts as older.  With `channel` only
 * subscription tokens of it; NULL: all tokens of the user.
 * Outcome: the number of connections that were asked; PL_ELIMIT. */
PL_API enum pl_err
pl_broker_revoke_before(struct pl_broker *b, const char *user,
                        const char *channel, int64_t issued_before_s,
                        int64_t expires_at_s, pl_report *report, void *arg);

/* Block a user, not "": its connections are closed with 3503, and so is
 * each that it makes until `expires_at_s`, 0: until it is unblocked.  Blocks
 * and revocations do not survive the end of the broker.
 * Outcome: the number of connections that are being closed; PL_ELIMIT.
 *          Unblock: PL_ENOENT: the user was not blocked. */
PL_API enum pl_err pl_broker_block(struct pl_broker *b, const char *user,
                                   int64_t expires_at_s, pl_report *report,
                                   void *arg);
PL_API enum pl_err pl_broker_unblock(struct pl_broker *b, const char *user,
                                     pl_report *report, void *arg);

struct pl_history {
    size_t size;
    int32_t limit;     /* most publications; 0: only the position; -1: all */
    uint32_t reverse;  /* not 0: newest first */
    uint64_t offset;   /* with `epoch`: those after it, in reverse before it */
    const char *epoch; /* NULL: from the beginning, in reverse from the end */
};

/* Read the history of a channel, at most 16 MiB.  `what` NULL: all.
 * Outcome: the publications, and the newest offset; PL_EDENIED: the channel has
 *          no history. */
PL_API enum pl_err pl_broker_history(struct pl_broker *b, const char *channel,
                                     const struct pl_history *what,
                                     pl_report *report, void *arg);

/* List the clients that subscribe to a channel.
 * Outcome: the clients; PL_EDENIED: the channel has no presence. */
PL_API enum pl_err pl_broker_presence(struct pl_broker *b, const char *channel,
                                      pl_report *report, void *arg);

/* --- Questions of judges --- */

/* What is asked; valid until the question is answered.  A zero byte follows
 * each.  What a question does not have is "": the user of an anonymous client,
 * the client id in a connect, the token in a publish, the channel in a connect
 * and in the refresh of a connection.  The broker verifies no token of a
 * subscribe and of its refresh: that is up to the judge.  The data is that of
 * the connect, of the subscribe or of the publication. */
PL_API const char *pl_ask_user(const struct pl_ask *ask);
PL_API const char *pl_ask_client(const struct pl_ask *ask);
PL_API const char *pl_ask_token(const struct pl_ask *ask);
PL_API const char *pl_ask_channel(const struct pl_ask *ask);
PL_API const char *pl_ask_data(const struct pl_ask *ask, size_t *len);

/* Return true if the client asks to stay: in may_refresh(), and in
 * may_subscribe() for a subscription that it has. */
PL_API bool pl_ask_is_refresh(const struct pl_ask *ask);

/* The address of the client, as far as proxy.trusted allows to believe it;
 * "-": unknown. */
PL_API const char *pl_ask_address(const struct pl_ask *ask);

/* In a connect: a header of the request that opened the connection, if
 * connect.headers names it; several of one name are joined by ", ".  NULL: it
 * has none.  Case does not matter in `name`. */
PL_API const char *pl_ask_header(const struct pl_ask *ask, const char *name);

enum pl_terms_flag {
    /* connect: The client has the rights of anonymous clients, whoever it is;
     * otherwise it counts as authenticated. */
    PL_AS_ANONYMOUS = 1
};

/* What is granted.  0 and NULL: as asked. */
struct pl_terms {
    size_t size;
    const char *user; /* connect; NULL: that of the question */
    /* JSON.  Connect: what other clients see with the user; NULL: that of the
     * token, or none.  Subscribe: what they see with it in this channel
     * (chan_info): in presence, joins, leaves and what it publishes; NULL:
     * none. */
    const char *info;
    /* JSON: of a connect or subscribe, for the reply to the client; of a
     * publish, in place of what the client published. */
    const void *data;
    size_t len;
    /* All but a publish: what is granted ends after this time, unless the
     * client refreshes it: the connection with 3005, the subscription with
     * 2501, both 25 s later.  0: a connection ends as its token says, or
     * never; a subscription does not end. */
    uint32_t expires_in_s;
    uint32_t flags; /* enum pl_terms_flag */
    /* connect: Subscribe the client to these on the server side, in place of
     * the channels of the token; NULL: to those.  More than
     * limits.connection_channels: the client gets error 106. */
    const char *const *channels;
    size_t channel_count;
};

/* Answer the question and free it.  `terms` NULL: as asked.
 * _deny(): an error of 100 to 1999, which is final for SDKs unless the protocol
 *   says otherwise (109: they get a new token).
 * _later(): a temporary error: SDKs try again with backoff.
 * _close(): close the connection with 3000 to 4999.
 * `text` and `reason` are UTF-8, NULL: the text of the code.
 * Thread: any, also after the broker has stopped, was started again or was
 *         destroyed: the answer is then discarded, and counted
 *         ("handlers.late").
 * Errors: the question is still open; answer it again.  PL_ENOMEM, PL_EINVAL (a
 *         code, a text, or a member of the terms that the question cannot
 *         have; data or info that is not JSON; a channel that clients cannot
 *         have). */
PL_API enum pl_err pl_ask_allow(struct pl_ask *ask,
                                const struct pl_terms *terms);
PL_API enum pl_err pl_ask_deny(struct pl_ask *ask, uint32_t code,
                               const char *text);
PL_API enum pl_err pl_ask_later(struct pl_ask *ask, const char *text);
PL_API enum pl_err pl_ask_close(struct pl_ask *ask, uint32_t code,
                                const char *reason);

/* Learn that nothing waits for the answer any more, to drop the work on it.
 * cancelled(work) is called at most once: the connection has closed, the
 * question is overdue or the broker ends.  release(work) is called exactly
 * once, after that or after the answer: the broker does not know `work` any
 * more.  The question itself is still to be answered, which has no effect then.
 * cancelled() and release() come where events come, or inside a call of
 * parley.h when the broker has ended.  Both may be NULL. Owner:  `work` is the
 * broker's until release(). Thread: any, once for each question and before its
 * answer. Errors: nothing is called.  PL_ENOMEM, PL_EEXIST (it is watched). */
PL_API enum pl_err pl_ask_watch(struct pl_ask *ask,
                                void (*cancelled)(void *work),
                                void (*release)(void *work), void *work);

/* --- Custom messages --- */

/* Called for each rpc with the registered type as its method, and for each send
 * with it as its "type".  A handler of "connect" is called for each client that
 * connects without a token, and while auth has no key of tokens also for
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

/* Like pl_ask_watch(), for a call.
 * Errors: also PL_EINVAL: it is a send, which nothing waits for. */
PL_API enum pl_err pl_call_watch(struct pl_call *call,
                                 void (*cancelled)(void *work),
                                 void (*release)(void *work), void *work);

#ifdef __cplusplus
}
#endif

#endif
