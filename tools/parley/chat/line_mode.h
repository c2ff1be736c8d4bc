/* SPDX-License-Identifier: Apache-2.0 */
/* line_mode.h - the chat as lines: each line of standard input is entered, each
 * message is a line of standard output, remarks go to standard error. */
#ifndef PL_CHAT_LINE_MODE_H
#define PL_CHAT_LINE_MODE_H

#include "chat.h"

enum pl_chat_end {
    PL_CHAT_END_OK,
    PL_CHAT_END_OPTIONS,   /* an option is wrong */
    PL_CHAT_END_UNSENT,    /* not everything was sent */
    PL_CHAT_END_NO_SERVER, /* there was never a connection */
    PL_CHAT_END_REFUSED    /* the server ended the connection for good */
};

/* Run until standard input ends and all of it is sent, or until nothing reads
 * standard output.  `complain` prints why it failed. */
enum pl_chat_end pl_chat_line_mode(const struct pl_chat_options *o,
                                   void (*complain)(const char *format, ...));

#endif
