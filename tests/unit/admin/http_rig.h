/* SPDX-License-Identifier: Apache-2.0 */
/* http_rig.h - the admin actor on a real loop, and a client that speaks to it
 * over real sockets. */
#ifndef HTTP_RIG_H
#define HTTP_RIG_H

#include <stdio.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin.h"
#include "fake_owner.h"
#include "settings_options.h"
#include "supervisor.h"
#include "system.h"

enum { WORKER, CONTROL, LOOPS, ANSWER_MAX = 1 << 18 };

struct rig {
    struct pl_settings *config;
    struct pl_system *system;
    struct pl_reactor *reactor[LOOPS];
    struct pl_snapshot *snapshot[LOOPS];
    struct pl_metrics metrics[LOOPS];
    struct pl_hash_key key;
    struct pl_phase_trace *phases;
    struct pl_status_source status;
    struct pl_hub *hub;
    struct owner *owner;
    struct pl_address owners[1];
    struct pl_supervisor *supervisor;
    struct pl_admin *admin;
    char folder[32];
    char path[64];
    int stopped[2]; /* a pipe: a byte comes when the broker has stopped */
    bool is_stopped;
    char answer[ANSWER_MAX];
    struct pl_buf log;
};

static inline void keep_line(void *arg, enum pl_log_level level,
                             struct pl_span line)
{
    struct rig *r = arg;

    (void)level;
    pl_buf_put_span(&r->log, line);
}

static inline void on_stopped(void *arg)
{
    struct rig *r = arg;

    ssize_t put = write(r->stopped[1], "x", 1);

    (void)put;
}

static inline void publish_metrics(void *arg)
{
    struct rig *r = arg;

    pl_snapshot_publish(r->snapshot[CONTROL], r->metrics[CONTROL].value);
}

static inline void create_loops(struct rig *r)
{
    struct pl_system_options options = {.loops = LOOPS};

    assert_int_equal(pl_system_create(&r->system, &options), PL_OK);
    for (int i = 0; i < LOOPS; i++) {
        assert_int_equal(pl_reactor_create(&r->reactor[i],
                                           pl_system_loop(r->system, i), NULL),
                         PL_OK);
        assert_int_equal(pl_snapshot_create(&r->snapshot[i], PL_METRIC_COUNT),
                         PL_OK);
    }
    assert_int_equal(
        pl_phase_trace_create(&r->phases, pl_system_clock(r->system)), PL_OK);
    r->status = (struct pl_status_source){.version = "9.9.9",
                                          .system = r->system,
                                          .snapshots = r->snapshot,
                                          .phases = r->phases};
}

static inline void create_actors(struct rig *r)
{
    struct pl_loop *control = pl_system_loop(r->system, CONTROL);
    struct pl_hub_options hub = {.key = &r->key,
                                 .channels = r->owners,
                                 .channel_owners = 1,
                                 .backlog_limit = 1000,
                                 .metrics = &r->metrics[CONTROL]};
    struct pl_supervisor_options supervisor = {.config = &r->config->supervisor,
                                               .key = &r->key,
                                               .metrics = &r->metrics[CONTROL],
                                               .phases = r->phases,
                                               .on_stopped = on_stopped,
                                               .arg = r};

    pl_loop_on_turn_end(control, publish_metrics, r);
    r->owner = owner_create(pl_system_loop(r->system, WORKER));
    r->owners[0] = pl_actor_address(&r->owner->actor);
    assert_int_equal(pl_hub_create(&r->hub, control, &hub), PL_OK);
    assert_int_equal(pl_supervisor_create(&r->supervisor, control, &supervisor),
                     PL_OK);
}

static inline enum pl_err create_admin(struct rig *r, struct pl_admin **out)
{
    struct pl_admin_options options = {
        .reactor = r->reactor[CONTROL],
        .hub = r->hub,
        .key = &r->key,
        .channels = r->owners,
        .channel_owners = 1,
        .supervisor = pl_supervisor_address(r->supervisor),
        .status = &r->status,
        .metrics = &r->metrics[CONTROL],
    };

    pl_settings_fill_admin(r->config, &options);
    return pl_admin_create(out, &options);
}

static inline void configure(struct rig *r)
{
    strcpy(r->folder, "/tmp/parley-test-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->path, sizeof r->path, "%s/admin.sock", r->folder);
    assert_int_equal(pl_settings_create_default(&r->config), PL_OK);
    free(r->config->admin.socket);
    r->config->admin.socket = strdup(r->path);
    free(r->config->admin.listen.text);
    r->config->admin.listen.text = strdup("127.0.0.1:0");
    r->config->users.api.key = strdup("sesame");
    struct pl_api_key_settings *narrow = calloc(1, sizeof *narrow);
    assert_non_null(narrow);
    narrow->key = strdup("narrow");
    narrow->methods.at = calloc(1, sizeof narrow->methods.at[0]);
    assert_non_null(narrow->methods.at);
    narrow->methods.at[0] = strdup("publish");
    narrow->methods.count = 1;
    r->config->users.api.keys = (struct pl_config_sections){narrow, 1};
}

static inline void go(struct rig *r)
{
    struct pl_supervisor *s = r->supervisor;

    assert_int_equal(create_admin(r, &r->admin), PL_OK);
    assert_int_equal(
        pl_supervisor_add_internal(s, pl_hub_address(r->hub), "hub"), PL_OK);
    assert_int_equal(
        pl_supervisor_add_internal(s, pl_admin_address(r->admin), "admin"),
        PL_OK);
    assert_int_equal(pl_supervisor_start(s), PL_OK);
    for (int i = 0; i < LOOPS; i++)
        assert_int_equal(pl_reactor_start(r->reactor[i], "test"), PL_OK);
}

static inline int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    pl_log_set_sink(keep_line, r);
    assert_int_equal(pl_log_start(), PL_OK); /* one thread calls the sink */
    assert_int_equal(pipe(r->stopped), 0);
    configure(r);
    create_loops(r);
    create_actors(r);
    *state = r;
    return 0;
}

static inline int set_up_running(void **state)
{
    set_up(state);
    go(*state);
    return 0;
}

/* Wait for the end of the stop that somebody began. */
static inline void await_stop(struct rig *r)
{
    char byte;

    assert_int_equal(read(r->stopped[0], &byte, 1), 1);
    r->is_stopped = true;
}

static inline int tear_down(void **state)
{
    struct rig *r = *state;

    if (r->admin != NULL && !r->is_stopped) {
        pl_supervisor_stop(r->system, pl_supervisor_address(r->supervisor));
        await_stop(r);
    }
    for (int i = 0; i < LOOPS; i++) {
        pl_reactor_stop(r->reactor[i]);
        assert_int_equal(pl_reactor_join(r->reactor[i], 10000), PL_OK);
    }
    for (int i = 0; i < LOOPS; i++) {
        pl_reactor_destroy(r->reactor[i]);
        pl_snapshot_destroy(r->snapshot[i]);
    }
    pl_system_destroy(r->system);
    pl_phase_trace_destroy(r->phases);
    pl_settings_destroy(r->config);
    close(r->stopped[0]);
    close(r->stopped[1]);
    assert_int_not_equal(access(r->path, F_OK), 0); /* it removed its file */
    rmdir(r->folder);
    pl_log_stop();
    pl_log_set_sink(NULL, NULL);
    pl_buf_fini(&r->log);
    free(r);
    return 0;
}

/* --- A client --- */

static inline void connect_unix(const struct rig *r, int fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    strcpy(a.sun_path, r->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
}

static inline int dial_unix(const struct rig *r)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    connect_unix(r, fd);
    return fd;
}

static inline int dial_tcp(const struct rig *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(pl_admin_port(r->admin)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static inline void say(int fd, const char *text)
{
    size_t len = strlen(text);

    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), len);
}

/* Read until `end` has come or the connection ends. */
static inline void hear_until(struct rig *r, int fd, const char *end)
{
    size_t len = strlen(r->answer);

    while (end == NULL || strstr(r->answer, end) == NULL) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 30000), 1);
        ssize_t got = read(fd, r->answer + len, sizeof r->answer - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
        r->answer[len] = '\0';
    }
    if (end != NULL)
        assert_non_null(strstr(r->answer, end));
}

static inline void say_request(int fd, const char *line, const char *header,
                               const char *body)
{
    char text[4096];

    snprintf(text, sizeof text,
             "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%s"
             "Content-Length: %zu\r\n\r\n%s",
             line, header, header[0] != '\0' ? "\r\n" : "", strlen(body), body);
    say(fd, text);
}

/* The status; the whole answer is in r->answer. */
static inline int ask_on(struct rig *r, int fd, const char *line,
                         const char *header, const char *body)
{
    int status = 0;

    r->answer[0] = '\0';
    say_request(fd, line, header, body);
    hear_until(r, fd, NULL);
    close(fd);
    sscanf(r->answer, "HTTP/1.1 %d", &status);
    return status;
}

static inline int ask_unix(struct rig *r, const char *line, const char *body)
{
    return ask_on(r, dial_unix(r), line, "", body);
}

static inline int ask_tcp(struct rig *r, const char *line, const char *header,
                          const char *body)
{
    return ask_on(r, dial_tcp(r), line, header, body);
}

#define RUNNING(test)                                                          \
    cmocka_unit_test_setup_teardown(test, set_up_running, tear_down)
#define NOT_RUNNING(test)                                                      \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
