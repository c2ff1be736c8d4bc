/* SPDX-License-Identifier: Apache-2.0 */
/* request_fields.h - the fields of requests, once for both encodings: JSON
 * name, protobuf number and type, and place in command.h. */
#ifndef PL_REQUEST_FIELDS_H
#define PL_REQUEST_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "command.h"
#include "err.h"

enum pl_field_kind {
    PL_FIELD_TEXT, /* struct pl_span: UTF-8 without zero bytes */
    PL_FIELD_DATA, /* struct pl_span: bytes, or any JSON value */
    PL_FIELD_BOOL,
    PL_FIELD_U32,
    PL_FIELD_I32,
    PL_FIELD_U64,
    PL_FIELD_I64, /* the last that is neither refused nor an object */
    /* Not supported, but must not be ignored: the place, a const char pointer,
     * is set to the name of the field unless the value is the default. */
    PL_FIELD_REFUSED_BYTES,
    PL_FIELD_REFUSED_NUMBER,
    PL_FIELD_SINCE, /* of a history request; the place is its has_since */
    PL_FIELD_SUBS,  /* of a connect request; the place is its start */
    /* Of replies only; received_fields.h. */
    PL_FIELD_PUSH,         /* the push in a reply */
    PL_FIELD_CONTENT,      /* a result or what is pushed; the place is its
                              enum pl_received_kind */
    PL_FIELD_INFO,         /* struct pl_received_info */
    PL_FIELD_PUBLICATIONS, /* this and the others: struct pl_received_list */
    PL_FIELD_TAGS,
    PL_FIELD_INFOS,
    PL_FIELD_RESULTS
};

struct pl_field {
    const char *name;
    uint8_t name_len;
    uint8_t number;
    uint8_t kind;  /* enum pl_field_kind */
    uint8_t place; /* offset in the struct of the request */
};

struct pl_request {
    const char *name; /* of the request in a command */
    uint8_t name_len;
    uint8_t count;
    const struct pl_field
        *fields; /* ordered by number, refused ones last; at most 32 */
};

/* Entries of such tables. */
#define PL_FIELD(name, number, kind, type, member)                             \
    {                                                                          \
        name, sizeof(name) - 1, number, kind, offsetof(struct type, member)    \
    }
#define PL_REQUEST(name, fields)                                               \
    {                                                                          \
        name, sizeof(name) - 1, sizeof(fields) / sizeof((fields)[0]), fields   \
    }

enum {
    PL_COMMAND_ID_NUMBER = 1,
    PL_COMMAND_DEPTH_MAX = 16,    /* nesting of a command, without its data */
    PL_COMMAND_SUBS_MAX = 4096,   /* entries of connect.subs */
    PL_COMMAND_FIELDS_MAX = 32768 /* fields of a cold protobuf command */
};

/* By verb, from PL_VERB_CONNECT on; earlier verbs have no request. */
extern const struct pl_request pl_requests[PL_VERB_SUB_REFRESH + 1];

/* The position in a history request (StreamPosition). */
extern const struct pl_request pl_request_since;

/* The verb with this JSON name, or PL_VERB_NONE. */
enum pl_verb pl_request_verb(struct pl_span name);

/* The field of `r` with this JSON name, or NULL. */
const struct pl_field *pl_request_field(const struct pl_request *r,
                                        struct pl_span name);

/* The protobuf number of a verb's request in a command, and back. */
static inline uint32_t pl_verb_number(enum pl_verb verb)
{
    return (uint32_t)verb - PL_VERB_CONNECT + 4;
}

static inline enum pl_verb pl_verb_of_number(uint32_t number)
{
    if (number < 4 || number > 15)
        return PL_VERB_NONE;
    return (enum pl_verb)(number - 4 + PL_VERB_CONNECT);
}

/* The request of `c`, which is a union. */
static inline void *pl_command_request(struct pl_command *c)
{
    return &c->connect;
}

static inline const void *pl_command_request_of(const struct pl_command *c)
{
    return &c->connect;
}

/* Check that all channels of `subs` differ.
 * Errors: PL_EEXIST: two are equal; PL_ENOMEM. */
enum pl_err pl_subs_unique(const struct pl_subscribe_request *subs,
                           size_t count, struct pl_arena *arena);

/* The bit of field `f` of `r` in a set of seen fields. */
static inline uint32_t pl_field_bit(const struct pl_request *r,
                                    const struct pl_field *f)
{
    return 1u << (f - r->fields);
}

/* Finish decoding a command: without an id and a request it is a pong.
 * Errors: PL_EBADMSG: a request other than send has no id. */
enum pl_err pl_command_resolve(struct pl_command *c);

#endif
