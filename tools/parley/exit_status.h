/* SPDX-License-Identifier: Apache-2.0 */
/* exit_status.h - what the tool exits with. */
#ifndef PL_TOOL_EXIT_STATUS_H
#define PL_TOOL_EXIT_STATUS_H

/* The help, the man page and the first page of the documentation say the same;
 * a test compares. */
#define EXIT_STATUS_MAP(X)                                                     \
    X(EXIT_OK, 0, "done, or nothing reads the output any more")                \
    X(EXIT_FAILED, 1, "failed or refused; standard error says why")            \
    X(EXIT_USAGE, 2, "wrong usage")                                            \
    X(EXIT_NO_BROKER, 3, "no broker there, or one of another user")            \
    X(EXIT_TIMEOUT, 4, "the broker did not answer in time")                    \
    X(EXIT_ENDED, 5, "the broker ended the subscription or the connection")    \
    X(EXIT_INTERRUPTED, 130, "interrupted (Ctrl-C)")                           \
    X(EXIT_TERMINATED, 143, "terminated (SIGTERM)")

enum exit_status {
#define X(name, value, text) name = value,
    EXIT_STATUS_MAP(X)
#undef X
};

#endif
