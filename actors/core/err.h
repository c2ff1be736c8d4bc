/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - every error that parley returns. */
#ifndef PL_ERR_H
#define PL_ERR_H

#define PL_ERR_MAP(X)                                                          \
    X(PL_OK, 0, "ok")                                                          \
    X(PL_ENOMEM, -1, "out of memory")                                          \
    X(PL_EFULL, -2, "queue is full")                                           \
    X(PL_ESTALE, -3, "no actor has this address any more")                     \
    X(PL_ESTOPPING, -4, "stopping")                                            \
    X(PL_EAGAIN, -5, "more input is needed")                                   \
    X(PL_EBADMSG, -6, "malformed input")                                       \
    X(PL_ETOOBIG, -7, "larger than the limit")                                 \
    X(PL_EINVAL, -8, "invalid argument")                                       \
    X(PL_EEXIST, -9, "exists already")                                         \
    X(PL_ENOENT, -10, "not found")                                             \
    X(PL_EEXPIRED, -11, "expired")                                             \
    X(PL_EDENIED, -12, "permission denied")                                    \
    X(PL_ETIMEDOUT, -13, "timed out")                                          \
    X(PL_EIO, -14, "input/output error")                                       \
    X(PL_ELIMIT, -15, "limit exceeded")                                        \
    X(PL_ECLOSED, -16, "closed")

enum pl_err {
#define X(name, value, text) name = value,
    PL_ERR_MAP(X)
#undef X
};

/* The text of `err`, for logs.  Never NULL.  Exported from shared libraries,
 * because their users get errors too.  Thread: any. */
__attribute__((visibility("default"))) const char *pl_err_text(enum pl_err err);

#endif
