/* SPDX-License-Identifier: Apache-2.0 */
/* help_text.c - what the help says of the modes. */
#include "bench.h"

const char bench_help[] =
    "Connects clients of libparley-client and checks every message: one that "
    "is\n"
    "lost, double, out of order or damaged makes the exit status 1.  Ctrl-C "
    "ends\n"
    "it with what was measured.  The modes:\n"
    "\n"
    "    idle       memory of each connection, as the difference between a\n"
    "               quarter of --clients and all of them\n"
    "    fanout     one publisher a process: deliveries and their latency\n"
    "    rooms      each client publishes to its channels, and hears the "
    "others\n"
    "    roundtrip  each client publishes to a channel of its own and hears\n"
    "               itself; with --rpc it calls a method\n"
    "    storm      connect, log in, leave, again\n"
    "    return     all leave, come back at once, and recover what was "
    "published\n"
    "               meanwhile\n"
    "\n"
    "The server is a parleyd that is started (--parleyd), or any server of "
    "the\n"
    "protocol that runs (--url).\n";
