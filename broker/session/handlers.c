/* SPDX-License-Identifier: Apache-2.0 */
/* handlers.c - see handlers.h.
 *
 * Tables are small and change rarely.  So a table is an array, searched from
 * front to back and copied for each change, without a lock.  A call owns a copy
 * of its arguments, so that any thread can resolve it later.  The broker and
 * its loops may have ended by then, so a call holds a loop handle, which drops
 * the result in that case. */
#include "handlers.h"

#include <stdlib.h>

#include "call.h"
#include "code.h"
#include "codec.h"
#include "loop_handle.h"
#include "mail.h"
#include "channel_name.h"
#include "refs.h"
#include "session_link.h"
#include "session_mail.h"
#include "token.h"
#include "wire_text.h"

/* Shared by all tables that contain it. */
struct entry {
    struct pl_refs refs;
    pl_handler *call;
    void *context;
    void (*release)(void *context); /* may be NULL */
    struct pl_blob *type;           /* reference */
};

struct judge {
    pl_judge *judge; /* NULL: none */
    void *context;
};

struct pl_handlers {
    struct pl_refs refs;
    bool judge;         /* logins need a handler of "connect" */
    bool judges_tokens; /* also logins with a verified token */
    struct judge judges[PL_ASKS_COUNT];
    uint32_t count;
    struct entry *entries[]; /* references */
};

static struct pl_handlers *create(uint32_t count)
{
    struct pl_handlers *t =
        calloc(1, sizeof *t + count * sizeof(struct entry *));

    if (t != NULL)
        pl_refs_init(&t->refs);
    return t;
}

struct pl_handlers *pl_handlers_create(void)
{
    return create(0);
}

void pl_handlers_set_judge(struct pl_handlers *t)
{
    t->judge = true;
}

bool pl_handlers_judge(const struct pl_handlers *t)
{
    return t->judge;
}

void pl_handlers_set_tokens_judged(struct pl_handlers *t)
{
    t->judges_tokens = true;
}

bool pl_handlers_judges_tokens(const struct pl_handlers *t)
{
    return t->judges_tokens;
}

/* Create a table with space for `count` entries.  Copy all of `t` but its
 * entries. */
static struct pl_handlers *create_like(const struct pl_handlers *t,
                                       uint32_t count)
{
    struct pl_handlers *made = create(count);

    if (made == NULL)
        return NULL;
    made->judge = t->judge;
    made->judges_tokens = t->judges_tokens;
    memcpy(made->judges, t->judges, sizeof made->judges);
    return made;
}

static struct entry *entry_create(struct pl_span type, pl_handler *call,
                                  void *context, void (*release)(void *))
{
    struct entry *e = malloc(sizeof *e);

    if (e == NULL)
        return NULL;
    *e = (struct entry){.call = call,
                        .context = context,
                        .release = release,
                        .type = pl_blob_create(type)};
    if (e->type == NULL) {
        free(e);
        return NULL;
    }
    pl_refs_init(&e->refs);
    return e;
}

static void entry_release(struct entry *e)
{
    if (!pl_refs_release(&e->refs))
        return;
    if (e->release != NULL)
        e->release(e->context);
    pl_blob_release(e->type);
    free(e);
}

static void add(struct pl_handlers *t, struct entry *e)
{
    pl_refs_hold(&e->refs);
    t->entries[t->count++] = e;
}

static const struct entry *find(const struct pl_handlers *t,
                                struct pl_span type)
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (pl_span_equal(pl_blob_span(t->entries[i]->type), type))
            return t->entries[i];
    }
    return NULL;
}

static bool begins_with(struct pl_span s, struct pl_span prefix)
{
    return s.len >= prefix.len && memcmp(s.at, prefix.at, prefix.len) == 0;
}

/* Return true if a message can have this type and goes to a handler. */
static bool is_type(struct pl_span type)
{
    return type.len > 0 && pl_text_valid(type) &&
           !begins_with(type, PL_SPAN("actor.")) &&
           !begins_with(type, PL_SPAN("sys."));
}

enum pl_err pl_handlers_with_release(const struct pl_handlers *t,
                                     const char *type, pl_handler *call,
                                     void *context,
                                     void (*release)(void *context),
                                     struct pl_handlers **out)
{
    struct pl_span name = pl_span_of(type);

    if (call == NULL || !is_type(name))
        return PL_EINVAL;
    if (find(t, name) != NULL)
        return PL_EEXIST;
    struct pl_handlers *made = create_like(t, t->count + 1);
    struct entry *e =
        made == NULL ? NULL : entry_create(name, call, context, release);
    if (e == NULL) {
        free(made);
        return PL_ENOMEM;
    }
    made->judge = t->judge || pl_span_equal(name, PL_SPAN("connect"));
    for (uint32_t i = 0; i < t->count; i++)
        add(made, t->entries[i]);
    made->entries[made->count++] = e;
    *out = made;
    return PL_OK;
}

enum pl_err pl_handlers_with(const struct pl_handlers *t, const char *type,
                             pl_handler *call, void *context,
                             struct pl_handlers **out)
{
    return pl_handlers_with_release(t, type, call, context, NULL, out);
}

void pl_handlers_forget_newest(struct pl_handlers *t)
{
    t->entries[t->count - 1]->release = NULL;
}

enum pl_err pl_handlers_without(const struct pl_handlers *t, const char *type,
                                struct pl_handlers **out)
{
    const struct entry *gone = find(t, pl_span_of(type));

    if (gone == NULL)
        return PL_ENOENT;
    struct pl_handlers *made = create_like(t, t->count - 1);
    if (made == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < t->count; i++) {
        if (t->entries[i] != gone)
            add(made, t->entries[i]);
    }
    *out = made;
    return PL_OK;
}

enum pl_err pl_handlers_with_judge(const struct pl_handlers *t,
                                   enum pl_asks asks, pl_judge *judge,
                                   void *context, struct pl_handlers **out)
{
    struct pl_handlers *made = create_like(t, t->count);

    if (made == NULL)
        return PL_ENOMEM;
    for (uint32_t i = 0; i < t->count; i++)
        add(made, t->entries[i]);
    made->judges[asks] = (struct judge){judge, context};
    *out = made;
    return PL_OK;
}

pl_judge *pl_handlers_find_judge(const struct pl_handlers *t, enum pl_asks asks,
                                 void **context)
{
    *context = t->judges[asks].context;
    return t->judges[asks].judge;
}

uint32_t pl_handlers_judged(const struct pl_handlers *t)
{
    uint32_t judged = 0;

    for (unsigned i = 0; i < PL_ASKS_COUNT; i++)
        judged |= (t->judges[i].judge != NULL ? 1u : 0u) << i;
    return judged;
}

struct pl_handlers *pl_handlers_hold(struct pl_handlers *t)
{
    pl_refs_hold(&t->refs);
    return t;
}

void pl_handlers_release(struct pl_handlers *t)
{
    if (t == NULL || !pl_refs_release(&t->refs))
        return;
    for (uint32_t i = 0; i < t->count; i++)
        entry_release(t->entries[i]);
    free(t);
}

uint32_t pl_handlers_count(const struct pl_handlers *t)
{
    return t->count;
}

bool pl_handlers_find(const struct pl_handlers *t, struct pl_span type,
                      pl_handler **call, void **context, const char **name)
{
    const struct entry *e = find(t, type);

    if (e == NULL)
        return false;
    *call = e->call;
    *context = e->context;
    *name = pl_blob_span(e->type).at;
    return true;
}

static struct pl_span put(char **at, struct pl_span from)
{
    struct pl_span to = {*at, from.len};

    if (from.len > 0)
        memcpy(*at, from.at, from.len);
    (*at)[from.len] = '\0';
    *at += from.len + 1;
    return to;
}

struct pl_call *pl_call_create(const struct pl_call *f)
{
    size_t size = f->type.len + f->data.len + f->user.len + f->client.len +
                  f->token.len + f->channel.len + f->headers.len + 7;
    struct pl_call *c = malloc(sizeof *c + size);

    if (c == NULL)
        return NULL;
    *c = *f;
    pl_loop_handle_hold(c->handle);
    char *at = c->bytes;
    c->type = put(&at, f->type);
    c->data = put(&at, f->data);
    c->user = put(&at, f->user);
    c->client = put(&at, f->client);
    c->token = put(&at, f->token);
    c->channel = put(&at, f->channel);
    c->headers = put(&at, f->headers);
    return c;
}

void pl_call_destroy(struct pl_call *c)
{
    pl_loop_handle_release(c->handle);
    pl_loop_handle_release(c->host);
    free(c);
}

/* Copy `from` to a new blob, NULL if it is absent.  False: out of memory. */
static bool to_blob(struct pl_span from, struct pl_blob **out)
{
    *out = from.at == NULL ? NULL : pl_blob_create(from);
    return from.at == NULL || *out != NULL;
}

static bool is_code(const struct pl_call *c, uint32_t code)
{
    bool may_close = c->is_connect || c->asks != PL_ASKS_NOTHING;

    return code < PL_APPLICATION_CODES || (may_close && code < 5000);
}

/* The user and the info go into the frames of other clients, so check them
 * while the program can still correct them.  pl_json_accepts() replaces raw
 * line breaks in the info by spaces. */
static bool is_user(struct pl_span user, struct pl_span info)
{
    return user.len <= PL_TOKEN_USER_MAX && pl_text_valid(user) &&
           (info.len == 0 || pl_json_accepts(info));
}

/* A connect has all terms; a message has none. */
static bool has_only_terms_of(enum pl_asks asks, const struct pl_answer_mail *m)
{
    bool is_subscribe = asks == PL_ASKS_SUBSCRIBE;

    if (m->channels != NULL || m->is_anonymous)
        return false;
    return (m->data == NULL || is_subscribe || asks == PL_ASKS_PUBLISH) &&
           (m->info == NULL || is_subscribe) &&
           (m->expires_at_s == 0 || asks != PL_ASKS_PUBLISH);
}

static bool has_fit_terms(const struct pl_call *c,
                          const struct pl_answer_mail *m)
{
    struct pl_span data = pl_blob_span(m->data);

    if (!c->is_connect && !has_only_terms_of((enum pl_asks)c->asks, m))
        return false;
    return (data.at == NULL || pl_json_accepts(data)) &&
           is_user(pl_blob_span(m->user), pl_blob_span(m->info));
}

/* Return true if the result fits the kind of the call.  Only the result that
 * admits a client has a user. */
static bool is_fit(const struct pl_call *c, const struct pl_answer_mail *m)
{
    if (m->error != 0)
        return is_code(c, m->error) && pl_text_valid(pl_blob_span(m->data));
    if (c->is_connect != (m->user != NULL) ||
        (c->asks != PL_ASKS_NOTHING) != m->is_allowed)
        return false;
    return (!c->is_connect && !m->is_allowed) || has_fit_terms(c, m);
}

/* A result; its spans are not owned. */
struct words {
    uint32_t error;
    bool is_temporary;
    bool is_allowed;
    struct pl_call_terms
        terms; /* `data` of a message, or the text of `error` */
};

static bool is_channel(struct pl_span name)
{
    return pl_channel_name_check(name) == PL_CHANNEL_NAME_OK &&
           pl_text_valid(name);
}

/* Join the names, a zero byte after each. */
static enum pl_err join_channels(const struct pl_call_terms *t,
                                 struct pl_blob **out)
{
    struct pl_buf names = {0};

    if (t->channel_count == 0)
        return PL_OK;
    for (size_t i = 0; i < t->channel_count; i++) {
        struct pl_span name = pl_span_of(t->channels[i]);

        if (!is_channel(name)) {
            pl_buf_fini(&names);
            return PL_EINVAL;
        }
        pl_buf_put_span(&names, name);
        pl_buf_put_byte(&names, '\0');
    }
    if (!names.failed)
        *out = pl_blob_create(pl_buf_span(&names));
    pl_buf_fini(&names);
    return *out == NULL ? PL_ENOMEM : PL_OK;
}

static enum pl_err copy_terms(struct pl_answer_mail *m,
                              const struct pl_call_terms *t)
{
    m->expires_at_s = t->expires_at_s;
    m->is_anonymous = t->is_anonymous;
    if (!to_blob(t->data, &m->data) || !to_blob(t->user, &m->user) ||
        !to_blob(t->info, &m->info))
        return PL_ENOMEM;
    return join_channels(t, &m->channels);
}

static enum pl_err answer(struct pl_call *call, const struct words *w)
{
    struct pl_answer_mail *m = pl_answer_mail_create();

    if (m == NULL)
        return PL_ENOMEM;
    m->call = call->number;
    m->is_connect = call->is_connect;
    m->error = w->error;
    m->is_temporary = w->is_temporary;
    m->is_allowed = w->is_allowed;
    enum pl_err rc = copy_terms(m, &w->terms);
    if (rc == PL_OK && !is_fit(call, m))
        rc = PL_EINVAL;
    if (rc != PL_OK) {
        pl_mail_destroy(&m->msg);
        return rc;
    }
    pl_loop_handle_post(call->handle, call->session, &m->msg);
    pl_call_destroy(call);
    return PL_OK;
}

enum pl_err pl_call_answer(struct pl_call *call, struct pl_span data)
{
    return answer(call, &(struct words){.terms.data = data});
}

static enum pl_err refuse(struct pl_call *call, uint32_t code,
                          struct pl_span text, bool is_temporary)
{
    return answer(call,
                  &(struct words){.error = code == 0 ? PL_ERROR_INTERNAL : code,
                                  .is_temporary = is_temporary,
                                  .terms.data = text});
}

enum pl_err pl_call_refuse(struct pl_call *call, uint32_t code,
                           struct pl_span text)
{
    return refuse(call, code, text, false);
}

enum pl_err pl_call_refuse_for_now(struct pl_call *call, uint32_t code,
                                   struct pl_span text)
{
    return refuse(call, code, text, true);
}

/* The presence of the user marks what admits a client. */
static enum pl_err admit(struct pl_call *call, struct pl_call_terms terms)
{
    if (terms.user.at == NULL)
        terms.user = PL_SPAN("");
    return answer(call, &(struct words){.terms = terms});
}

enum pl_err pl_call_grant(struct pl_call *call,
                          const struct pl_call_terms *terms)
{
    if (call->is_connect)
        return admit(call, *terms);
    return answer(call, &(struct words){.is_allowed = true, .terms = *terms});
}

enum pl_err pl_call_allow(struct pl_call *call, int64_t expires_at_s)
{
    return answer(call, &(struct words){.is_allowed = true,
                                        .terms.expires_at_s = expires_at_s});
}

enum pl_err pl_call_admit(struct pl_call *call, struct pl_span user,
                          struct pl_span info)
{
    return admit(call, (struct pl_call_terms){.user = user, .info = info});
}

enum pl_err pl_call_set_watch(struct pl_call *call, struct pl_watch_mail *m)
{
    if (call->number == 0)
        return PL_EINVAL;
    if (call->is_watched)
        return PL_EEXIST;
    call->is_watched = true;
    m->call = call->number;
    m->is_connect = call->is_connect;
    if (!pl_loop_handle_try_post(call->handle, call->session, &m->msg))
        pl_mail_destroy(&m->msg); /* the system has ended */
    return PL_OK;
}
