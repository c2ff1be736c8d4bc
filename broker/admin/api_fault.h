/* SPDX-License-Identifier: Apache-2.0 */
/* api_fault.h - the reason for which a server API request is rejected.
 *
 * Thread: any. */
#ifndef PL_API_FAULT_H
#define PL_API_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json_scan.h"

/* All zero: no fault.  The texts are constants, so a message never repeats the
 * backend's input. */
struct pl_api_fault {
    uint32_t code;      /* of code.h; 0: no fault */
    const char *member; /* the JSON member at fault; NULL: none in particular */
    const char *why;    /* NULL: the text of the code suffices */
    size_t at;          /* byte offset in the body, if is_malformed */
    /* The text is not JSON, or a member has another type than the method
     * expects. */
    bool is_malformed;
};

/* Set a fault that is not malformed JSON, unless `f` has one.  Return false. */
bool pl_api_fault_set(struct pl_api_fault *f, uint32_t code, const char *member,
                      const char *why);

/* Set the error of `j`, which started at `begin`, unless `f` has a fault.
 * Return false. */
bool pl_api_fault_take(struct pl_api_fault *f, const struct pl_json *j,
                       const char *begin);

/* Append the text of the code and, after a colon, the details. */
void pl_api_fault_write(struct pl_buf *b, const struct pl_api_fault *f);

#endif
