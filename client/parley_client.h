/* SPDX-License-Identifier: Apache-2.0 */
/* parley_client.h - a client of the Centrifuge protocol v2, and of plain
 * WebSocket servers.
 *
 *     struct plc_group_options go = {.size = sizeof go};
 *     struct plc_client_options co = {.size = sizeof co, .url = "ws://..."};
 *     struct plc_sub_options so = {.size = sizeof so, .channel = "news",
 *                                  .publication = on_publication};
 *     if (plc_group_create(&group, &go) == PL_OK &&
 *         plc_client_create(&client, group, &co) == PL_OK &&
 *         plc_subscribe(&sub, client, &so) == PL_OK &&
 *         plc_client_connect(client) == PL_OK)
 *             ... the program does its work ...
 *     plc_group_stop(group, 1000);
 *     plc_group_wait(group, 1500);
 *     plc_group_destroy(group);
 *
 * Thread:  any, also inside callbacks, unless a call says otherwise.  The
 *          callbacks of a group run one at a time, in order, on its loop, and
 *          under no lock; they must not block.
 * Owner:   a call copies what it is given before it returns.  What a callback
 *          is given is valid until it returns.  A release() is called once and
 *          last: after it the library never uses that `arg` again.
 * Errors:  negative; then nothing was accepted and no callback follows.  Any
 *          call that returns one may return PL_EINVAL or PL_ENOMEM.  The call
 *          pl_err_text() returns the text of an error.
 *
 * fork():  the child has nothing of a group: each call about it fails with
 *          PL_ECLOSED or does nothing, destroying it too, and writes nothing to
 *          its connections.  A child that neither ends nor calls exec() keeps
 *          their descriptors open.
 *
 * Options begin with `size`, which is sizeof the struct as the program was
 * compiled: {.size = sizeof o, ...}.  0 and NULL mean the default.  A library
 * that knows fewer members than the program refuses those that are set. */
#ifndef PARLEY_CLIENT_H
#define PARLEY_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PLC_API __attribute__((visibility("default")))

struct event_base; /* of libevent */
struct plc_group;  /* a loop, the connections on it, and their one stop */
struct plc_client; /* a client of the protocol */
struct plc_sub;    /* a channel to which a client is subscribed */
struct plc_ws;     /* a plain WebSocket channel */
struct plc_token;  /* a question for a token, to be answered once */

struct plc_bytes {
    const void *at;
    size_t len;
};

/* --- Groups --- */

enum plc_level { PLC_DEBUG, PLC_INFO, PLC_WARN, PLC_ERROR };

enum plc_group_flag {
    /* Callbacks wait for plc_group_dispatch(). */
    PLC_MANUAL = 1
};

struct plc_group_options {
    size_t size;
    /* Lent: the group runs on it, and calls marked "base" come from its thread.
     * NULL: the group has a thread of its own. */
    struct event_base *base;
    uint32_t flags; /* enum plc_group_flag */
    /* Callbacks that may wait; beyond it, nothing is read from servers.
     * 0: 4,096. */
    uint32_t event_queue;
    /* Likewise their bytes, which one message may exceed.  0: 64 MiB. */
    uint32_t event_queue_bytes;
    /* Receives log lines.  NULL: silence.  Thread: any. */
    void (*log)(enum plc_level level, const char *line, void *arg);
    /* Called once for each label, at its first open (PL_OK), or when it is
     * certain that there will be none. */
    void (*result)(struct plc_group *g, const char *label, enum pl_err err,
                   const char *why, void *arg);
    /* Everything is completed and closed; `forced`: the connections that the
     * deadline cut. */
    void (*stopped)(struct plc_group *g, unsigned forced, void *arg);
    void (*release)(void *arg);
    void *arg;
};

/* Owner:  the caller, until plc_group_destroy().
 * Thread: base.
 * Errors: PL_EIO: no thread or no descriptor. */
PLC_API enum pl_err plc_group_create(struct plc_group **out,
                                     const struct plc_group_options *options);

/* Begin to stop: refuse what is new, flush, send Close frames to all servers at
 * once, and cut what is left at the deadline, which holds for all connections
 * together.  Called again, a nearer deadline counts and a later one does
 * not. */
PLC_API void plc_group_stop(struct plc_group *g, uint32_t deadline_ms);

/* Wait until the group has stopped.
 * Thread: any but that of its loop.
 * Errors: PL_ETIMEDOUT. */
PLC_API enum pl_err plc_group_wait(struct plc_group *g, uint32_t timeout_ms);

/* Cut what still runs, complete everything, and free the group and all that is
 * in it.  NULL is allowed. Thread: base, also inside a callback, which the
 * group then outlives; if the group has a thread of its own, any but that one.
 */
PLC_API void plc_group_destroy(struct plc_group *g);

/* With PLC_MANUAL: a descriptor that is readable while callbacks wait; else -1.
 * Owner:  the group; poll it and do nothing else with it. */
PLC_API int plc_group_fd(struct plc_group *g);

/* With PLC_MANUAL: run up to `max` callbacks that wait; return their number.
 * Thread: any, one at a time. */
PLC_API size_t plc_group_dispatch(struct plc_group *g, size_t max);

/* Calls are counted so that at any moment
 * accepted = done + refused + not_sent + unknown + pending. */
struct plc_status {
    size_t size;                 /* set it before the call */
    bool client_running;         /* not stopping, and not stopped */
    bool network_driver_running; /* the loop */
    bool dispatcher_exists;
    bool dispatcher_done;      /* all callbacks have run */
    bool dispatcher_cancelled; /* the deadline cut connections */
    bool unused[3];
    uint64_t event_queue_size; /* callbacks that wait */
    uint64_t connections, open, subscriptions;
    uint64_t accepted, done, refused, not_sent, unknown, pending;
    uint64_t turned_away; /* calls that were not accepted */
    uint64_t queue_bytes; /* of the pending calls */
    uint64_t publications, bytes_in, bytes_out, reconnects;
    uint64_t stop_forced, stop_elapsed_ms;
    uint64_t dropped;     /* replies and pushes that belong to nothing */
    uint64_t events_lost; /* callbacks, for lack of memory */
    uint64_t tls_handshakes, tls_resumed; /* the second are among the first */
};

/* Never waits; allowed at any time before plc_group_destroy(). */
PLC_API void plc_group_status(const struct plc_group *g, struct plc_status *s);

/* Likewise, as JSON.  Owner: the caller, with free(). */
PLC_API enum pl_err plc_group_status_json(const struct plc_group *g,
                                          char **out);

/* --- What every connection has --- */

enum plc_link_flag {
    PLC_NO_VERIFY = 1,  /* accept any certificate; for tests only */
    PLC_NO_DEFLATE = 2, /* do not offer permessage-deflate */
    PLC_PROTOBUF = 4,   /* the protocol's binary encoding */
    PLC_NO_RESUME = 8   /* a full TLS handshake at each connection */
};

/* NULL where one is asked for: all defaults. */
struct plc_link {
    size_t size;
    const char *headers; /* more of the handshake: "Name: value\r\n..." */
    const char *subprotocol;
    const char *proxy;   /* "http://user:word@host:port", or "env" */
    const char *ca_file; /* PEM; NULL: the system's authorities */
    const char *cert_file, *key_file; /* PEM; NULL: no certificate */
    const char *tls_name;             /* expected; NULL: the host of the URL */
    /* Resolves names instead of the system; it ends in plc_resolved(), now or
     * later.  Thread: the loop's. */
    void (*resolve)(const char *host, void *answer, void *arg);
    void *resolve_arg;
    uint32_t flags; /* enum plc_link_flag */
    /* For name, TCP, TLS, proxy and handshake together; 0: 5,000. */
    uint32_t connect_ms;
    /* Calls that are accepted and have no completion yet; 0: 65,536 and
     * 16 MiB. */
    uint32_t queue_messages, queue_bytes;
    /* When that is used up: 0 refuses with PL_EFULL; else the caller waits, the
     * oldest first, but never on the loop. */
    uint32_t full_wait_ms;
    uint32_t send_ms;     /* no progress in writing; 0: 5,000 */
    uint32_t message_in;  /* bytes; 0: 16 MiB */
    uint32_t message_out; /* bytes; 0: 64 KiB, of plain channels 16 MiB */
};

/* Answer a resolve(), once, with numeric addresses.  `count` 0: no such name.
 * It is due also when the group is gone: until then the answer keeps its
 * memory.  Thread: any. */
PLC_API void plc_resolved(void *answer, const char *const *addresses,
                          size_t count);

enum plc_outcome {
    PLC_DONE,
    PLC_REFUSED,  /* by the server */
    PLC_NOT_SENT, /* it never left */
    PLC_UNKNOWN   /* it left, and no answer came */
};

struct plc_info {
    const char *user, *client;
    struct plc_bytes conn_info, chan_info;
};

struct plc_tag {
    const char *key, *value;
};

struct plc_publication {
    struct plc_bytes data;
    const char *channel;
    const struct plc_info *info; /* NULL: no client published it */
    const struct plc_tag *tags;
    size_t tag_count;
    uint64_t offset; /* 0: none */
    int64_t time_ms; /* since 1970; 0: unknown */
    bool recovered;
};

struct plc_result {
    enum plc_outcome outcome;
    /* PL_OK; PL_EDENIED: see `code`; PL_ETIMEDOUT, PL_ECLOSED, PL_ESTOPPING. */
    enum pl_err err;
    uint32_t code;                                     /* the server's error */
    bool temporary;                                    /* that one */
    const char *message;                               /* that one */
    uint32_t num_clients;                              /* of a presence */
    uint32_t num_users;                                /* of a presence */
    const char *epoch;                                 /* of a history */
    uint64_t offset;                                   /* of a history */
    struct plc_bytes data;                             /* of an rpc */
    const struct plc_publication *const *publications; /* of a history */
    size_t publication_count;
    const struct plc_info *const *present; /* of a presence */
    size_t present_count;
};

/* Called once for each accepted call; NULL is allowed. */
typedef void plc_done(const struct plc_result *result, void *arg);

/* --- Clients of the protocol --- */

enum plc_state {
    PLC_DISCONNECTED,
    PLC_CONNECTING,
    PLC_CONNECTED,
    PLC_UNSUBSCRIBED,
    PLC_SUBSCRIBING,
    PLC_SUBSCRIBED
};

/* Codes and words are those of the official SDKs. */
struct plc_change {
    enum plc_state from, to;
    uint32_t code;
    uint32_t attempt; /* CONNECTING: since the last connection; from 0 */
    const char *reason;
    const char *client, *version; /* CONNECTED */
    const char *epoch;            /* SUBSCRIBED: the position */
    uint64_t offset;              /* likewise */
    struct plc_bytes data;        /* CONNECTED, SUBSCRIBED: the server's */
    bool positioned, recoverable, was_recovering, recovered; /* SUBSCRIBED */
};

struct plc_client_options {
    size_t size;
    const char *url;   /* several, separated by spaces: the next one at each
                          attempt */
    const char *label; /* its name in the group */
    const struct plc_link *link;
    const char *token, *name, *version;
    struct plc_bytes data; /* JSON; with PLC_PROTOBUF any bytes */
    uint32_t timeout_ms;   /* for an answer; 0: 5,000 */
    uint32_t backoff_min_ms, backoff_max_ms; /* 0: 500 and 20,000 */
    uint32_t ping_slack_ms;                  /* 0: 10,000 */
    /* Ends in plc_token_answer() or plc_token_fail(), now or later. */
    void (*get_token)(struct plc_client *c, struct plc_token *t, void *arg);
    void (*state)(struct plc_client *c, const struct plc_change *change,
                  void *arg);
    /* What no state shows, such as a failed attempt. */
    void (*error)(struct plc_client *c, enum pl_err err, uint32_t code,
                  const char *text, void *arg);
    void (*message)(struct plc_client *c, const struct plc_bytes *data,
                    void *arg);
    /* Of subscriptions that the server made. */
    void (*server_state)(struct plc_client *c, const char *channel,
                         const struct plc_change *change, void *arg);
    void (*server_publication)(struct plc_client *c,
                               const struct plc_publication *p, void *arg);
    void (*server_presence)(struct plc_client *c, const char *channel,
                            bool joined, const struct plc_info *info,
                            void *arg);
    void (*release)(void *arg);
    void *arg;
};

/* Owner:  the caller, until plc_client_destroy() or plc_group_destroy().
 * Errors: PL_EEXIST: the label; PL_ESTOPPING. */
PLC_API enum pl_err plc_client_create(struct plc_client **out,
                                      struct plc_group *g,
                                      const struct plc_client_options *options);

/* Connect, and stay connected; nothing if it does already.
 * Errors: PL_ESTOPPING. */
PLC_API enum pl_err plc_client_connect(struct plc_client *c);

/* Disconnect with code 0.  Subscriptions wait for the next connect.
 * Errors: PL_ESTOPPING. */
PLC_API enum pl_err plc_client_disconnect(struct plc_client *c);

/* Disconnect, unsubscribe with code 2, then release. */
PLC_API void plc_client_destroy(struct plc_client *c);

PLC_API enum pl_err plc_client_set_token(struct plc_client *c,
                                         const char *token);
PLC_API enum plc_state plc_client_state(const struct plc_client *c);

/* Answer get_token() once with one of these, also when the group is gone.
 * `token` NULL: not authorized, which is final.  After a failure the client
 * asks again later. */
PLC_API void plc_token_answer(struct plc_token *t, const char *token);
PLC_API void plc_token_fail(struct plc_token *t, const char *why);

/* These are accepted before the first connect and while connecting, and then
 * wait.  Those of one thread leave in their order.  A send is done when the
 * kernel has it, the others when the server has answered.
 * A client that is disconnected for good completes them at once, as
 * PLC_NOT_SENT with PL_ECLOSED.
 * Errors: PL_EINVAL: in JSON, data that is not one JSON value; PL_EFULL,
 *         PL_ETOOBIG, PL_ESTOPPING. */
PLC_API enum pl_err plc_publish(struct plc_client *c, const char *channel,
                                const void *data, size_t len, plc_done *done,
                                void *arg);
PLC_API enum pl_err plc_rpc(struct plc_client *c, const char *method,
                            const void *data, size_t len, plc_done *done,
                            void *arg);
PLC_API enum pl_err plc_send(struct plc_client *c, const void *data, size_t len,
                             plc_done *done, void *arg);
/* `to` and `type` as in the actor extension of the protocol. */
PLC_API enum pl_err plc_actor_send(struct plc_client *c, const char *to,
                                   const char *type, const void *data,
                                   size_t len, plc_done *done, void *arg);
/* `limit` 0: the position only; -1: all.  `since_epoch` NULL: from the
 * start. */
PLC_API enum pl_err plc_history(struct plc_client *c, const char *channel,
                                int32_t limit, const char *since_epoch,
                                uint64_t since_offset, bool reverse,
                                plc_done *done, void *arg);
PLC_API enum pl_err plc_presence(struct plc_client *c, const char *channel,
                                 bool numbers_only, plc_done *done, void *arg);

enum plc_sub_flag {
    PLC_POSITIONED = 1,
    PLC_RECOVERABLE = 2,
    PLC_JOIN_LEAVE = 4,
    PLC_SINCE = 8 /* recover from `since_*` at first */
};

struct plc_sub_options {
    size_t size;
    const char *channel, *token;
    const char *since_epoch;
    uint64_t since_offset;
    struct plc_bytes data;
    uint32_t flags;                          /* enum plc_sub_flag */
    uint32_t backoff_min_ms, backoff_max_ms; /* 0: 500 and 20,000 */
    uint32_t unused;
    void (*get_token)(struct plc_sub *s, struct plc_token *t, void *arg);
    void (*state)(struct plc_sub *s, const struct plc_change *change,
                  void *arg);
    void (*error)(struct plc_sub *s, enum pl_err err, uint32_t code,
                  const char *text, void *arg);
    void (*publication)(struct plc_sub *s, const struct plc_publication *p,
                        void *arg);
    void (*presence)(struct plc_sub *s, bool joined,
                     const struct plc_info *info, void *arg);
    void (*release)(void *arg);
    void *arg;
};

/* Make a subscription and start it.
 * Owner:  the caller, until plc_sub_destroy() or that of its client.
 * Errors: PL_EEXIST: the client has one for the channel; PL_ESTOPPING. */
PLC_API enum pl_err plc_subscribe(struct plc_sub **out, struct plc_client *c,
                                  const struct plc_sub_options *options);
/* Start again, from the position that it has. */
PLC_API enum pl_err plc_sub_start(struct plc_sub *s);
/* Unsubscribe with code 0.  No publication comes after it; the position
 * stays. */
PLC_API enum pl_err plc_sub_stop(struct plc_sub *s);
PLC_API enum plc_state plc_sub_state(const struct plc_sub *s);
/* Stop and forget; the channel is free at once. */
PLC_API void plc_sub_destroy(struct plc_sub *s);
/* Like plc_publish(), once subscribed. */
PLC_API enum pl_err plc_sub_publish(struct plc_sub *s, const void *data,
                                    size_t len, plc_done *done, void *arg);
/* The position, from which another process can go on: return the offset, and
 * write the epoch, "" if there is none. */
PLC_API uint64_t plc_sub_position(const struct plc_sub *s, char epoch[64]);

/* --- Plain WebSocket channels --- */

enum plc_kind { PLC_TEXT = 1, PLC_BINARY = 2, PLC_PING = 9, PLC_PONG = 10 };

enum plc_ws_state {
    PLC_WS_CONNECTING,
    PLC_WS_OPEN,
    PLC_WS_CLOSING,
    PLC_WS_CLOSED
};

struct plc_ws_options {
    size_t size;
    const char *url, *label;
    const struct plc_link *link;
    uint32_t ping_ms;  /* between pings; 0: none */
    uint32_t pong_ms;  /* for the pong; 0: 10,000 */
    uint32_t idle_ms;  /* without a message; 0: for ever */
    uint32_t close_ms; /* for the Close of the server; 0: 1,000 */
    void (*open)(struct plc_ws *w, const char *subprotocol, void *arg);
    /* Pings are answered by the library; pongs come here too.  A message for
     * which there is no memory ends the connection, with 1006. */
    void (*message)(struct plc_ws *w, enum plc_kind kind,
                    const struct plc_bytes *data, void *arg);
    /* Once for each open(). */
    void (*closed)(struct plc_ws *w, uint16_t code, const char *reason,
                   bool clean, void *arg);
    /* It did not open; `http_status` 0: there was none. */
    void (*failed)(struct plc_ws *w, enum pl_err err, int http_status,
                   const char *why, void *arg);
    void (*release)(void *arg);
    void *arg;
};

/* Owner:  the caller, until plc_ws_destroy() or plc_group_destroy().
 * Errors: PL_EEXIST: the label; PL_ESTOPPING. */
PLC_API enum pl_err plc_ws_create(struct plc_ws **out, struct plc_group *g,
                                  const struct plc_ws_options *options);
/* Connect.  The first send does it too, and the first after a close.
 * Errors: PL_ESTOPPING. */
PLC_API enum pl_err plc_ws_open(struct plc_ws *w);
/* Send one message, with one fragment for each part; nothing comes between
 * them.  It waits until the channel is open.
 * Errors: as plc_publish(). */
PLC_API enum pl_err plc_ws_send(struct plc_ws *w, enum plc_kind kind,
                                const struct plc_bytes *parts, size_t count,
                                plc_done *done, void *arg);
/* Close with `code`, 0: 1000, after what has begun to leave; what waits ends as
 * PLC_NOT_SENT. */
PLC_API enum pl_err plc_ws_close(struct plc_ws *w, uint16_t code,
                                 const char *reason);
PLC_API enum plc_ws_state plc_ws_state(const struct plc_ws *w);
PLC_API void plc_ws_destroy(struct plc_ws *w);

#ifdef __cplusplus
}
#endif

#endif
