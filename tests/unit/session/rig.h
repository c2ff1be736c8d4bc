/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h - sessions over a fake transport on a simulated system, with real hubs
 * and owners of channels and a stand-in for the supervisor.
 *
 * Each function asserts what it needs; a test that fails prints its seed. */
#ifndef PL_RIG_H
#define PL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channels.h"
#include "code.h"
#include "settings_options.h"
#include "handlers.h"
#include "handlers_mail.h"
#include "hub.h"
#include "keyring.h"
#include "session_manager.h"
#include "late_store.h"
#include "loop.h"
#include "mail.h"
#include "memory_mail.h"
#include "metrics.h"
#include "monitor.h"
#include "phase_mail.h"
#include "posted.h"
#include "session.h"
#include "session_mail.h"
#include "sim.h"
#include "system.h"
#include "ws_link.h"
#include "token.h"

enum { RIG_LOOPS_MAX = 4, RIG_CLIENTS_MAX = 512 };
#define RIG_SECRET "a-secret-of-the-tests-that-is-long-enough"

/* One end of a connection: what net and a client would do. */
struct client {
    struct rig *rig;
    struct pl_session *session; /* NULL: freed */
    unsigned loop;
    size_t takes;          /* bytes that the kernel still takes */
    struct pl_buf input;   /* waits while reading is paused */
    size_t input_at;       /* of it, where messages that wait begin */
    struct pl_buf arrived; /* not yet parsed */
    char **said;           /* what the server said, oldest first; owned */
    size_t said_count;
    size_t said_cap;
    size_t read;      /* of them by the test */
    char http[512];   /* its answer to the handshake */
    uint16_t closed;  /* the code of its Close; 0: none came */
    char reason[128]; /* of it */
    unsigned pongs;   /* WebSocket pongs that came */
    unsigned pauses;  /* times that reading was paused */
    bool is_open;     /* the handshake's answer was read */
    bool is_paused;
    bool is_ending;          /* the session asked for an end ... */
    enum pl_end how;         /* ... in this way */
    struct pl_posted posted; /* input by mail, on a link of memory */
    uint16_t goodbye;    /* said after what is queued, on a link of memory */
    bool is_gone;        /* pl_session_gone() was called */
    char id[64];         /* its client id, once connected */
    const char *address; /* of its host; NULL: nobody knows */
};

struct rig_loop {
    struct pl_metrics metrics;
    struct pl_channels *channels;
    struct pl_hub *hub;
    struct pl_session_manager *manager;
    bool is_awake; /* a callback ran, and no turn behind it yet */
};

/* Stands in for the supervisor. */
struct boss {
    struct pl_actor actor; /* first */
    unsigned registered;
    unsigned unregistered;
    unsigned phases_answered;
    uint32_t forced;
    unsigned posted[3];      /* answers to input by mail, by their status */
    unsigned posts_returned; /* ... and those that reached no session */
};

struct rig_link; /* rig_private.h */

struct rig {
    const struct rig_link *link;
    struct pl_sim *sim;
    struct pl_settings *config;
    struct pl_handlers *handlers;
    struct pl_hash_key key;
    unsigned loops;
    struct rig_loop at[RIG_LOOPS_MAX];
    struct pl_address owners[RIG_LOOPS_MAX];
    struct pl_address managers[RIG_LOOPS_MAX];
    struct boss *boss;
    struct pl_keyring *keyring; /* NULL: none */
    struct client *clients[RIG_CLIENTS_MAX];
    unsigned client_count;
};

struct rig_options {
    unsigned loops; /* 0: 1; the boss lives on one more */
    const char *const *sets;
    size_t set_count;
    bool is_secure; /* without --insecure */
    const struct pl_late_options *late;
    bool has_memory_links;        /* whatever PL_RIG_LINK says */
    struct pl_handlers *handlers; /* taken over; NULL: none */
    struct pl_rulebook *rules;    /* in place of the settings'; NULL: theirs */
    uint32_t connection_limit;    /* 0: many */
    uint64_t turn_units;          /* of budget.h; 0: the usual */
    uint64_t answer_ms;           /* for verdicts; 0: handlers.timeout */
    const struct pl_keyring_source *keys; /* NULL: there is no keyring */
    void *key_source;                     /* of `keys` */
};

struct rig *rig_create(uint64_t seed, const struct rig_options *options);

/* Whether clients have links of memory (rig_memory.c), as PL_RIG_LINK=memory
 * says, instead of WebSockets.  Tests of bytes and of protobuf leave then. */
bool rig_has_memory_links(void);

/* With a random seed, that is printed under the test's name. */
struct rig *rig_start(const char *test, const struct rig_options *options);

/* Let all clients go, check that nothing is left of them, stop all actors and
 * free the rig. */
void rig_destroy(struct rig *r);

/* Until nobody has work, then the clock by `ms`; input that waited for a
 * resume is fed. */
void rig_run(struct rig *r, uint64_t ms);

/* The ledgers of commands, deliveries and mail hold, on each loop. */
void rig_check_ledgers(struct rig *r);

/* The sum over all loops. */
uint64_t rig_metric(const struct rig *r, enum pl_metric m);

/* Enter a phase of stop on each session manager. */
void rig_phase(struct rig *r, enum pl_phase phase, bool force);

/* Mail in the boss's name to a session. */
void rig_mail(struct client *c, struct pl_msg *msg);

/* A token for `user` that lives `ttl_s` seconds (0: for ever; less: over),
 * with these channels (NULL: none).  Owner: the caller frees it. */
char *rig_token(struct rig *r, const char *user, int64_t ttl_s,
                const char *const *channels, size_t count);

/* A connection on `loop`, before its handshake. */
struct client *client_create(struct rig *r, unsigned loop);
struct client *client_try(struct rig *r, unsigned loop); /* NULL: not let in */

/* Bytes from the peer; nothing runs yet. */
void client_feed(struct client *c, const void *bytes, size_t len);

/* Put a masked frame behind the content of `b`. */
void client_frame(struct pl_buf *b, unsigned first_byte, const void *payload,
                  size_t len);

extern const char client_request[]; /* a good handshake for JSON */

/* A text message. */
void client_say(struct client *c, const char *text);
void client_sayf(struct client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Handshake; then, with client_join(), connect as anonymous, and both have
 * been answered. */
struct client *client_open(struct rig *r, unsigned loop);
struct client *client_join(struct rig *r, unsigned loop);

/* Subscribe and see it answered. */
void client_subscribe(struct client *c, unsigned id, const char *channel);

/* The kernel takes `bytes` more. */
void client_take(struct client *c, size_t bytes);

/* What the server said next, or NULL. */
const char *client_next(struct client *c);

/* Next comes exactly this, where a '*' stands for anything. */
#define client_expect(c, pattern) rig_expect((c), (pattern), __FILE__, __LINE__)
void rig_expect(struct client *c, const char *pattern, const char *file,
                int line);

/* Nothing more was said. */
#define client_expect_silence(c) assert_null(client_next(c))

/* Run, and the connection is closed with `code`, whose Close frame came. */
#define client_expect_close(c, code)                                           \
    rig_expect_close((c), (code), __FILE__, __LINE__)
void rig_expect_close(struct client *c, unsigned code, const char *file,
                      int line);

/* The peer goes without a word. */
void client_vanish(struct client *c);

/* Whether `text` fits `pattern`, whose '*' stand for anything. */
bool rig_matches(const char *text, const char *pattern);

#endif
