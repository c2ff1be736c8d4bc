/* SPDX-License-Identifier: Apache-2.0 */
/* api_fault.h - why a server API request was not accepted.
 *
 * Thread: any. */
#ifndef PL_API_FAULT_H
#define PL_API_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json_scan.h"

/* All zero: there is no fault.  The texts are constants, so a message never
 * repeats what a backend sent. */
struct pl_api_fault {
    uint32_t code;      /* of code.h; 0: none */
    const char *member; /* NULL: no member in particular */
    const char *why;    /* NULL: the code says it all */
    size_t at;          /* byte of the body; only with is_malformed */
    /* The text is not JSON, or a member has another type than the method
     * expects. */
    bool is_malformed;
};

/* Set a fault that is not malformed JSON.  The first fault stays.
 * Returns false. */
bool pl_api_fault_set(struct pl_api_fault *f, uint32_t code, const char *member,
                      const char *why);

/* Take over what `j`, which began at `begin`, failed with.  A fault that is set
 * already stays.  Returns false. */
bool pl_api_fault_take(struct pl_api_fault *f, const struct pl_json *j,
                       const char *begin);

/* Append the message of the code and, after a colon, the details. */
void pl_api_fault_write(struct pl_buf *b, const struct pl_api_fault *f);

#endif
