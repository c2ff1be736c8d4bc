/* SPDX-License-Identifier: Apache-2.0 */
/* program_heard.h - the callbacks of a program, for program.c. */
#ifndef PROGRAM_HEARD_H
#define PROGRAM_HEARD_H

#include "program.h"

/* Set the callbacks. */
void heard_group_options(struct plc_group_options *o);
void heard_client_options(struct plc_client_options *o);
void heard_options(struct plc_sub_options *o);

/* A call has ended so. */
void heard_result(const struct call *call, const struct plc_result *r);

/* At the end of each callback: perhaps the program calls something. */
void program_call_back(struct program *p);

#endif
