/* SPDX-License-Identifier: Apache-2.0 */
/* bench_options.h - the options of the load generator, and the plan that they
 * make. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

#include "plan.h"

/* T(id, name, value, help, words): an option with a value, which shells
 * complete with `words`; L: one that may be repeated; F(id, name, help): one
 * without a value. */
#define BENCH_OPTION_MAP(T, L, F)                                              \
    T(PARLEYD, "parleyd", "PATH",                                              \
      "start this parleyd for each measurement, insecure and with one loop",   \
      "FILE")                                                                  \
    L(SET, "set", "KEY=VALUE", "a setting of it; may be repeated", NULL)       \
    F(USERS, "users", "clients show tokens, so each user has an inbox")        \
    F(INBOX, "inbox", "clients ask for an inbox of the connection")            \
    T(URL, "url", "URL", "a server that runs: ws://HOST:PORT/PATH, or wss",    \
      NULL)                                                                    \
    T(PID, "pid", "PID", "its process, for CPU time and memory", NULL)         \
    T(TOKEN, "token", "TOKEN", "what all clients show", NULL)                  \
    T(SECRET_FILE, "secret-file", "FILE",                                      \
      "sign a token for each client; the secret is the first line of FILE",    \
      "FILE")                                                                  \
    T(CA, "ca", "FILE", "the authorities of its certificate", "FILE")          \
    F(NO_VERIFY, "no-verify", "take any certificate")                          \
    T(ENCODING, "encoding", "NAME", "protobuf (default) or json",              \
      "protobuf json")                                                         \
    T(PREFIX, "prefix", "TEXT",                                                \
      "front of the names of channels (default: bench-)", NULL)                \
    T(KINDS, "kinds", "LIST",                                                  \
      "of plain, tls, resumed (TLS with tickets), deflate, tls+deflate; each " \
      "round measures all, and the ratio is to the first (default: plain, or " \
      "as the URL)",                                                           \
      "plain tls resumed deflate tls+deflate")                                 \
    T(ROUNDS, "rounds", "N", "1 (default) to 31", NULL)                        \
    T(CLIENTS, "clients", "N",                                                 \
      "of all processes (default: idle and return 1000, fanout 100, rooms "    \
      "200, roundtrip 64, storm 32)",                                          \
      NULL)                                                                    \
    T(PROCESSES, "processes", "N", "of clients: 1 (default) to 16", NULL)      \
    T(CHANNELS, "channels", "N",                                               \
      "of each client (default: idle and return 5, storm 0, else 1)", NULL)    \
    T(SHARE, "share", "N",                                                     \
      "clients of each channel (default: 10; fanout: all of a process)", NULL) \
    T(SIZE, "size", "BYTES", "of a message: 56 to 60000 (default: 64)", NULL)  \
    T(WINDOW, "window", "N",                                                   \
      "closed loop: messages that each publisher has under way (default: "     \
      "fanout 64, rooms 2, roundtrip 1)",                                      \
      NULL)                                                                    \
    T(RATE, "rate", "N",                                                       \
      "open loop: messages or logins a second in all; latency counts from "    \
      "when each was due",                                                     \
      NULL)                                                                    \
    T(SWEEP, "sweep", "RATES",                                                 \
      "rates one after the other: 1000,2000,4000 or LOW:HIGH:STEPS", NULL)     \
    T(SVG, "svg", "FILE", "with --sweep: draw latency over load", "FILE")      \
    T(RPC, "rpc", "METHOD", "roundtrip: call this instead of publishing",      \
      NULL)                                                                    \
    T(AT_ONCE, "at-once", "N",                                                 \
      "return: connections of a process in the making (default: all)", NULL)   \
    T(MISSED, "missed", "N",                                                   \
      "return: messages to each channel meanwhile (default: 3)", NULL)         \
    F(RESTART, "restart",                                                      \
      "return: the broker is restarted; its memory forgets, so each client "   \
      "must read that it cannot recover")                                      \
    T(SECONDS, "seconds", "S",                                                 \
      "measured (default: 5); idle: waited before memory is read (default: "   \
      "1)",                                                                    \
      NULL)                                                                    \
    T(PATIENCE, "patience", "S",                                               \
      "without progress; then what is due is lost (default: 30)", NULL)        \
    T(CPUS, "cpus", "S/C", "cores of parleyd and of the clients, as 0/1-3",    \
      NULL)                                                                    \
    F(PROGRESS, "progress",                                                    \
      "a line a second on stderr, also if that is no terminal")

enum bench_option {
#define T(id, name, value, help, words) BENCH_OPTION_##id,
#define L(id, name, value, help, words) BENCH_OPTION_##id,
#define F(id, name, help) BENCH_OPTION_##id,
    BENCH_OPTION_MAP(T, L, F)
#undef T
#undef L
#undef F
        BENCH_OPTIONS
};

/* Begin a plan: the defaults of the mode.  False: there is no such mode. */
bool bench_plan_begin(struct bench_plan *plan, const char *mode);

/* Take an option; `value` is NULL for one without.  False: the value is not
 * possible.
 * Owner:  the caller keeps `value` as long as the plan. */
bool bench_plan_take(struct bench_plan *plan, enum bench_option option,
                     const char *value);

/* The rest of the defaults.  NULL, or what does not fit together. */
const char *bench_plan_complete(struct bench_plan *plan);

#endif
