/* SPDX-License-Identifier: Apache-2.0 */
/* stage.h - runs the tool, a broker, and programs that are none. */
#ifndef STAGE_H
#define STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

struct stage {
    char folder[32];         /* temporary; all may enter it */
    char socket[64];         /* of the broker, or of what looks like one */
    pid_t broker;            /* 0: none */
    pid_t fake;              /* 0: none */
    unsigned port, tls_port; /* of clients; 0: none yet */
    const char *input;       /* file for stdin; NULL: it is empty */
    const char *setting;     /* one more for the broker; NULL: none */
    char out[65536];         /* of the last tool_run() */
    char err[8192];
};

int stage_up(void **state);
int stage_down(void **state);

/* A broker that lets everybody do everything, on s->socket. */
void stage_start_broker(struct stage *s);

/* The same with ports for clients, which stay over restarts, and a history for
 * everything.  Certificates are in the folder: ca.pem and one of 127.0.0.1. */
void stage_start_for_clients(struct stage *s);

/* A port that nothing uses. */
unsigned stage_free_port(void);

/* Wait for the broker's end, and give its status. */
int stage_await_broker(struct stage *s);

/* A listener on `path`; mode 0600. */
int stage_listen(const char *path);

/* A process that, as user `uid`, takes one connection after the other from
 * `listener`, reads a request and answers with `text`. */
void stage_fake(struct stage *s, int listener, const char *text);

/* Run `parley` with the words of `line`; "S" stands for the option
 * with s->socket, "W" and "T" for those with its addresses for clients.
 * Gives its exit status, or 128 and the signal. */
int tool_run(struct stage *s, const char *line);

/* The same with stdout on `path`, or closed (NULL). */
int tool_run_onto(struct stage *s, const char *line, const char *path);

/* The same with stdout on a terminal; s->out gets what it shows. */
int tool_run_on_terminal(struct stage *s, const char *line);

/* A tool that goes on: its stdout can be read from *out. */
pid_t tool_start(struct stage *s, const char *line, int *out);

/* The same; its stderr comes there too. */
pid_t tool_start_with_remarks(struct stage *s, const char *line, int *out);

/* Its exit status, or 128 and the signal.  Its stderr goes to s->err. */
int tool_await(struct stage *s, pid_t pid);

/* Read up to a newline; false at the end. */
bool read_line(int fd, char *line, size_t size);

#endif
