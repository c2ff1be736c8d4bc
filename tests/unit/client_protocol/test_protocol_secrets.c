/* SPDX-License-Identifier: Apache-2.0 */
/* test_protocol_secrets.c - tokens, headers and the word for a proxy are
 * overwritten before their memory is given back.
 *
 * Linked with -Wl,--wrap=free,--wrap=realloc: each block that the client gives
 * back is searched for the word that all secrets here have. */
#include "rig.h"

#include <malloc.h>

#define WORD "S3CRET"

void __real_free(void *old);
void *__real_realloc(void *old, size_t size);
void __wrap_free(void *old);
void *__wrap_realloc(void *old, size_t size);

static bool is_looking;
static unsigned blocks, dirty;

static void look(void *old)
{
    blocks++;
    dirty += memmem(old, malloc_usable_size(old), WORD, strlen(WORD)) != NULL;
}

void __wrap_free(void *old)
{
    if (is_looking && old != NULL)
        look(old);
    __real_free(old);
}

void *__wrap_realloc(void *old, size_t size)
{
    if (is_looking && old != NULL)
        look(old);
    return __real_realloc(old, size);
}

static void answer(struct plc_client *c, struct plc_token *t, void *arg)
{
    (void)c, (void)arg;
    plc_token_answer(t, WORD " refreshed");
}

static void answer_sub(struct plc_sub *s, struct plc_token *t, void *arg)
{
    (void)s, (void)arg;
    plc_token_answer(t, WORD " of a channel");
}

static void create(void)
{
    char headers[8000], token[3000];
    struct plc_link link = {.size = sizeof link,
                            .headers = headers,
                            .flags = PLC_NO_DEFLATE,
                            .proxy = "http://user:" WORD "@127.0.0.1:8"};

    snprintf(headers, sizeof headers, "X-Long: %07000d\r\nAuthorization: %s", 1,
             WORD " header\r\n");
    snprintf(token, sizeof token, "%02000d" WORD, 1);
    options.link = &link;
    options.token = token;
    options.get_token = answer;
    is_looking = true;
    rig_client();
    explicit_bzero(headers, sizeof headers);
    explicit_bzero(token, sizeof token);
}

static void subscribe(void)
{
    struct plc_sub_options o = {.size = sizeof o,
                                .channel = "a",
                                .get_token = answer_sub,
                                .token = WORD " given"};
    struct plc_sub *s;

    for (int i = 0; i < 3; i++) {
        o.channel = i == 0 ? "a" : i == 1 ? "b" : "c";
        o.token = i == 0 ? WORD " given" : NULL;
        assert_int_equal(plc_subscribe(&s, client, &o), PL_OK);
    }
    rig_turn();
}

static void no_secret_is_left_in_memory_that_is_given_back(void **state)
{
    (void)state;
    blocks = dirty = 0;
    create();
    rig_accept();
    subscribe();
    rig_say("{\"id\":1,\"connect\":{\"client\":\"c\",\"expires\":true,\"ttl\":"
            "1}}\n{\"id\":2,\"subscribe\":{\"expires\":true,\"ttl\":2}}");
    rig_pass(2100);
    assert_int_equal(plc_client_set_token(client, WORD " set"), PL_OK);
    rig_turn();
    rig_close(3000, "r");
    rig_redial();
    rig_accept();
    explicit_bzero(fake_got.data, fake_got.cap); /* the server's copy */
    rig_tear_down(NULL);
    is_looking = false;
    assert_int_equal(dirty, 0);
    assert_true(blocks > 50);
    rig_set_up(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            no_secret_is_left_in_memory_that_is_given_back, rig_set_up,
            rig_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
