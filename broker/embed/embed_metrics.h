/* SPDX-License-Identifier: Apache-2.0 */
/* embed_metrics.h - the metrics of the runtime, which counts without naming.
 * metrics.h joins the lists of all modules. */
#ifndef PL_EMBED_METRICS_H
#define PL_EMBED_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_EMBED_METRICS(X)                                                    \
    X(LOOP_TURNS, PL_COUNTER, "loop_turns", "turns of the loop")               \
    X(LOOP_LAG_NS, PL_GAUGE, "loop_lag_ns", "length of the newest turn")       \
    X(LOOP_LAG_RECENT_NS, PL_GAUGE, "loop_lag_recent_ns",                      \
      "length of turns lately, a mean over a second")                          \
    X(LOOP_LAG_MAX_NS, PL_GAUGE, "loop_lag_max_ns", "longest turn")            \
    X(LOOP_CPU_NS, PL_COUNTER, "loop_cpu_ns",                                  \
      "CPU time of the thread of the loop")                                    \
    X(LOOP_WAKES, PL_COUNTER, "loop_wakes", "writes that woke another loop")   \
    X(ACTORS, PL_GAUGE, "actors", "actors")                                    \
    X(TIMERS, PL_GAUGE, "timers", "running timers")                            \
    X(MAIL_ENQUEUED, PL_COUNTER, "mail_enqueued", "mail for actors")           \
    X(MAIL_HANDLED, PL_COUNTER, "mail_handled", "mail handled")                \
    X(MAIL_QUEUED, PL_GAUGE, "mail_queued", "mail waiting")                    \
    X(MAIL_DEEPEST, PL_GAUGE, "mail_deepest", "the deepest mailbox seen")      \
    X(MAIL_WAIT_NS, PL_GAUGE, "mail_wait_ns", "time in mailbox, sampled")      \
    X(DEAD_STALE, PL_COUNTER, "dead_letters_stale",                            \
      "mail for an address without an actor")                                  \
    X(DEAD_FULL, PL_COUNTER, "dead_letters_full", "mail refused: full")        \
    X(DEAD_CLOSING, PL_COUNTER, "dead_letters_closing",                        \
      "mail that waited for an actor that exited")                             \
    X(DEAD_REFUSED, PL_COUNTER, "dead_letters_refused",                        \
      "mail of a type that its receiver does not know")                        \
    X(DEAD_UNREACHABLE, PL_COUNTER, "dead_letters_unreachable",                \
      "mail for a loop or node that is not there")                             \
    X(JOBS_QUEUED, PL_GAUGE, "jobs_queued", "jobs that wait for a thread")     \
    X(JOBS_IN_PROGRESS, PL_GAUGE, "jobs_in_progress",                          \
      "jobs that a thread works on")                                           \
    X(JOBS_DONE, PL_COUNTER, "jobs_done", "jobs done")                         \
    X(JOBS_CANCELLED, PL_COUNTER, "jobs_cancelled",                            \
      "jobs that a shutdown kept from running")                                \
    X(JOBS_REFUSED, PL_COUNTER, "jobs_refused",                                \
      "jobs refused because too many waited")                                  \
    X(POSTS_SENT, PL_COUNTER, "posts_sent", "posts to other loops")            \
    X(POSTS_TAKEN, PL_COUNTER, "posts_taken", "posts taken")                   \
    X(POSTS_FOREIGN, PL_COUNTER, "posts_foreign",                              \
      "posts taken from threads without a loop")

#endif
