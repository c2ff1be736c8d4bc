/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - parleyd: the broker as a program. */
#ifndef PL_DAEMON_H
#define PL_DAEMON_H

#include "broker.h"

/* Read the arguments, run the broker until a signal or an administrator stops
 * it.  SIGTERM and SIGINT stop; a second one hurries; a third ends the process
 * at once.  `stores` may be NULL.
 * Returns the exit status: 0, 1 (it failed, or something had to be left
 * behind), 2 (arguments or configuration).
 * Thread: the program's only one. */
int pl_daemon_run(int argc, char **argv, pl_broker_stores *stores);

#endif
