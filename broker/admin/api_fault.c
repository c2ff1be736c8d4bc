/* SPDX-License-Identifier: Apache-2.0 */
/* api_fault.c - see api_fault.h. */
#include "api_fault.h"

#include "code.h"

bool pl_api_fault_set(struct pl_api_fault *f, uint32_t code, const char *member,
                      const char *why)
{
    if (f->code == 0)
        *f = (struct pl_api_fault){.code = code, .member = member, .why = why};
    return false;
}

bool pl_api_fault_take(struct pl_api_fault *f, const struct pl_json *j,
                       const char *begin)
{
    if (f->code != 0)
        return false;
    if (j->err == PL_ENOMEM)
        return pl_api_fault_set(f, PL_ERROR_INTERNAL, NULL, NULL);
    f->code = PL_ERROR_BAD_REQUEST;
    f->why = j->why;
    f->at = (size_t)(j->at - begin);
    f->is_malformed = true;
    return false;
}

void pl_api_fault_write(struct pl_buf *b, const struct pl_api_fault *f)
{
    pl_buf_put_span(b, pl_span_of(pl_code_text(f->code)));
    if (f->why == NULL)
        return;
    pl_buf_put_span(b, PL_SPAN(": "));
    if (f->member != NULL)
        pl_buf_printf(b, "%s: ", f->member);
    pl_buf_put_span(b, pl_span_of(f->why));
    if (f->is_malformed)
        pl_buf_printf(b, " at byte %zu", f->at);
}
