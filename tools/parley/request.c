/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - see request.h.
 *
 * libcurl was chosen over evhttp, whose client cannot use Unix sockets without
 * a hand-made bufferevent, and over a client of our own.  curl cannot be given
 * a Unix socket that is connected (7.88 connects it once more), and waits for
 * no full backlog.  So a first connection waits for the broker, and says what
 * is wrong; the one that curl makes is checked between connect() and the first
 * byte, by CURLOPT_PREREQFUNCTION.
 *
 * The loop is here and not in curl_easy_perform(): it waits for the end
 * of stdout's reader as well, and its deadline moves with each line of a
 * stream. */
#include "request.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exit_status.h"
#include "output.h"
#include "patience.h"
#include "peer.h"
#include "say.h"

enum {
    ANSWER_MAX = 256 * 1024 * 1024, /* bytes of an answer, or of a line */
    EMPTY_LINE_MS = 25000,          /* the broker sends one that often */
    ENDING_MS = 500,                /* between its streams and its process */
    POLL_MAX_MS = 60000
};

enum stop { GOES_ON, LATE, UNREAD, TOO_LONG };

struct transfer {
    const struct target *target;
    struct pl_buf *answer;
    bool (*line)(const char *text, size_t len); /* NULL: keep everything */
    long status;
    CURL *curl;
    int fd;      /* curl's, of a Unix socket */
    int process; /* the broker's, for peer_await_end(); -1: unknown */
    int refused; /* the peer was not taken: what to exit with */
    struct patience patience;
    enum stop stop;
};

/* --- What comes in --- */

/* The broker sends at least an empty line, also when there is no news. */
static void await_line(struct transfer *x)
{
    if (x->target->timeout_ms > 0)
        patience_extend(&x->patience, x->target->timeout_ms + EMPTY_LINE_MS);
    x->patience.remark_ms = 0;
}

/* Hand out whole lines from the front; the rest stays. */
static void split_lines(struct transfer *x)
{
    struct pl_buf *b = x->answer;
    size_t done = 0;
    char *end;

    while (x->stop == GOES_ON &&
           (end = memchr(b->data + done, '\n', b->len - done)) != NULL) {
        size_t len = (size_t)(end - b->data) - done;
        if (len > 0 && !x->line(b->data + done, len))
            x->stop = UNREAD;
        done += len + 1;
    }
    memmove(b->data, b->data + done, b->len - done);
    b->len -= done;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;

    if (x->answer->len + size * count > ANSWER_MAX)
        x->stop = TOO_LONG;
    else
        pl_buf_put(x->answer, bytes, size * count);
    if (x->answer->failed || x->stop != GOES_ON)
        return 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->line != NULL && x->status == 200) {
        await_line(x);
        split_lines(x);
    }
    return x->stop == GOES_ON ? size * count : 0;
}

/* --- The loop --- */

static void wait_for_something(struct transfer *x, CURLM *multi)
{
    struct curl_waitfd extra = {.fd = STDOUT_FILENO};
    bool is_stream = x->line != NULL;

    int wait = patience_poll_ms(&x->patience);

    if (wait < 0 || wait > POLL_MAX_MS)
        wait = POLL_MAX_MS;
    curl_multi_poll(multi, &extra, is_stream ? 1 : 0, wait, NULL);
    if (is_stream && output_has_lost_reader())
        x->stop = UNREAD;
    if (patience_is_over(&x->patience) && x->stop == GOES_ON)
        x->stop = LATE;
}

static CURLcode drive(struct transfer *x)
{
    CURLM *multi = curl_multi_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int running = 1, left;

    if (multi != NULL && curl_multi_add_handle(multi, x->curl) == CURLM_OK) {
        while (curl_multi_perform(multi, &running) == CURLM_OK && running > 0 &&
               x->stop == GOES_ON)
            wait_for_something(x, multi);
        const CURLMsg *msg = curl_multi_info_read(multi, &left);
        if (msg != NULL && msg->msg == CURLMSG_DONE)
            code = msg->data.result;
        curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
        curl_multi_remove_handle(multi, x->curl);
    }
    curl_multi_cleanup(multi);
    return code;
}

/* --- What became of it --- */

/* NULL: it is no JSON. */
static json_t *load(const struct pl_buf *answer)
{
    return json_loadb(answer->len > 0 ? answer->data : "", answer->len, 0,
                      NULL);
}

/* The message of an error in the answer's JSON, which the caller frees. */
static char *error_message(const struct pl_buf *answer)
{
    json_t *json = load(answer);
    const char *text = json_string_value(
        json_object_get(json_object_get(json, "error"), "message"));
    char *copy = text == NULL ? NULL : strdup(text);

    json_decref(json);
    return copy;
}

static void complain_bad_request(const struct transfer *x)
{
    char *text = error_message(x->answer);

    if (text != NULL)
        complain("the broker refused: %s", text);
    else if (x->line != NULL)
        complain("the broker takes 1 to 128 channels with names of 1 to 255 "
                 "bytes of UTF-8");
    else
        complain("%s: not understood (HTTP status 400)",
                 target_name(x->target));
    free(text);
}

static int judge_status(const struct transfer *x)
{
    const struct target *t = x->target;
    const char *name = target_name(t);

    switch (x->status) {
    case 200:
        return EXIT_OK;
    case 400:
        complain_bad_request(x);
        return EXIT_FAILED;
    case 401:
        complain("%s: the API key is %s: give the broker's api.key in "
                 "$PARLEY_API_KEY or with --key",
                 name, t->key == NULL ? "missing" : "wrong");
        return EXIT_FAILED;
    case 403:
        complain("%s: not allowed by this address: use the admin socket "
                 "(--socket), or for anything but shutdown set api.key in the "
                 "broker's configuration",
                 name);
        return EXIT_FAILED;
    case 413:
        complain("%s: that is larger than the broker takes "
                 "(websocket.max_message)",
                 name);
        return EXIT_FAILED;
    case 503:
        complain("%s: the broker is stopping or has too much to do: try again",
                 name);
        return EXIT_FAILED;
    default:
        complain("%s: HTTP status %ld, as no admin server of this version "
                 "answers: --url is its admin.listen (by default "
                 "http://127.0.0.1:8001), without a path",
                 name, x->status);
        return EXIT_FAILED;
    }
}

/* The end of a stream may be seen before the end of the process. */
static bool has_stopped(const struct transfer *x)
{
    const struct target *t = x->target;

    return t->url == NULL &&
           (!peer_is_there(t) || peer_await_end(x->process, ENDING_MS, false) ||
            !peer_is_there(t));
}

static int judge_end(const struct transfer *x)
{
    const struct target *t = x->target;

    if (has_stopped(x))
        complain("the broker has stopped");
    else
        complain(
            "%s: the broker ended the subscription: it is stopping, or this "
            "was read too slowly (limits.outgoing_queue)",
            target_name(t));
    return EXIT_ENDED;
}

static int judge_failure(const struct transfer *x, CURLcode code,
                         const char *text)
{
    const struct target *t = x->target;

    if (code == CURLE_COULDNT_CONNECT) {
        complain("cannot connect to %s: nothing listens there: is parleyd "
                 "running, and is this its admin.listen?",
                 target_name(t));
        return EXIT_NO_BROKER;
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST) {
        complain("cannot connect to %s: there is no such host", target_name(t));
        return EXIT_NO_BROKER;
    }
    if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR ||
        code == CURLE_SEND_ERROR) {
        complain("%s: the broker closed the connection without an answer",
                 target_name(t));
        return EXIT_FAILED;
    }
    complain("%s: %s", target_name(t),
             text[0] != '\0' ? text : curl_easy_strerror(code));
    return EXIT_FAILED;
}

static int judge(const struct transfer *x, CURLcode code, const char *text)
{
    bool is_open = x->line != NULL && x->status == 200;

    if (x->refused != EXIT_OK)
        return x->refused;
    switch (x->stop) {
    case UNREAD:
        return EXIT_OK;
    case LATE:
        complain("%s: the broker %s: it hangs or is very busy (--timeout)",
                 target_name(x->target),
                 is_open ? "has become silent" : "did not answer in time");
        return EXIT_TIMEOUT;
    case TOO_LONG:
        complain("%s: an answer without end", target_name(x->target));
        return EXIT_FAILED;
    case GOES_ON:
        break;
    }
    if (is_open && code == CURLE_OK) {
        complain("the broker ended the subscription: no channel is left");
        return EXIT_ENDED;
    }
    if (is_open && code != CURLE_WRITE_ERROR)
        return judge_end(x);
    return code != CURLE_OK ? judge_failure(x, code, text) : judge_status(x);
}

/* --- Setting up --- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct transfer *x = arg;

    (void)purpose;
    x->fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                   address->protocol);
    return x->fd;
}

/* Connected, and nothing was sent yet. */
static int check_peer(void *arg, char *peer, char *local, int peer_port,
                      int local_port)
{
    struct transfer *x = arg;
    pid_t pid = 0;

    (void)peer, (void)local, (void)peer_port, (void)local_port;
    x->refused = peer_check(x->target, x->fd, &pid);
    return x->refused == EXIT_OK ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

static void prepare(CURL *curl, const struct target *t, const char *url,
                    const char *body, struct transfer *x)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (t->url == NULL) {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, t->socket);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, x);
        curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_peer);
        curl_easy_setopt(curl, CURLOPT_PREREQDATA, x);
    }
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* A proxy of the environment is not for the broker next door. */
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

static struct curl_slist *headers_of(const struct target *t)
{
    struct curl_slist *list =
        curl_slist_append(NULL, "Content-Type: application/json");
    struct pl_buf line = {0};

    if (t->url != NULL && t->key != NULL) {
        pl_buf_printf(&line, "X-API-Key: %s", t->key);
        pl_buf_put_byte(&line, '\0');
        if (!line.failed)
            list = curl_slist_append(list, line.data);
    }
    pl_buf_fini(&line);
    return list;
}

/* Only now, and TLS only for a URL: the tables of OpenSSL take longer than all
 * that most commands do.  main() ends it. */
static void begin_curl(const struct target *t)
{
    static bool has_begun;

    if (!has_begun)
        curl_global_init(t->url != NULL ? CURL_GLOBAL_DEFAULT
                                        : CURL_GLOBAL_NOTHING);
    has_begun = true;
}

static int perform(const char *path, const char *body, struct transfer *x)
{
    const struct target *t = x->target;
    char text[CURL_ERROR_SIZE] = "";
    struct pl_buf url = {0};
    struct curl_slist *headers = headers_of(t);
    CURLcode code = CURLE_OUT_OF_MEMORY;

    patience_begin(&x->patience, t->timeout_ms, "an answer from %s",
                   target_name(t));
    begin_curl(t);
    x->curl = curl_easy_init();
    pl_buf_printf(&url, "%s%s", t->url != NULL ? t->url : "http://localhost",
                  path);
    pl_buf_put_byte(&url, '\0');
    if (x->curl != NULL && !url.failed && headers != NULL) {
        prepare(x->curl, t, url.data, body, x);
        curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, text);
        code = drive(x);
    }
    curl_easy_cleanup(x->curl);
    curl_slist_free_all(headers);
    pl_buf_fini(&url);
    return judge(x, code, text);
}

static int find_and_perform(const char *path, const char *body,
                            struct transfer *x)
{
    int rc = EXIT_OK;

    x->process = -1;
    if (x->target->url == NULL) {
        pid_t pid = 0;
        int fd = -1;
        rc = peer_connect(x->target, &fd, &pid);
        if (rc == EXIT_OK) {
            x->process = peer_watch(pid);
            close(fd);
        }
    }
    if (rc == EXIT_OK)
        rc = perform(path, body, x);
    if (x->process >= 0)
        close(x->process);
    return rc;
}

int request(const struct target *t, const char *path, const char *body,
            struct pl_buf *answer)
{
    struct transfer x = {.target = t, .answer = answer};

    return find_and_perform(path, body, &x);
}

int request_lines(const struct target *t, const char *path,
                  bool (*line)(const char *text, size_t len))
{
    struct pl_buf rest = {0};
    struct transfer x = {.target = t, .answer = &rest, .line = line};

    int rc = find_and_perform(path, NULL, &x);
    pl_buf_fini(&rest);
    return rc;
}

/* The result, or NULL if the broker returned an error. */
static json_t *take_result(const struct target *t, json_t *answer)
{
    json_t *error = json_object_get(answer, "error");

    if (error != NULL) {
        const char *text = json_string_value(json_object_get(error, "message"));
        complain("the broker refused: %s (%" JSON_INTEGER_FORMAT ")",
                 text != NULL ? text : "no reason",
                 json_integer_value(json_object_get(error, "code")));
        return NULL;
    }
    json_t *result = json_object_get(answer, "result");
    if (result == NULL)
        complain("%s: no answer of a broker", target_name(t));
    return json_incref(result);
}

int request_api(const struct target *t, const char *method, const char *body,
                json_t **result)
{
    struct pl_buf path = {0}, answer = {0};
    int rc = EXIT_FAILED;

    pl_buf_printf(&path, "/api/%s", method);
    pl_buf_put_byte(&path, '\0');
    if (!path.failed)
        rc = request(t, path.data, body, &answer);
    if (rc == EXIT_OK) {
        json_t *json = load(&answer);
        json_t *taken = take_result(t, json);
        if (taken == NULL)
            rc = EXIT_FAILED;
        else
            *result = taken;
        json_decref(json);
    }
    pl_buf_fini(&path);
    pl_buf_fini(&answer);
    return rc;
}

int request_status(const struct target *t, json_t **status)
{
    struct pl_buf answer = {0};
    int rc = request(t, "/status", NULL, &answer);

    if (rc == EXIT_OK && (*status = load(&answer)) == NULL) {
        complain("the answer is not a status");
        rc = EXIT_FAILED;
    }
    pl_buf_fini(&answer);
    return rc;
}

void put_escaped(struct pl_buf *b, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);

    if (escaped == NULL)
        b->failed = true;
    else
        pl_buf_put_span(b, pl_span_of(escaped));
    curl_free(escaped);
}
