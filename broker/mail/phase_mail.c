/* SPDX-License-Identifier: Apache-2.0 */
/* phase_mail.c - see phase_mail.h. */
#include "phase_mail.h"

#include "mail_private.h"

struct pl_phase_mail *pl_phase_mail_create(void)
{
    return pl_mail_create(sizeof(struct pl_phase_mail), PL_MAIL_PHASE,
                          PL_MSG_RESERVED | PL_MSG_RETURN, pl_mail_free);
}
