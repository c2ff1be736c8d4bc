/* SPDX-License-Identifier: Apache-2.0 */
/* mail_private.h - helpers of the files of this module. */
#ifndef PL_MAIL_PRIVATE_H
#define PL_MAIL_PRIVATE_H

#include "mail.h"

/* Allocate a message of `size` bytes, all zero except these three.  NULL: out
 * of memory. */
void *pl_mail_create(size_t size, enum pl_mail_type type, uint8_t flags,
                     void (*destroy)(struct pl_msg *));

/* A destroy function for mail that owns nothing else. */
void pl_mail_free(struct pl_msg *msg);

#endif
