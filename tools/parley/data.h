/* SPDX-License-Identifier: Apache-2.0 */
/* data.h - the DATA of commands that send some. */
#ifndef PL_TOOL_DATA_H
#define PL_TOOL_DATA_H

#include "buf.h"
#include "target.h"

/* --string and --binary, for the table of a command. */
#define DATA_OPTIONS                                                           \
    {"string",                                                                 \
     0,                                                                        \
     NULL,                                                                     \
     OPT_FLAG,                                                                 \
     &data_is_string,                                                          \
     "DATA is plain text and goes out as a JSON string; of stdin, without "    \
     "the "                                                                    \
     "last newline",                                                           \
     NULL},                                                                    \
    {                                                                          \
        "binary", 0, NULL, OPT_FLAG, &data_is_binary,                          \
            "DATA is bytes and goes out as they are; with --url ws:// this "   \
            "speaks protobuf",                                                 \
            NULL                                                               \
    }

extern bool data_is_string, data_is_binary;

/* Make what goes out of `text` and append it.  `name` is what complaints call
 * it.  EXIT_OK, or what to exit with; it has complained then. */
int data_convert(struct pl_buf *out, struct pl_span text, const char *name);

/* Likewise, of an argument; "-" reads stdin. */
int data_read(struct pl_buf *out, const char *argument);

/* Bytes that are not JSON need protobuf. */
void data_choose_encoding(struct target *t);

/* Before anything is read from stdin: say so, if that is a terminal. */
void data_ask_terminal(void);

#endif
