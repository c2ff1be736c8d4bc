/* SPDX-License-Identifier: Apache-2.0 */
/* memory_mail.c - see memory_mail.h. */
#include "memory_mail.h"

#include "mail_private.h"

/* Reserved, because it is rare and must not be refused. */
struct pl_memory_mail *pl_memory_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_memory_mail), PL_MAIL_MEMORY,
                          PL_MSG_RESERVED, pl_mail_free);
}
