/* SPDX-License-Identifier: Apache-2.0 */
/* message.c - see message.h. */
#include "message.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static json_t *parse(struct pl_span data)
{
    json_error_t error;

    return json_loadb(data.at, data.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
                      &error);
}

/* The clipped string `key` of `object`; "" if there is none. */
static char *text_of(const json_t *object, const char *key, size_t units)
{
    const json_t *value = json_object_get(object, key);
    struct pl_span text = {"", 0};

    if (json_is_string(value))
        text = (struct pl_span){json_string_value(value),
                                json_string_length(value)};
    return pl_chat_clip(text, units);
}

/* Times of the years 1970 to 9999. */
static int64_t time_of(const json_t *object)
{
    double at = json_number_value(json_object_get(object, "at"));

    return at > 0 && at < 253402300800000.0 ? (int64_t)at : 0;
}

/* Name one that gave none. */
static void complete_nick(char **nick)
{
    if (*nick != NULL && **nick == '\0') {
        free(*nick);
        *nick = strdup("somebody");
    }
}

bool pl_chat_message_read(struct pl_chat_message *m, struct pl_span data)
{
    json_t *json = parse(data);

    *m = (struct pl_chat_message){
        .id = text_of(json, "id", PL_CHAT_ID_UNITS),
        .nick = text_of(json, "nick", PL_CHAT_NICK_UNITS),
        .text = text_of(json, "text", PL_CHAT_TEXT_UNITS),
        .at_ms = time_of(json),
    };
    json_decref(json);
    complete_nick(&m->nick);
    if (m->id != NULL && m->nick != NULL && m->text != NULL &&
        m->text[0] != '\0')
        return true;
    pl_chat_message_fini(m);
    return false;
}

void pl_chat_message_fini(struct pl_chat_message *m)
{
    free(m->id);
    free(m->nick);
    free(m->text);
    *m = (struct pl_chat_message){0};
}

/* Append `json` and free it; NULL fails the buffer. */
static void put_json(struct pl_buf *b, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

    json_decref(json);
    if (text == NULL)
        b->failed = true;
    else
        pl_buf_put(b, text, strlen(text));
    free(text);
}

void pl_chat_message_write(struct pl_buf *b, const struct pl_chat_message *m)
{
    put_json(b, json_pack("{s:s, s:s, s:s, s:I}", "id", m->id, "nick", m->nick,
                          "text", m->text, "at", (json_int_t)m->at_ms));
}

/* --- Signs --- */

static const char *const types[] = {
    [PL_CHAT_HELLO] = "hello",
    [PL_CHAT_TYPING] = "typing",
    [PL_CHAT_DIRECT] = "direct",
    [PL_CHAT_OTHER] = "",
};

const char *pl_chat_sign_type(enum pl_chat_sign_kind kind)
{
    return types[kind];
}

static enum pl_chat_sign_kind kind_of(const json_t *type)
{
    const char *name = json_string_value(type);
    unsigned kind = 0;

    while (kind < PL_CHAT_OTHER &&
           (name == NULL || strcmp(name, types[kind]) != 0))
        kind++;
    return (enum pl_chat_sign_kind)kind;
}

static const char *sender_of(const json_t *json)
{
    const json_t *from = json_object_get(json, "from");
    const char *client = json_string_value(json_object_get(from, "client"));

    return client == NULL ? "" : client;
}

bool pl_chat_sign_read(struct pl_chat_sign *s, struct pl_span data,
                       const char *publisher)
{
    json_t *json = parse(data);
    const json_t *body = json_object_get(json, "body");

    *s = (struct pl_chat_sign){
        .kind = kind_of(json_object_get(json, "type")),
        .nick = text_of(body, "nick", PL_CHAT_NICK_UNITS),
        .was = text_of(body, "was", PL_CHAT_NICK_UNITS),
        .text = text_of(body, "text", PL_CHAT_TEXT_UNITS),
        .ask = json_is_true(json_object_get(body, "ask")),
        .back = json_is_true(json_object_get(body, "back")),
    };
    snprintf(s->client, sizeof s->client, "%s",
             publisher != NULL ? publisher : sender_of(json));
    json_decref(json);
    if (s->nick != NULL && s->was != NULL && s->text != NULL &&
        s->nick[0] != '\0' && s->client[0] != '\0')
        return true;
    pl_chat_sign_fini(s);
    return false;
}

void pl_chat_sign_fini(struct pl_chat_sign *s)
{
    free(s->nick);
    free(s->was);
    free(s->text);
    *s = (struct pl_chat_sign){0};
}

static void set_text(json_t *body, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        json_object_set_new(body, key, json_string(text));
}

void pl_chat_sign_write(struct pl_buf *b, const struct pl_chat_sign *s)
{
    json_t *body = json_object();

    set_text(body, "nick", s->nick);
    set_text(body, "was", s->was);
    set_text(body, "text", s->text);
    if (s->ask)
        json_object_set_new(body, "ask", json_true());
    if (s->back)
        json_object_set_new(body, "back", json_true());
    put_json(b, body);
}
