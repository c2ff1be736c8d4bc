/* SPDX-License-Identifier: Apache-2.0 */
/* json_fields.h - reads JSON objects by the tables of request_fields.h; what
 * commands and replies have in common.
 *
 * Inline, so that a decoder calls its own reader of a field directly. */
#ifndef PL_JSON_FIELDS_H
#define PL_JSON_FIELDS_H

#include "json_scan.h"
#include "request_fields.h"

/* Read one value of any kind, unchanged. */
static inline bool pl_json_data(struct pl_json *j, struct pl_span *out)
{
    char *begin = j->at;

    if (!pl_json_skip(j, PL_JSON_DEPTH_MAX))
        return false;
    *out = (struct pl_span){begin, (size_t)(j->at - begin)};
    return true;
}

/* Read an integer of one of the four kinds. */
static inline bool pl_json_integer(struct pl_json *j, enum pl_field_kind kind,
                                   void *place)
{
    uint64_t u = 0;
    int64_t i = 0;

    switch (kind) {
    case PL_FIELD_U32:
        if (!pl_json_unsigned(j, UINT32_MAX, &u))
            return false;
        *(uint32_t *)place = (uint32_t)u;
        return true;
    case PL_FIELD_U64:
        return pl_json_unsigned(j, UINT64_MAX, place);
    case PL_FIELD_I32:
        if (!pl_json_signed(j, INT32_MIN, INT32_MAX, &i))
            return false;
        *(int32_t *)place = (int32_t)i;
        return true;
    default:
        return pl_json_signed(j, INT64_MIN, INT64_MAX, place);
    }
}

/* Read field `f` of `to`, which is no object and no list. */
static inline bool pl_json_scalar(struct pl_json *j, const struct pl_field *f,
                                  void *to)
{
    void *place = (char *)to + f->place;

    switch (f->kind) {
    case PL_FIELD_TEXT:
        return pl_json_text(j, place);
    case PL_FIELD_DATA:
        return pl_json_data(j, place);
    case PL_FIELD_BOOL:
        return pl_json_bool(j, place);
    default:
        return pl_json_integer(j, f->kind, place);
    }
}

/* Record field `f` of `r` in `seen`.  Return false if it occurs again. */
static inline bool pl_json_note(struct pl_json *j, const struct pl_request *r,
                                const struct pl_field *f, uint32_t *seen)
{
    uint32_t bit = pl_field_bit(r, f);

    if (*seen & bit)
        return pl_json_fail(j, "a member is given twice");
    *seen |= bit;
    return true;
}

/* Reads field `f` of `to`, which is in an object at this depth. */
typedef bool pl_json_field(struct pl_json *j, const struct pl_field *f,
                           void *to, unsigned depth);

/* Read an object with the fields of `r` at depth `depth`; skip unknown members,
 * nested at most up to depth `max`, and nulls, unless null is a payload. */
static inline bool pl_json_fields(struct pl_json *j, const struct pl_request *r,
                                  void *to, unsigned depth, unsigned max,
                                  bool null_is_data, pl_json_field *field)
{
    struct pl_span key;
    uint32_t seen = 0;

    if (!pl_json_take(j, '{'))
        return pl_json_fail(j, "an object is expected");
    for (bool first = true; pl_json_member(j, &first, &key);) {
        const struct pl_field *f = pl_request_field(r, key);

        if (!(null_is_data && f != NULL && f->kind == PL_FIELD_DATA) &&
            pl_json_null(j))
            continue;
        if (f != NULL ? !pl_json_note(j, r, f, &seen) || !field(j, f, to, depth)
                      : !pl_json_skip(j, max - depth))
            return false;
    }
    return j->err == PL_OK;
}

/* Skip the blanks that may stand around an object of a message. */
static inline void pl_json_blanks(struct pl_json *j)
{
    while (j->at < j->end &&
           (*j->at == ' ' || *j->at == '\t' || *j->at == '\r'))
        j->at++;
}

#endif
