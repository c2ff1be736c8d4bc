/* SPDX-License-Identifier: Apache-2.0 */
/* keyring.c - see keyring.h.
 *
 * A question that finds no answer waits at its set until the request that runs,
 * or begins now, has ended; then all that wait are answered.  A failure is an
 * answer, too: the next question gets it at once, until AGAIN has passed.
 *
 * Rejected: a request for each kid, as Centrifugo sends it: a client may invent
 * one for each token.
 *
 * Invariant: questions wait at a set only while a request for it runs. */
#include "keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "fetch.h"
#include "jwks.h"
#include "key_mail.h"
#include "log.h"
#include "loop.h"
#include "mail.h"
#include "monitor.h"

/* The keys of one URL. */
struct set {
    struct pl_keyring *keyring;
    char *url;                 /* owned; NULL: the place is free */
    struct pl_jwks *keys;      /* owned; NULL: none yet */
    uint64_t fetched_ms;       /* loop time of `keys` */
    uint64_t tried_ms;         /* of the last request's end */
    unsigned tries;            /* of the request that runs; 0: none runs */
    enum pl_err err;           /* of the last request */
    struct pl_key_mail *first; /* questions that wait */
    struct pl_key_mail **end;
    bool has_tried;
};

struct pl_keyring {
    struct pl_actor actor; /* first */
    struct pl_keyring_options options;
    struct set sets[PL_KEYRING_SETS_MAX];
};

static uint64_t now_ms(const struct pl_keyring *k)
{
    return pl_loop_now_ms(k->actor.loop);
}

/* --- Answers --- */

static void answer(struct pl_keyring *k, struct pl_key_mail *m, enum pl_err err,
                   struct pl_jws_key *key, uint64_t life_ms)
{
    m->err = err;
    m->key = key == NULL ? NULL : pl_jws_key_hold(key);
    m->life_ms = life_ms;
    pl_mail_answer(&k->actor, &m->msg);
}

static bool is_fresh(const struct pl_keyring *k, const struct set *s)
{
    return s->keys != NULL &&
           now_ms(k) - s->fetched_ms < (uint64_t)PL_KEYRING_LIFE_MS;
}

/* Answer from the keys that are there; return false if none is the one. */
static bool find(struct pl_keyring *k, const struct set *s,
                 struct pl_key_mail *m)
{
    struct pl_jws_key *key = is_fresh(k, s)
                                 ? pl_jwks_find(s->keys, pl_blob_span(m->kid),
                                                (enum pl_jws_alg)m->alg)
                                 : NULL;

    if (key == NULL)
        return false;
    answer(k, m, PL_OK, key, PL_KEYRING_LIFE_MS - (now_ms(k) - s->fetched_ms));
    return true;
}

static bool may_try(const struct pl_keyring *k, const struct set *s)
{
    return !s->has_tried || now_ms(k) - s->tried_ms >= PL_KEYRING_AGAIN_MS;
}

/* Answer that there is no such key. */
static void deny(struct pl_keyring *k, const struct set *s,
                 struct pl_key_mail *m)
{
    uint64_t since = now_ms(k) - s->tried_ms;

    answer(k, m, is_fresh(k, s) && s->err == PL_OK ? PL_ENOENT : PL_EIO, NULL,
           since < PL_KEYRING_AGAIN_MS ? PL_KEYRING_AGAIN_MS - since : 0);
}

/* Take all questions, because an answer may bring new ones. */
static void answer_all(struct pl_keyring *k, struct set *s)
{
    struct pl_key_mail *m = s->first;

    s->first = NULL;
    s->end = &s->first;
    while (m != NULL) {
        struct pl_key_mail *next = m->next;

        m->next = NULL;
        if (!find(k, s, m))
            deny(k, s, m);
        m = next;
    }
}

/* --- Requests --- */

static void end_request(struct pl_keyring *k, struct set *s, enum pl_err err)
{
    s->tries = 0;
    s->has_tried = true;
    s->tried_ms = now_ms(k);
    s->err = err;
    answer_all(k, s);
}

/* Return what the log may show of a URL: its scheme, host and port.  A user, a
 * password, a path or a query may be a secret. */
static struct pl_span shown(const char *url, char *space, size_t size)
{
    const char *host = strstr(url, "://");

    if (host == NULL)
        return (struct pl_span){0};
    host += 3;
    int scheme = (int)(host - url);
    const char *end = host + strcspn(host, "/?#");

    for (const char *at = host; at < end; at++)
        if (*at == '@')
            host = at + 1;
    int len =
        snprintf(space, size, "%.*s%.*s", scheme, url, (int)(end - host), host);
    return (struct pl_span){space, (size_t)len < size ? (size_t)len : size - 1};
}

static bool begin_request(struct pl_keyring *k, struct set *s)
{
    s->tries++;
    pl_count(k->options.metrics, PL_METRIC_KEY_FETCHES, 1);
    return k->options.ops->fetch(k->options.source, s->url, s) == PL_OK;
}

static enum pl_err take(struct pl_keyring *k, struct set *s,
                        const struct pl_fetch_result *r, const char **why)
{
    struct pl_jwks *keys = NULL;

    *why = r->reason;
    if (r->err != PL_OK)
        return r->err;
    *why = "the status is not 200";
    if (r->status != 200)
        return PL_EIO;
    *why = "the answer is no JWKS";
    enum pl_err rc = pl_jwks_create(&keys, r->body);
    if (rc != PL_OK)
        return rc;
    pl_jwks_destroy(s->keys);
    s->keys = keys;
    s->fetched_ms = now_ms(k);
    return PL_OK;
}

void pl_keyring_fetched(void *set, const struct pl_fetch_result *r)
{
    struct set *s = set;
    struct pl_keyring *k = s->keyring;
    char space[256];
    struct pl_span url = shown(s->url, space, sizeof space);
    const char *why;
    enum pl_err rc = take(k, s, r, &why);

    if (rc == PL_OK) {
        PL_LOG(PL_LOG_INFO, "keys of tokens fetched", pl_log_text("url", url),
               pl_log_number("keys", pl_jwks_count(s->keys)));
        end_request(k, s, PL_OK);
        return;
    }
    pl_count(k->options.metrics, PL_METRIC_KEY_FETCHES_FAILED, 1);
    PL_LOG_LIMITED(PL_LOG_KIND_KEYS, PL_LOG_WARN,
                   "keys of tokens cannot be fetched", pl_log_text("url", url),
                   pl_log_number("status", r->status),
                   pl_log_string("reason", why));
    if (s->tries >= PL_KEYRING_TRIES || !begin_request(k, s))
        end_request(k, s, rc);
}

/* --- Questions --- */

/* Return the set of `url`, begun if there is none; NULL: too many, or out of
 * memory. */
static struct set *need_set(struct pl_keyring *k, struct pl_span url)
{
    struct set *s = k->sets, *end = s + PL_KEYRING_SETS_MAX;

    while (s < end && s->url != NULL && !pl_span_equal(url, pl_span_of(s->url)))
        s++;
    if (s == end)
        return NULL;
    if (s->url == NULL) {
        s->keyring = k;
        s->url = strndup(url.at, url.len);
        s->end = &s->first;
    }
    return s->url == NULL ? NULL : s;
}

static void on_question(struct pl_keyring *k, struct pl_key_mail *m)
{
    struct set *s = need_set(k, pl_blob_span(m->url));

    if (s == NULL) {
        answer(k, m, PL_ENOMEM, NULL, 0);
    } else if (find(k, s, m)) {
        return;
    } else if (s->tries == 0 && !may_try(k, s)) {
        deny(k, s, m);
    } else {
        m->next = NULL;
        *s->end = m;
        s->end = &m->next;
        if (s->tries == 0 && !begin_request(k, s))
            end_request(k, s, PL_ENOMEM);
    }
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct pl_keyring *k = (struct pl_keyring *)a;

    switch (msg->type) {
    case PL_MAIL_KEY:
        if (msg->returned) /* an answer that found its asker gone */
            pl_mail_destroy(msg);
        else
            on_question(k, (struct pl_key_mail *)msg);
        return;
    case PL_MSG_STOP:
        pl_mail_destroy(msg);
        pl_actor_exit(a, "stopped");
        return;
    default:
        pl_actor_refuse(a, msg);
    }
}

/* The session managers end later than this actor, or their mail is returned as
 * a dead letter. */
static void reap(struct pl_actor *a)
{
    struct pl_keyring *k = (struct pl_keyring *)a;

    k->options.ops->destroy(k->options.source);
    for (size_t i = 0; i < PL_KEYRING_SETS_MAX; i++) {
        struct set *s = &k->sets[i];

        while (s->first != NULL) {
            struct pl_key_mail *m = s->first;

            s->first = m->next;
            pl_mail_destroy(&m->msg);
        }
        pl_jwks_destroy(s->keys);
        free(s->url);
    }
    free(k);
}

enum pl_err pl_keyring_create(struct pl_keyring **out,
                              const struct pl_keyring_options *options)
{
    static const struct pl_actor_ops ops = {.name = "keyring",
                                            .mailbox_limit = 4096,
                                            .receive = receive,
                                            .reap = reap};
    struct pl_keyring *k = calloc(1, sizeof *k);
    enum pl_err rc = PL_ENOMEM;

    if (k != NULL) {
        k->options = *options;
        rc = pl_actor_init(&k->actor, options->loop, &ops);
    }
    if (rc != PL_OK) {
        options->ops->destroy(options->source);
        free(k);
        return rc;
    }
    *out = k;
    return PL_OK;
}

struct pl_address pl_keyring_address(const struct pl_keyring *k)
{
    return pl_actor_address(&k->actor);
}
