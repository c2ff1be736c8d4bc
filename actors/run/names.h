/* SPDX-License-Identifier: Apache-2.0 */
/* names.h - a registry of named actors, one per system. */
#ifndef PL_NAMES_H
#define PL_NAMES_H

#include "address.h"
#include "err.h"
#include "span.h"

struct pl_names; /* opaque; locked inside */

/* Errors: PL_ENOMEM. */
enum pl_err pl_names_create(struct pl_names **out);
void pl_names_destroy(struct pl_names *n);

/* Thread: any.  Errors: PL_EEXIST (the name is taken), PL_ENOMEM. */
enum pl_err pl_names_register(struct pl_names *n, struct pl_span name,
                              struct pl_address address);

/* Remove `name`, unless another address has it.  Thread: any. */
void pl_names_unregister(struct pl_names *n, struct pl_span name,
                         struct pl_address address);

/* Thread: any.  Errors: PL_ENOENT. */
enum pl_err pl_names_find(struct pl_names *n, struct pl_span name,
                          struct pl_address *out);

#endif
