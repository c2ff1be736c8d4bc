/* SPDX-License-Identifier: Apache-2.0 */
/* test_lists.c - the lists of connections and users of a real broker: complete
 * while others come and go, and filtered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "admin_desk.h"
#include "peer.h"

#define SECRET "a secret of the tests, at least 32 bytes"

enum { STAY = 2500, CHURN = 200, CHURN_STEP = 20, PAGE = 97, AT_ONCE = 50 };

struct visitor {
    struct peer peer;
    char client[64];
    unsigned seen;
};

struct hall {
    struct box box;
    struct desk desk;
    struct visitor *stay, *churn;
    unsigned churned; /* visitors of `churn` that were replaced so far */
};

static void begin_login(struct visitor *g, const struct hall *h,
                        unsigned number)
{
    char name[32];

    snprintf(name, sizeof name, "user-%u", number);
    char *token = box_token(SECRET, name, NULL);
    peer_begin(&g->peer, h->box.port, number % 2, NULL);
    assert_int_equal(peer_await_open(&g->peer), 101);
    peer_connect(&g->peer, token);
    free(token);
}

static void end_login(struct visitor *g)
{
    struct peer_reply r;

    peer_await(&g->peer, 1, &r);
    assert_int_equal(r.kind, PEER_RESULT);
    snprintf(g->client, sizeof g->client, "%.*s", (int)r.client.len,
             r.client.at);
}

/* Each visitor is a user of its own, from user-`first` on. */
static void fill(struct visitor *g, unsigned count, unsigned first,
                 const struct hall *h)
{
    for (unsigned i = 0; i < count; i += AT_ONCE) {
        unsigned to = i + AT_ONCE < count ? i + AT_ONCE : count;

        for (unsigned j = i; j < to; j++)
            begin_login(&g[j], h, first + j);
        for (unsigned j = i; j < to; j++)
            end_login(&g[j]);
    }
}

static void allow_descriptors(void)
{
    struct rlimit r;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &r), 0);
    r.rlim_cur = r.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &r), 0);
    if (r.rlim_cur < 2 * (STAY + CHURN) + 200)
        skip();
}

static void open_hall(struct hall *h)
{
    char socket[96];
    const char *sets[] = {"auth.hmac_secret=" SECRET,
                          "channels.allow_subscribe=authenticated",
                          "connect.timeout=60s", socket, NULL};

    desk_open(&h->desk, socket);
    box_create_strict(&h->box, sets);
    box_run(&h->box);
}

static void close_hall(struct hall *h)
{
    box_destroy(&h->box);
    desk_close(&h->desk);
}

/* Some of the visitors that come and go are replaced by new ones. */
static void churn(struct hall *h)
{
    for (unsigned i = 0; i < CHURN_STEP; i++) {
        unsigned at = h->churned++ % CHURN;

        peer_fini(&h->churn[at].peer);
        begin_login(&h->churn[at], h, STAY + CHURN + h->churned);
        end_login(&h->churn[at]);
    }
}

static void note(struct hall *h, const char *key, const char *text)
{
    unsigned number;

    for (unsigned i = 0; strcmp(key, "client") == 0 && i < STAY; i++)
        h->stay[i].seen += strcmp(h->stay[i].client, text) == 0;
    if (strcmp(key, "user") == 0) {
        assert_int_equal(sscanf(text, "user-%u", &number), 1);
        if (number < STAY)
            h->stay[number].seen++;
    }
}

/* Connections are members by client id, users are a list. */
static size_t count_rows(const json_t *rows)
{
    assert_true(json_is_array(rows) || json_is_object(rows));
    return json_is_object(rows) ? json_object_size(rows)
                                : json_array_size(rows);
}

/* Note all rows of a page; give its "next", "" if it has none. */
static void read_page(struct hall *h, const char *method, const char *key,
                      char next[64])
{
    char params[128];
    const char *cursor, *id;
    json_t *row;
    size_t i;

    snprintf(params, sizeof params, "{\"limit\":%d,\"cursor\":\"%s\"}", PAGE,
             next);
    json_t *answer = desk_ask(&h->desk, method, params, NULL);
    json_t *result = json_object_get(answer, "result");
    json_t *rows = json_object_get(result, method);
    assert_in_range(count_rows(rows), 0, PAGE + 8);
    json_object_foreach(rows, id, row)
    {
        assert_string_equal(id,
                            json_string_value(json_object_get(row, "client")));
        note(h, key, id);
    }
    json_array_foreach(rows, i, row)
        note(h, key, json_string_value(json_object_get(row, key)));
    cursor = json_string_value(json_object_get(result, "next"));
    snprintf(next, 64, "%s", cursor != NULL ? cursor : "");
    json_decref(answer);
}

/* Read the whole list while others come and go. */
static void read_list(struct hall *h, const char *method, const char *key)
{
    char next[64] = "";
    unsigned pages = 0;

    for (unsigned i = 0; i < STAY; i++)
        h->stay[i].seen = 0;
    do {
        read_page(h, method, key, next);
        churn(h);
        pages++;
    } while (next[0] != '\0');
    assert_true(pages >= STAY / (PAGE + 8));
    for (unsigned i = 0; i < STAY; i++)
        assert_int_equal(h->stay[i].seen, 1);
}

static void each_that_stays_is_listed_once_while_others_come_and_go(void **st)
{
    struct hall h = {.stay = calloc(STAY, sizeof *h.stay),
                     .churn = calloc(CHURN, sizeof *h.churn)};

    (void)st;
    allow_descriptors();
    open_hall(&h);
    fill(h.churn, CHURN / 2, STAY, &h); /* in lower slots */
    fill(h.stay, STAY, 0, &h);
    fill(h.churn + CHURN / 2, CHURN / 2, STAY + CHURN / 2, &h);
    read_list(&h, "connections", "client");
    read_list(&h, "users", "user");
    for (unsigned i = 0; i < STAY; i++)
        peer_fini(&h.stay[i].peer);
    for (unsigned i = 0; i < CHURN; i++)
        peer_fini(&h.churn[i].peer);
    close_hall(&h);
    free(h.stay);
    free(h.churn);
}

/* --- Filters --- */

enum { FEW = 6 };

static json_t *list(struct hall *h, const char *method, const char *params,
                    json_t **answer)
{
    *answer = desk_ask(&h->desk, method, params, NULL);
    return json_object_get(json_object_get(*answer, "result"), method);
}

static void assert_count(struct hall *h, const char *method, const char *params,
                         size_t want)
{
    json_t *answer, *rows = list(h, method, params, &answer);

    if (count_rows(rows) != want)
        fail_msg("%s %s: %zu rows and not %zu", method, params,
                 count_rows(rows), want);
    json_decref(answer);
}

static void assert_refused(struct hall *h, const char *params, int code,
                           const char *member)
{
    json_t *answer = desk_ask(&h->desk, "connections", params, NULL);
    json_t *error = json_object_get(answer, "error");

    assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
    assert_non_null(
        strstr(json_string_value(json_object_get(error, "message")), member));
    json_decref(answer);
}

static void enter(struct visitor *g, struct hall *h, unsigned user)
{
    begin_login(g, h, user);
    end_login(g);
}

static void filters_choose_connections_and_users(void **st)
{
    struct hall h = {.stay = calloc(FEW, sizeof *h.stay)};
    char params[160];

    (void)st;
    open_hall(&h);
    for (unsigned i = 0; i < FEW; i++)
        enter(&h.stay[i], &h, i / 2); /* three users, two connections each */
    peer_join(&h.stay[0].peer, "news");
    peer_join(&h.stay[3].peer, "news");
    assert_count(&h, "connections", "{}", FEW);
    assert_count(&h, "connections", "{\"user\":\"user-1\"}", 2);
    assert_count(&h, "connections", "{\"user\":\"\"}", 0);
    assert_count(&h, "connections", "{\"channel\":\"news\"}", 2);
    assert_count(&h, "connections",
                 "{\"channel\":\"news\",\"user\":\"user-1\"}", 1);
    assert_count(&h, "connections", "{\"channel\":\"olds\"}", 0);
    assert_count(&h, "connections", "{\"address\":\"127.0.0.0/8\"}", FEW);
    assert_count(&h, "connections", "{\"address\":\"127.0.0.1\"}", FEW);
    assert_count(&h, "connections", "{\"address\":\"10.0.0.0/8\"}", 0);
    snprintf(params, sizeof params, "{\"client\":\"%s\"}", h.stay[4].client);
    assert_count(&h, "connections", params, 1);
    h.stay[4].client[20] ^= 1;
    snprintf(params, sizeof params, "{\"client\":\"%s\"}", h.stay[4].client);
    assert_count(&h, "connections", params, 0);
    assert_count(&h, "connections", "{\"client\":\"nobody\"}", 0);
    assert_count(&h, "users", "{}", FEW / 2);
    assert_count(&h, "users", "{\"user\":\"user-2\"}", 1);
    assert_count(&h, "users", "{\"user\":\"user-3\"}", 0);
    assert_refused(&h, "{\"address\":\"ten\"}", 107, "address");
    assert_refused(&h, "{\"cursor\":\"x\"}", 107, "cursor");
    assert_refused(&h, "{\"limit\":1001}", 107, "limit");
    assert_refused(&h, "{\"expression\":\"true\"}", 108, "expression");
    assert_refused(&h, "{\"label_filter\":{\"a\":1}}", 108, "label_filter");
    assert_refused(&h, "{\"all_users\":true}", 108, "all_users");
    assert_count(&h, "connections", "{\"cursor\":\"99.0\"}", 0);
    for (unsigned i = 0; i < FEW; i++)
        peer_fini(&h.stay[i].peer);
    close_hall(&h);
    free(h.stay);
}

static void a_row_tells_what_a_connection_is_and_no_secret(void **st)
{
    struct hall h = {.stay = calloc(1, sizeof *h.stay)};
    char *token = box_token(SECRET, "user-0", NULL), *text;
    json_t *row;

    (void)st;
    open_hall(&h);
    enter(h.stay, &h, 0);
    peer_join(&h.stay->peer, "news");
    json_t *answer = desk_ask(&h.desk, "connections", "{}", &text);
    row = json_object_get(
        json_object_get(json_object_get(answer, "result"), "connections"),
        h.stay->client);
    assert_string_equal(json_string_value(json_object_get(row, "client")),
                        h.stay->client);
    assert_string_equal(json_string_value(json_object_get(row, "user")),
                        "user-0");
    assert_string_equal(json_string_value(json_object_get(row, "address")),
                        "127.0.0.1");
    assert_string_equal(json_string_value(json_object_get(row, "encoding")),
                        "json");
    assert_int_equal(json_integer_value(json_object_get(row, "channels")),
                     2); /* "news" and the inbox of the user */
    assert_string_equal(json_string_value(json_object_get(row, "protocol")),
                        "json");
    assert_string_equal(json_string_value(json_object_get(row, "transport")),
                        "websocket");
    json_t *channels =
        json_object_get(json_object_get(row, "state"), "channels");
    assert_int_equal(json_object_size(channels), 2);
    assert_true(json_is_object(json_object_get(channels, "news")));
    assert_null(strstr(text, token));
    assert_null(strstr(text, strrchr(token, '.') + 1));
    json_decref(answer);
    free(text);
    free(token);
    peer_fini(&h.stay->peer);
    close_hall(&h);
    free(h.stay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_that_stays_is_listed_once_while_others_come_and_go),
        cmocka_unit_test(filters_choose_connections_and_users),
        cmocka_unit_test(a_row_tells_what_a_connection_is_and_no_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
