/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - see request.h.
 *
 * libcurl was chosen over evhttp, whose client cannot use Unix sockets without
 * a hand-made bufferevent, and over a client of our own. */
#include "request.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct transfer {
    struct pl_buf *answer;
    void (*line)(const char *text, size_t len); /* NULL: keep everything */
    long status;
    CURL *curl;
};

/* Hand out whole lines from the front; the rest stays. */
static void cut_lines(struct transfer *x)
{
    struct pl_buf *b = x->answer;
    size_t done = 0;
    char *end;

    while ((end = memchr(b->data + done, '\n', b->len - done)) != NULL) {
        size_t len = (size_t)(end - b->data) - done;
        if (len > 0)
            x->line(b->data + done, len);
        done += len + 1;
    }
    memmove(b->data, b->data + done, b->len - done);
    b->len -= done;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *x = arg;

    pl_buf_put(x->answer, bytes, size * count);
    if (x->answer->failed)
        return 0;
    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    if (x->line != NULL && x->status == 200)
        cut_lines(x);
    return size * count;
}

static const char *where(const struct target *t)
{
    return t->url != NULL ? t->url : t->socket;
}

static int judge(const struct target *t, const struct transfer *x,
                 CURLcode code, const char *text)
{
    if (code == CURLE_COULDNT_CONNECT) {
        complain("cannot reach %s: is parleyd running?", where(t));
        return EXIT_FAILED;
    }
    if (code != CURLE_OK) {
        complain("%s: %s", where(t),
                 text[0] != '\0' ? text : curl_easy_strerror(code));
        return EXIT_FAILED;
    }
    if (x->status == 200)
        return EXIT_OK;
    if (x->status == 401)
        complain("%s: the API key is missing or wrong", where(t));
    else if (x->status == 403)
        complain("%s: not allowed here; use the admin socket", where(t));
    else
        complain("%s: HTTP status %ld", where(t), x->status);
    return EXIT_FAILED;
}

static void prepare(CURL *curl, const struct target *t, const char *url,
                    const char *body, struct transfer *x)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (t->url == NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, t->socket);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
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

static int perform(const struct target *t, const char *path, const char *body,
                   struct transfer *x)
{
    char text[CURL_ERROR_SIZE] = "";
    struct pl_buf url = {0};
    struct curl_slist *headers = headers_of(t);
    CURLcode code = CURLE_OUT_OF_MEMORY;

    x->curl = curl_easy_init();
    pl_buf_printf(&url, "%s%s", t->url != NULL ? t->url : "http://localhost",
                  path);
    pl_buf_put_byte(&url, '\0');
    if (x->curl != NULL && !url.failed && headers != NULL) {
        prepare(x->curl, t, url.data, body, x);
        curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, text);
        code = curl_easy_perform(x->curl);
        curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->status);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(x->curl);
    pl_buf_fini(&url);
    return judge(t, x, code, text);
}

int request(const struct target *t, const char *path, const char *body,
            struct pl_buf *answer)
{
    struct transfer x = {.answer = answer};

    return perform(t, path, body, &x);
}

int request_lines(const struct target *t, const char *path,
                  void (*line)(const char *text, size_t len))
{
    struct pl_buf rest = {0};
    struct transfer x = {.answer = &rest, .line = line};
    int rc = perform(t, path, NULL, &x);

    pl_buf_fini(&rest);
    return rc;
}

/* The result, or NULL when the broker told an error. */
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
        complain("%s: no answer of a broker", where(t));
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
        json_t *json =
            json_loadb(answer.len > 0 ? answer.data : "", answer.len, 0, NULL);
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

void put_escaped(struct pl_buf *b, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);

    if (escaped == NULL)
        b->failed = true;
    else
        pl_buf_put_span(b, pl_span_of(escaped));
    curl_free(escaped);
}
