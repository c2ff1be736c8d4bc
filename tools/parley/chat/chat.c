/* SPDX-License-Identifier: Apache-2.0 */
/* chat.c - see chat.h.
 *
 * The group has a thread of its own and PLC_MANUAL, so that the network goes on
 * while the terminal is drawn, and callbacks run where the front runs.
 *
 * A room that is left is kept until the end, since answers to its calls may
 * still come. */
#include "chat.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands_chat.h"
#include "room_private.h"

enum {
    DISPATCH_MAX = 256,
    BACKOFF_MIN_MS = 300, /* as the page */
    BACKOFF_MAX_MS = 5000,
    PING_SLACK_MS = 5000,
    STOP_MS = 500
};

/* --- What rooms report --- */

static void on_entry(struct pl_chat_room *r, struct pl_chat_entry *e, void *arg)
{
    struct pl_chat *c = arg;

    c->front.entry(r, e, c->front.arg);
}

static void on_changed(void *arg)
{
    struct pl_chat *c = arg;

    c->front.changed(c->front.arg);
}

void pl_chat_notice(struct pl_chat *c, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->front.notice(text, c->front.arg);
}

/* --- The connection --- */

static void on_state(struct plc_client *client, const struct plc_change *change,
                     void *arg)
{
    struct pl_chat *c = arg;

    (void)client;
    if (c->state != change->to)
        c->since_ms = pl_chat_now_ms();
    c->state = change->to;
    c->me.id[0] = c->why[0] = '\0';
    if (change->to == PLC_CONNECTED) {
        snprintf(c->me.id, sizeof c->me.id, "%s", change->client);
        c->was_connected = true;
    } else if (change->code != 0) {
        snprintf(c->why, sizeof c->why, "%s", change->reason);
    }
    c->front.state(c->front.arg);
}

static void on_error(struct plc_client *client, enum pl_err err, uint32_t code,
                     const char *text, void *arg)
{
    struct pl_chat *c = arg;

    (void)client, (void)err, (void)code;
    if (c->state == PLC_CONNECTED)
        return;
    snprintf(c->why, sizeof c->why, "%s", text);
    c->front.state(c->front.arg);
}

/* --- Direct messages --- */

static struct pl_chat_person *known(const struct pl_chat *c, const char *client)
{
    for (size_t i = 0; i < c->count; i++) {
        struct pl_chat_person *one =
            pl_chat_people_get(&c->rooms[i]->people, client, false);

        if (one != NULL && one->nick != NULL)
            return one;
    }
    return NULL;
}

/* A name that the rooms do not know by this client is a mere claim: its id
 * stands beside it. */
static void put_sender(const struct pl_chat *c, const struct pl_chat_sign *s,
                       struct pl_buf *b)
{
    const struct pl_chat_person *one = known(c, s->client);

    pl_buf_put_span(b, pl_span_of(s->nick));
    if (one == NULL || !pl_chat_looks_same(one->nick, s->nick))
        pl_buf_printf(b, " (%s)", pl_chat_tag(s->client));
    pl_buf_put_byte(b, '\0');
}

static void on_message(struct plc_client *client, const struct plc_bytes *data,
                       void *arg)
{
    struct pl_chat *c = arg;
    struct pl_chat_room *r = pl_chat_current(c);
    struct pl_chat_sign s;
    struct pl_buf b = {0};

    (void)client;
    if (!pl_chat_sign_read(&s, (struct pl_span){data->at, data->len}, NULL))
        return;
    put_sender(c, &s, &b);
    if (s.kind == PL_CHAT_DIRECT && s.text[0] != '\0' && r != NULL &&
        !b.failed) {
        struct pl_chat_entry *e = pl_chat_log_add(
            &r->log, &(struct pl_chat_entry){.kind = PL_CHAT_FROM,
                                             .order = r->top,
                                             .nick = b.data,
                                             .client = s.client,
                                             .text = s.text,
                                             .at_ms = pl_chat_wall_ms()});

        if (e != NULL)
            on_entry(r, e, c);
    }
    pl_buf_fini(&b);
    pl_chat_sign_fini(&s);
    on_changed(c);
}

static void on_delivered(const struct plc_result *result, void *arg)
{
    char id[PL_CHAT_ID_UNITS];

    memcpy(id, ((struct pl_chat_call *)arg)->id, sizeof id);
    struct pl_chat_room *r = pl_chat_call_end(arg);
    if (r == NULL)
        return;
    struct pl_chat_entry *e = pl_chat_log_find(&r->log, id);
    if (e == NULL)
        return;
    e->state = result->outcome == PLC_DONE ? PL_CHAT_DONE : PL_CHAT_FAILED;
    if (result->code == 103)
        pl_chat_entry_set(&e->why, "the broker does not permit it "
                                   "(actors.allow_send)");
    else if (result->outcome == PLC_REFUSED)
        pl_chat_entry_set(&e->why, result->message);
    else
        pl_chat_entry_set(&e->why, "the connection was lost");
    r->me->entry(r, e, r->me->arg);
}

static bool send_direct(struct pl_chat *c, struct pl_chat_room *r,
                        const char *client, const char *text, const char *id)
{
    struct pl_chat_sign s = {
        .kind = PL_CHAT_DIRECT, .nick = c->me.nick, .text = (char *)text};
    struct pl_chat_call *call = pl_chat_call_begin(r, id);
    char to[PL_CHAT_CLIENT_SIZE + 8];
    struct pl_buf b = {0};

    snprintf(to, sizeof to, "conn/%s", client);
    pl_chat_sign_write(&b, &s);
    bool is_accepted =
        call != NULL && !b.failed &&
        plc_actor_send(c->me.client, to, pl_chat_sign_type(s.kind), b.data,
                       b.len, on_delivered, call) == PL_OK;
    if (!is_accepted)
        free(call);
    pl_buf_fini(&b);
    return is_accepted;
}

void pl_chat_direct(struct pl_chat *c, const struct pl_chat_person *to,
                    const char *text)
{
    struct pl_chat_room *r = pl_chat_current(c);
    struct pl_chat_entry *e;
    struct pl_buf b = {0};
    char id[37];

    pl_chat_make_id(id);
    pl_chat_person_put(to, &b);
    pl_buf_put_byte(&b, '\0');
    e = b.failed ? NULL
                 : pl_chat_log_add(&r->log, &(struct pl_chat_entry){
                                                .kind = PL_CHAT_TO,
                                                .state = PL_CHAT_PENDING,
                                                .order = r->top,
                                                .id = id,
                                                .nick = b.data,
                                                .text = (char *)text,
                                                .at_ms = pl_chat_wall_ms(),
                                                .own = true});
    pl_buf_fini(&b);
    if (e == NULL)
        return;
    if (!send_direct(c, r, to->client, text, id)) {
        e->state = PL_CHAT_FAILED;
        pl_chat_entry_set(&e->why, "there is no connection");
    }
    on_entry(r, e, c);
}

/* --- Rooms --- */

struct pl_chat_room *pl_chat_current(const struct pl_chat *c)
{
    return (struct pl_chat_room *)c->me.current;
}

void pl_chat_show(struct pl_chat *c, struct pl_chat_room *r)
{
    c->me.current = r;
    if (r != NULL)
        r->unread = r->mentions = 0;
    on_changed(c);
}

static size_t index_of(const struct pl_chat *c, const struct pl_chat_room *r)
{
    size_t i = 0;

    while (i < c->count && c->rooms[i] != r)
        i++;
    return i;
}

void pl_chat_show_next(struct pl_chat *c, int steps)
{
    if (c->count == 0)
        return;
    int at = ((int)index_of(c, c->me.current) + steps) % (int)c->count;
    pl_chat_show(c, c->rooms[at < 0 ? at + (int)c->count : at]);
}

void pl_chat_show_index(struct pl_chat *c, size_t index)
{
    if (index < c->count)
        pl_chat_show(c, c->rooms[index]);
}

struct pl_chat_room *pl_chat_find(const struct pl_chat *c, struct pl_span name)
{
    char clean[PL_CHAT_ROOM_SIZE];

    pl_chat_clean_room(clean, name);
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->rooms[i]->name, clean) == 0)
            return c->rooms[i];
    return NULL;
}

/* A room of this name that was left, or a new one; NULL: neither. */
static struct pl_chat_room *take_room(struct pl_chat *c, const char *name)
{
    struct pl_chat_room *r;

    for (size_t i = 0; i < c->left_count; i++) {
        r = c->left[i];
        if (strcmp(r->name, name) != 0)
            continue;
        c->left[i] = c->left[--c->left_count];
        return r;
    }
    if (c->count + c->left_count >= PL_CHAT_ROOMS_LEFT_MAX ||
        pl_chat_room_create(&r, &c->me, name) != PL_OK)
        return NULL;
    return r;
}

void pl_chat_join(struct pl_chat *c, struct pl_span name)
{
    struct pl_chat_room *r = pl_chat_find(c, name);
    char clean[PL_CHAT_ROOM_SIZE];

    pl_chat_clean_room(clean, name);
    if (clean[0] == '\0') {
        pl_chat_notice(c, "Which room?  /join ROOM");
        return;
    }
    if (r != NULL) {
        pl_chat_show(c, r);
        return;
    }
    r = c->count == PL_CHAT_ROOMS_MAX ? NULL : take_room(c, clean);
    if (r == NULL) {
        pl_chat_notice(c, "You are in too many rooms: /leave some");
        return;
    }
    c->rooms[c->count++] = r;
    enum pl_err rc = pl_chat_room_join(r);
    if (rc != PL_OK)
        pl_chat_notice(c, "Cannot join #%s: %s", clean, pl_err_text(rc));
    pl_chat_show(c, r);
}

void pl_chat_leave(struct pl_chat *c, struct pl_chat_room *r)
{
    size_t at = index_of(c, r);

    if (c->count == 1) {
        pl_chat_notice(c, "This is your only room: /join another one first, "
                          "or /quit");
        return;
    }
    pl_chat_room_leave(r);
    c->count--;
    memmove(c->rooms + at, c->rooms + at + 1,
            (c->count - at) * sizeof c->rooms[0]);
    c->left[c->left_count++] = r;
    if (c->me.current == r)
        pl_chat_show(c, c->rooms[at < c->count ? at : c->count - 1]);
    on_changed(c);
}

/* --- Names --- */

void pl_chat_rename(struct pl_chat *c, struct pl_span nick)
{
    char *was = c->me.nick;
    char *new = pl_chat_clip(nick, PL_CHAT_NICK_UNITS);

    if (new == NULL || new[0] == '\0') {
        free(new);
        return;
    }
    c->me.nick = new;
    for (size_t i = 0; i < c->count; i++)
        pl_chat_room_rename(c->rooms[i], was);
    pl_chat_notice(c, "You are now called %s", new);
    free(was);
    on_changed(c);
}

/* The longest name that matches wins: names may contain blanks. */
struct pl_chat_person *pl_chat_person_at(const struct pl_chat *c,
                                         struct pl_span *rest)
{
    struct pl_chat_room *r = pl_chat_current(c);
    struct pl_chat_person *found = NULL;
    size_t longest = 0;
    size_t here = r == NULL ? 0 : pl_chat_people_sort(&r->people);

    for (size_t i = 0; i < here; i++) {
        struct pl_chat_person *one = r->people.all[i];
        struct pl_buf b = {0};

        pl_chat_person_put(one, &b);
        pl_buf_put_byte(&b, '\0');
        size_t len = b.failed ? 0 : b.len - 1;
        bool fits =
            len > longest && len <= rest->len && !one->self &&
            pl_chat_begins_with(b.data, (struct pl_span){rest->at, len}) &&
            (len == rest->len || rest->at[len] == ' ');
        pl_buf_fini(&b);
        if (fits) {
            longest = len;
            found = one;
        }
    }
    rest->at += longest;
    rest->len -= longest;
    return found;
}

/* --- Lines --- */

void pl_chat_enter(struct pl_chat *c, const char *line)
{
    struct pl_chat_room *r = pl_chat_current(c);

    if (line[0] == '/' && line[1] != '/') {
        pl_chat_command_run(c, pl_span_of(line));
        return;
    }
    if (r != NULL)
        pl_chat_room_say(r, line[0] == '/' ? line + 1 : line);
}

size_t pl_chat_pending(const struct pl_chat *c)
{
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct pl_chat_log *l = &c->rooms[i]->log;

        for (size_t k = 0; k < l->count; k++)
            count += l->entries[k]->state == PL_CHAT_PENDING;
    }
    return count;
}

/* --- Life --- */

static void on_get_token(struct plc_client *client, struct plc_token *t,
                         void *arg)
{
    const struct pl_chat *c = arg;

    c->get_token(client, t, c->get_token_arg);
}

/* What is wrong with an option is only in the log. */
static void on_log(enum plc_level level, const char *line, void *arg)
{
    struct pl_chat *c = arg;

    if (c->is_creating && level == PLC_ERROR)
        snprintf(c->why, sizeof c->why, "%s", line);
}

static enum pl_err create_client(struct pl_chat *c,
                                 const struct pl_chat_options *o)
{
    struct plc_client_options co = {
        .size = sizeof co,
        .url = o->url,
        .link = o->link,
        .token = o->token,
        .name = "parley-chat",
        .version = o->version,
        .backoff_min_ms = BACKOFF_MIN_MS,
        .backoff_max_ms = BACKOFF_MAX_MS,
        .ping_slack_ms = PING_SLACK_MS,
        .get_token = o->get_token == NULL ? NULL : on_get_token,
        .state = on_state,
        .error = on_error,
        .message = on_message,
        .arg = c};

    c->is_creating = true;
    enum pl_err rc = plc_client_create(&c->me.client, c->group, &co);
    c->is_creating = false;
    return rc;
}

static enum pl_err join_first(struct pl_chat *c, const char *const *rooms)
{
    for (size_t i = 0; rooms[i] != NULL; i++)
        pl_chat_join(c, pl_span_of(rooms[i]));
    if (c->count == 0) {
        snprintf(c->why, sizeof c->why, "no room has a name");
        return PL_EINVAL;
    }
    pl_chat_show(c, c->rooms[0]);
    return PL_OK;
}

static enum pl_err start(struct pl_chat *c, const struct pl_chat_options *o)
{
    struct plc_group_options go = {
        .size = sizeof go, .flags = PLC_MANUAL, .log = on_log, .arg = c};

    if (c->me.nick[0] == '\0') {
        snprintf(c->why, sizeof c->why, "the nick is empty");
        return PL_EINVAL;
    }
    enum pl_err rc = plc_group_create(&c->group, &go);
    if (rc == PL_OK)
        rc = create_client(c, o);
    if (rc == PL_OK)
        rc = join_first(c, o->rooms);
    return rc == PL_OK ? plc_client_connect(c->me.client) : rc;
}

/* The name of this user on this machine. */
static char *default_nick(void)
{
    const struct passwd *user = getpwuid(getuid());
    const char *name = user == NULL ? getenv("USER") : user->pw_name;

    return pl_chat_clip(pl_span_of(name == NULL ? "somebody" : name),
                        PL_CHAT_NICK_UNITS);
}

/* What stands between the slashes of the URL. */
static void set_host(struct pl_chat *c, const char *url)
{
    const char *host = strstr(url, "://");

    host = host == NULL ? url : host + 3;
    snprintf(c->host, sizeof c->host, "%.*s", (int)strcspn(host, "/? "), host);
}

enum pl_err pl_chat_create(struct pl_chat **out,
                           const struct pl_chat_options *options,
                           const struct pl_chat_front *front,
                           char why[PL_CHAT_WHY_SIZE])
{
    struct pl_chat *c = calloc(1, sizeof *c);
    enum pl_err rc = PL_ENOMEM;

    snprintf(why, PL_CHAT_WHY_SIZE, "%s", pl_err_text(rc));
    if (c == NULL)
        return rc;
    c->front = *front;
    c->me.entry = on_entry;
    c->me.changed = on_changed;
    c->me.arg = c;
    c->state = PLC_CONNECTING;
    c->since_ms = pl_chat_now_ms();
    c->get_token = options->get_token;
    c->get_token_arg = options->get_token_arg;
    set_host(c, options->url);
    c->me.nick = options->nick == NULL ? default_nick()
                                       : pl_chat_clip(pl_span_of(options->nick),
                                                      PL_CHAT_NICK_UNITS);
    if (c->me.nick != NULL)
        rc = start(c, options);
    if (rc != PL_OK) {
        snprintf(why, PL_CHAT_WHY_SIZE, "%s",
                 c->why[0] == '\0' ? pl_err_text(rc) : c->why);
        pl_chat_destroy(c);
        return rc;
    }
    *out = c;
    return PL_OK;
}

/* What comes while everything ends is not shown. */
static void no_entry(struct pl_chat_room *r, struct pl_chat_entry *e, void *arg)
{
    (void)r, (void)e, (void)arg;
}

static void no_change(void *arg)
{
    (void)arg;
}

static void no_notice(const char *text, void *arg)
{
    (void)text, (void)arg;
}

void pl_chat_destroy(struct pl_chat *c)
{
    if (c == NULL)
        return;
    c->front = (struct pl_chat_front){.entry = no_entry,
                                      .changed = no_change,
                                      .notice = no_notice,
                                      .state = no_change};
    if (c->group != NULL) {
        plc_group_stop(c->group, STOP_MS);
        while (plc_group_wait(c->group, 10) == PL_ETIMEDOUT)
            plc_group_dispatch(c->group, DISPATCH_MAX);
    }
    plc_group_destroy(c->group);
    for (size_t i = 0; i < c->count; i++)
        pl_chat_room_destroy(c->rooms[i]);
    for (size_t i = 0; i < c->left_count; i++)
        pl_chat_room_destroy(c->left[i]);
    free(c->me.nick);
    free(c);
}

int pl_chat_fd(const struct pl_chat *c)
{
    return plc_group_fd(c->group);
}

void pl_chat_dispatch(struct pl_chat *c)
{
    plc_group_dispatch(c->group, DISPATCH_MAX);
}

int64_t pl_chat_tick(struct pl_chat *c)
{
    int64_t due = 0;

    for (size_t i = 0; i < c->count; i++) {
        int64_t next = pl_chat_room_tick(c->rooms[i]);

        if (next != 0 && (due == 0 || next < due))
            due = next;
    }
    return due;
}
