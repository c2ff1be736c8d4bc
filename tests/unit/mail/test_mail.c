/* SPDX-License-Identifier: Apache-2.0 */
/* test_mail.c - client ids, publications, and messages that give back what
 * they hold.  What a message forgot to release, the leak checker finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channels_mail.h"
#include "failing_alloc.h"
#include "handlers_mail.h"
#include "hub_mail.h"
#include "look_mail.h"
#include "loop.h"
#include "mail.h"
#include "mail_origin.h"
#include "memory_mail.h"
#include "phase_mail.h"
#include "session_mail.h"
#include "sim.h"
#include "supervisor_mail.h"
#include "system.h"

/* --- Clients --- */

static struct pl_client *make_client(struct pl_address a, struct pl_random *r)
{
    struct pl_client *c;

    assert_int_equal(
        pl_client_create(&c, a, r, PL_SPAN("ann"), PL_SPAN("{\"x\":1}")),
        PL_OK);
    return c;
}

static void a_client_id_carries_its_address(void **state)
{
    static const struct pl_address addresses[] = {
        {0, 0, 0, 1},
        {1, 2, 3, 4},
        {UINT16_MAX, UINT16_MAX, UINT32_MAX, UINT32_MAX},
        {0x1234, 0xfedc, 0x89abcdef, 0x01234567},
    };
    struct pl_random random;
    struct pl_address back;

    (void)state;
    pl_random_init_seeded(&random, 1);
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct pl_client *c = make_client(addresses[i], &random);
        struct pl_span id = pl_client_id(c);

        assert_int_equal(id.len, PL_CLIENT_ID_LEN);
        for (size_t k = 0; k < id.len; k++)
            assert_non_null(
                strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                       "0123456789-_",
                       id.at[k]));
        assert_int_equal(pl_client_id_parse(id, &back), PL_OK);
        assert_true(pl_address_equal(back, addresses[i]));
        assert_true(pl_address_equal(pl_client_address(c), addresses[i]));
        pl_client_release(c);
    }
}

static void two_ids_of_one_address_differ_in_their_tail(void **state)
{
    struct pl_random random;
    struct pl_address a = {0, 1, 2, 3};

    (void)state;
    pl_random_init(&random);
    struct pl_client *one = make_client(a, &random),
                     *two = make_client(a, &random);
    assert_memory_equal(pl_client_id(one).at, pl_client_id(two).at, 16);
    assert_memory_not_equal(pl_client_id(one).at + 16,
                            pl_client_id(two).at + 16, 16);
    pl_client_release(one);
    pl_client_release(two);
}

static void a_strangers_id_is_refused_and_touches_nothing(void **state)
{
    struct pl_address out = {9, 9, 9, 9};
    char id[PL_CLIENT_ID_LEN + 1];

    (void)state;
    assert_int_equal(pl_client_id_parse(PL_SPAN(""), &out), PL_EBADMSG);
    assert_int_equal(pl_client_id_parse((struct pl_span){NULL, 0}, &out),
                     PL_EBADMSG);
    memset(id, 'A', sizeof id);
    assert_int_equal(pl_client_id_parse((struct pl_span){id, 31}, &out),
                     PL_EBADMSG);
    assert_int_equal(pl_client_id_parse((struct pl_span){id, 33}, &out),
                     PL_EBADMSG);
    for (int byte = 0; byte < 256; byte++) {
        for (size_t at = 0; at < 16; at++) { /* what carries the address */
            memset(id, 'A', sizeof id);
            id[at] = (char)byte;
            bool is_good =
                byte != 0 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
                                    "opqrstuvwxyz0123456789-_",
                                    byte) != NULL;
            struct pl_address got = {9, 9, 9, 9};
            enum pl_err rc = pl_client_id_parse(
                (struct pl_span){id, PL_CLIENT_ID_LEN}, &got);

            assert_int_equal(rc, is_good ? PL_OK : PL_EBADMSG);
            if (!is_good)
                assert_true(pl_address_equal(got, out));
        }
    }
}

static void a_client_tells_what_it_was_made_of(void **state)
{
    struct pl_random random;
    struct pl_client *c;
    struct pl_address a = {0, 0, 0, 1};
    char long_name[65536] = {0};

    (void)state;
    pl_random_init_seeded(&random, 1);
    c = make_client(a, &random);
    assert_true(pl_span_equal(pl_client_user(c), PL_SPAN("ann")));
    assert_true(pl_span_equal(pl_client_conn_info(c), PL_SPAN("{\"x\":1}")));
    assert_ptr_equal(pl_client_hold(c), c);
    pl_client_release(c);
    pl_client_release(c);
    assert_int_equal(pl_client_create(&c, a, &random, PL_SPAN(""),
                                      (struct pl_span){NULL, 0}),
                     PL_OK);
    assert_int_equal(pl_client_user(c).len, 0);
    assert_null(pl_client_conn_info(c).at); /* absent, not empty */
    assert_int_equal(pl_client_ip(c).len, 0);
    pl_client_release(c);
    const struct pl_client_fields fields = {.user = PL_SPAN("ann"),
                                            .info = PL_SPAN("{}"),
                                            .place = PL_SPAN("place"),
                                            .ip = PL_SPAN("address")};
    assert_int_equal(pl_client_create_with(&c, a, &random, &fields), PL_OK);
    assert_true(pl_span_equal(pl_client_user(c), fields.user));
    assert_true(pl_span_equal(pl_client_conn_info(c), fields.info));
    assert_true(pl_span_equal(pl_client_place(c), fields.place));
    assert_true(pl_span_equal(pl_client_ip(c), fields.ip));
    pl_client_release(c);
    struct pl_client *none = NULL;
    assert_int_equal(pl_client_create(&none, a, &random,
                                      (struct pl_span){long_name, 65536},
                                      PL_SPAN("")),
                     PL_ETOOBIG);
    assert_null(none);
    assert_int_equal(pl_client_create(&none, a, &random,
                                      (struct pl_span){long_name, 65535},
                                      PL_SPAN("")),
                     PL_OK);
    pl_client_release(none);
    assert_null(pl_client_hold(NULL));
    pl_client_release(NULL);
}

static void a_client_may_be_shown_with_more_in_one_channel(void **state)
{
    const struct pl_client_fields fields = {.user = PL_SPAN("ann"),
                                            .info = PL_SPAN("{}"),
                                            .place = PL_SPAN("place"),
                                            .ip = PL_SPAN("address")};
    struct pl_address at = {0, 0, 0, 1};
    struct pl_client *c, *shown;
    struct pl_random random;

    (void)state;
    pl_random_init_seeded(&random, 1);
    for (int has_info = 0; has_info < 2; has_info++) {
        struct pl_client_fields f = fields;

        if (!has_info)
            f.info = (struct pl_span){NULL, 0};
        assert_int_equal(pl_client_create_with(&c, at, &random, &f), PL_OK);
        assert_null(pl_client_chan_info(c).at);
        assert_int_equal(pl_client_create_shown(&shown, c, PL_SPAN("[1]")),
                         PL_OK);
        assert_true(pl_span_equal(pl_client_id(shown), pl_client_id(c)));
        assert_true(pl_span_equal(pl_client_user(shown), fields.user));
        assert_int_equal(pl_client_conn_info(shown).at != NULL, has_info);
        assert_true(pl_span_equal(pl_client_chan_info(shown), PL_SPAN("[1]")));
        assert_int_equal(pl_client_seen_len(shown), pl_client_seen_len(c) + 3);
        assert_true(pl_address_equal(pl_client_address(shown), at));
        assert_int_equal(pl_client_place(shown).len, 0);
        assert_int_equal(pl_client_ip(shown).len, 0);
        assert_int_equal(pl_client_place(c).len, 5);
        pl_client_release(c);
        pl_client_release(shown);
    }
}

/* --- Publications --- */

static void a_publication_copies_and_holds(void **state)
{
    struct pl_random random;
    char channel[] = "news", data[] = "{}";

    (void)state;
    pl_random_init_seeded(&random, 1);
    struct pl_client *c = make_client((struct pl_address){0, 0, 0, 1}, &random);
    struct pl_pub *p =
        pl_pub_create(pl_span_of(channel), 77, pl_span_of(data), c);
    pl_client_release(c); /* the publication holds it */
    memset(channel, 'x', 4);
    memset(data, 'x', 2);
    assert_true(pl_span_equal(pl_pub_channel(p), PL_SPAN("news")));
    assert_true(pl_span_equal(pl_pub_data(p), PL_SPAN("{}")));
    assert_int_equal(p->hash, 77);
    assert_int_equal(p->offset, 0);
    assert_false(p->is_json);
    assert_true(pl_span_equal(pl_client_user(p->client), PL_SPAN("ann")));
    assert_ptr_equal(pl_pub_hold(p), p);
    pl_pub_release(p);
    assert_true(pl_span_equal(pl_pub_data(p), PL_SPAN("{}")));
    pl_pub_release(p);
    p = pl_pub_create(PL_SPAN("c"), 1, (struct pl_span){NULL, 0}, NULL);
    assert_int_equal(pl_pub_data(p).len, 0);
    pl_pub_release(p);
    pl_pub_release(NULL);
    assert_null(pl_pub_hold(NULL));
}

static struct pl_pub *renew(struct pl_pub *unused, const char *data)
{
    return pl_pub_renew(unused, PL_SPAN("c"), 2, pl_span_of(data), NULL);
}

static void a_small_publication_leaves_its_memory_to_the_next(void **state)
{
    struct pl_random random;
    char large[300] = {0};

    (void)state;
    pl_random_init_seeded(&random, 1);
    struct pl_client *c = make_client((struct pl_address){0, 0, 0, 1}, &random);
    struct pl_pub *p = pl_pub_create(PL_SPAN("c"), 1, PL_SPAN("long one"), c);
    p->offset = 7;
    p->is_json = true;
    assert_ptr_equal(pl_pub_empty(p), p);
    pl_client_release(c); /* the last holder */
    assert_ptr_equal(renew(p, "new"), p);
    assert_true(pl_span_equal(pl_pub_data(p), PL_SPAN("new")));
    assert_true(p->offset == 0 && !p->is_json && p->client == NULL);
    assert_null(pl_pub_empty(pl_pub_hold(p))); /* another holds it */
    p = renew(pl_pub_empty(p), "one that needs more");
    assert_true(pl_span_equal(pl_pub_data(p), PL_SPAN("one that needs more")));
    pl_pub_release(pl_pub_empty(p));
    memset(large, 'x', sizeof large - 1);
    assert_null(pl_pub_empty(renew(NULL, large))); /* too large to be kept */
    assert_null(pl_pub_empty(NULL));
}

/* --- Messages --- */

static struct pl_random seeded;

static struct pl_client *a_client(void)
{
    return make_client((struct pl_address){0, 0, 0, 1}, &seeded);
}

static struct pl_blob *a_blob(void)
{
    return pl_blob_create(PL_SPAN("blob"));
}

static struct pl_pub *a_pub(void)
{
    struct pl_client *c = a_client();
    struct pl_pub *p = pl_pub_create(PL_SPAN("c"), 1, PL_SPAN("d"), c);

    pl_client_release(c);
    return p;
}

static struct pl_pub *unused_pub(void)
{
    return pl_pub_empty(a_pub());
}

static struct pl_pub **some_pubs(uint32_t count)
{
    struct pl_pub **pubs = calloc(count, sizeof *pubs);

    for (uint32_t i = 0; i < count; i++)
        pubs[i] = a_pub();
    return pubs;
}

/* A message of each kind; `full`: that holds all it can. */
static struct pl_msg *make_publish(bool full)
{
    struct pl_publish_mail *m = pl_publish_mail_create();

    if (m != NULL && full) {
        m->pub = a_pub();
        m->unused = unused_pub();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_attach(bool full)
{
    struct pl_attach_mail *m = pl_attach_mail_create();

    if (m != NULL && full) {
        m->channel = a_blob();
        m->client = a_client();
        m->pubs = some_pubs(3);
        m->pub_count = 3;
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_detach(bool full)
{
    struct pl_detach_mail *m = pl_detach_mail_create();

    if (m != NULL && full) {
        m->channel = a_blob();
        m->client = a_client();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_history(bool full)
{
    struct pl_query_mail *m = pl_query_mail_create();

    if (m != NULL && full) {
        m->channel = a_blob();
        m->pubs = some_pubs(2);
        m->count = 2;
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_presence(bool full)
{
    struct pl_query_mail *m = pl_query_mail_create();

    if (m != NULL && full) {
        m->channel = a_blob();
        m->clients = calloc(2, sizeof *m->clients);
        m->clients[0] = a_client();
        m->clients[1] = a_client();
        m->count = 2;
    } else if (m != NULL) {
        m->count = 5; /* of the statistics: no array behind it */
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_publication(bool full)
{
    struct pl_publication_mail *m = pl_publication_mail_create();

    if (m != NULL && full)
        m->pub = a_pub();
    return (struct pl_msg *)m;
}

static struct pl_msg *make_presence_event(bool full)
{
    struct pl_presence_event_mail *m = pl_presence_event_mail_create();

    if (m != NULL && full) {
        m->channel = a_blob();
        m->client = a_client();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_gap(bool full)
{
    struct pl_gap_mail *m = pl_gap_mail_create();

    if (m != NULL && full)
        m->channel = a_blob();
    return (struct pl_msg *)m;
}

static struct pl_msg *make_register(bool full)
{
    struct pl_register_mail *m = pl_register_mail_create(false);

    if (m != NULL && full)
        m->client = a_client();
    return (struct pl_msg *)m;
}

static struct pl_msg *make_unregister(bool full)
{
    struct pl_register_mail *m = pl_register_mail_create(true);

    if (m != NULL && full)
        m->client = a_client();
    return (struct pl_msg *)m;
}

static struct pl_msg *make_kick(bool full)
{
    struct pl_kick_mail *m = pl_kick_mail_create();

    if (m != NULL && full) {
        m->reason = a_blob();
        m->channel = a_blob();
        m->client = a_blob();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_user(bool full)
{
    struct pl_user_mail *m = pl_user_mail_create();

    if (m != NULL && full) {
        m->user = a_blob();
        m->channel = a_blob();
        m->client = a_blob();
        m->except = a_blob();
        m->reason = a_blob();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_direct(bool full)
{
    struct pl_direct_mail *m = pl_direct_mail_create();

    if (m != NULL && full) {
        m->client = a_blob();
        m->data = a_blob();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_answer(bool full)
{
    struct pl_answer_mail *m = pl_answer_mail_create();

    if (m != NULL && full) {
        m->data = a_blob();
        m->user = a_blob();
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_phase(bool full)
{
    (void)full;
    return (struct pl_msg *)pl_phase_mail_create();
}

static struct pl_msg *make_memory(bool full)
{
    (void)full;
    return (struct pl_msg *)pl_memory_mail_create();
}

static unsigned tables_released;

static void release_table(struct pl_handlers *table)
{
    free(table);
    tables_released++;
}

static struct pl_msg *make_handlers(bool full)
{
    struct pl_handlers_mail *m = pl_handlers_mail_create();

    if (m != NULL && full) {
        m->handlers = malloc(8);
        m->release = release_table;
    }
    return (struct pl_msg *)m;
}

static struct pl_msg *make_list(bool full)
{
    struct pl_list_mail *m = pl_list_mail_create();

    if (m != NULL && full) {
        m->pattern = a_blob();
        m->channels = calloc(2, sizeof *m->channels);
        m->channels[0].channel = a_blob();
        m->channels[1].channel = a_blob();
        m->count = 2;
    }
    return (struct pl_msg *)m;
}

/* What is lifecycle is never refused; what is a request comes back. */
static const struct {
    struct pl_msg *(*make)(bool full);
    enum pl_mail_type type;
    uint8_t flags;
} kinds[] = {
    {make_publish, PL_MAIL_PUBLISH, PL_MSG_RETURN},
    {make_attach, PL_MAIL_ATTACH, PL_MSG_RESERVED | PL_MSG_RETURN},
    {make_detach, PL_MAIL_DETACH, PL_MSG_RESERVED},
    {make_history, PL_MAIL_QUERY, PL_MSG_RETURN},
    {make_presence, PL_MAIL_QUERY, PL_MSG_RETURN},
    {make_publication, PL_MAIL_PUBLICATION, PL_MSG_RESERVED},
    {make_presence_event, PL_MAIL_PRESENCE_EVENT, PL_MSG_RESERVED},
    {make_gap, PL_MAIL_GAP, PL_MSG_RESERVED},
    {make_register, PL_MAIL_REGISTER, PL_MSG_RESERVED},
    {make_unregister, PL_MAIL_UNREGISTER, PL_MSG_RESERVED},
    {make_kick, PL_MAIL_KICK, PL_MSG_RESERVED},
    {make_user, PL_MAIL_USER, PL_MSG_RETURN},
    {make_direct, PL_MAIL_DIRECT, PL_MSG_RETURN},
    {make_answer, PL_MAIL_ANSWER, PL_MSG_RESERVED},
    {make_memory, PL_MAIL_MEMORY, PL_MSG_RESERVED},
    {make_phase, PL_MAIL_PHASE, PL_MSG_RESERVED | PL_MSG_RETURN},
    {make_handlers, PL_MAIL_HANDLERS, PL_MSG_RESERVED},
    {make_list, PL_MAIL_LIST, PL_MSG_RETURN},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void a_publish_message_keeps_one_memory_for_the_next(void **state)
{
    struct pl_publish_mail *m = pl_publish_mail_create();

    (void)state;
    m->pub = a_pub();
    struct pl_pub *stored = pl_pub_hold(m->pub), *unused = unused_pub();
    m->unused = unused;
    pl_publish_mail_renew(m); /* a history has m->pub */
    assert_ptr_equal(m->pub, unused);
    m->unused = unused_pub();
    pl_publish_mail_renew(m); /* frees the second */
    assert_ptr_equal(m->pub, unused);
    assert_null(m->unused);
    m->msg.destroy(&m->msg);
    pl_pub_release(stored);
}

static void every_kind_destroys_what_it_holds(void **state)
{
    (void)state;
    pl_random_init_seeded(&seeded, 1);
    tables_released = 0;
    for (int i = 0; i < KINDS; i++) {
        pl_mail_destroy(kinds[i].make(false));
        pl_mail_destroy(kinds[i].make(true));
    }
    assert_int_equal(tables_released, 1);
}

static void every_kind_has_its_type_and_its_flags(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct pl_msg *m = kinds[i].make(false);

        assert_int_equal(m->type, kinds[i].type);
        assert_int_equal(m->flags, kinds[i].flags);
        assert_true(pl_address_is_none(m->from));
        assert_false(m->returned);
        pl_mail_destroy(m);
    }
}

static void no_memory_is_no_message(void **state)
{
    struct pl_client *c = NULL;

    (void)state;
    for (int i = 0; i < KINDS; i++) {
        alloc_fails_at = 1;
        assert_null(kinds[i].make(false));
    }
    alloc_fails_at = 1;
    assert_null(pl_pub_create(PL_SPAN("c"), 1, PL_SPAN("d"), NULL));
    alloc_fails_at = 1;
    assert_int_equal(pl_client_create(&c, (struct pl_address){0, 0, 0, 1},
                                      &seeded, PL_SPAN("u"), PL_SPAN("")),
                     PL_ENOMEM);
    assert_null(c);
    alloc_fails_at = 0;
}

/* --- There and back --- */

struct party {
    struct pl_actor actor; /* first */
    bool answers;
    unsigned came_back;
    uint32_t error;
    uint8_t flags;
};

static void party_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct party *p = (struct party *)a;

    if (p->answers) {
        ((struct pl_query_mail *)msg)->error = 42;
        pl_mail_answer(a, msg);
        return;
    }
    p->came_back++;
    p->error = ((struct pl_query_mail *)msg)->error;
    p->flags = msg->flags;
    pl_mail_destroy(msg);
}

static void party_reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops party_ops = {
    .name = "party",
    .mailbox_limit = 1,
    .receive = party_receive,
    .reap = party_reap,
};

/* Into mailboxes of one message each: no answer is refused. */
static void an_answer_goes_to_who_asked_however_full_he_is(void **state)
{
    struct pl_sim *sim;
    struct party asker = {.answers = false}, asked = {.answers = true};

    (void)state;
    assert_int_equal(pl_sim_create(&sim, 2, pl_sim_test_seed("answer")), PL_OK);
    struct pl_system *s = pl_sim_system(sim);
    pl_actor_init(&asker.actor, pl_system_loop(s, 0), &party_ops);
    pl_actor_init(&asked.actor, pl_system_loop(s, 1), &party_ops);
    for (int i = 0; i < 3; i++) {
        struct pl_query_mail *q = pl_query_mail_create();

        q->msg.flags |= PL_MSG_RESERVED;
        pl_actor_send(&asker.actor, pl_actor_address(&asked.actor), &q->msg);
    }
    pl_sim_advance(sim, 0);
    assert_int_equal(asker.came_back, 3);
    assert_int_equal(asker.error, 42);
    assert_int_equal(asker.flags, PL_MSG_RESERVED); /* it returns no more */
    pl_sim_destroy(sim);
}

static void an_epoch_that_is_not_ours_matches_none(void **state)
{
    char epoch[9];

    (void)state;
    pl_epoch_copy(epoch, PL_SPAN("abcdefgh"));
    assert_string_equal(epoch, "abcdefgh");
    pl_epoch_copy(epoch, PL_SPAN("abc"));
    assert_string_equal(epoch, "abc");
    pl_epoch_copy(epoch, (struct pl_span){NULL, 0});
    assert_string_equal(epoch, "");
    pl_epoch_copy(epoch, PL_SPAN("abcdefghi"));
    assert_string_equal(epoch, "--------");
}

static void a_sender_finds_its_origin_in_each_kind_of_result(void **state)
{
    struct pl_publish_mail publish = {.msg.type = PL_MAIL_PUBLISH};
    struct pl_query_mail query = {.msg.type = PL_MAIL_QUERY};
    struct pl_user_mail user = {.msg.type = PL_MAIL_USER};
    struct pl_list_mail list = {.msg.type = PL_MAIL_LIST};
    struct pl_look_mail look = {.msg.type = PL_MAIL_LOOK};
    struct pl_direct_mail direct = {.msg.type = PL_MAIL_DIRECT};
    struct pl_msg phase = {.type = PL_MAIL_PHASE};

    (void)state;
    assert_ptr_equal(pl_mail_origin(&publish.msg), &publish.origin);
    assert_ptr_equal(pl_mail_origin(&query.msg), &query.origin);
    assert_ptr_equal(pl_mail_origin(&user.msg), &user.origin);
    assert_ptr_equal(pl_mail_origin(&list.msg), &list.origin);
    assert_ptr_equal(pl_mail_origin(&look.msg), &look.origin);
    assert_ptr_equal(pl_mail_origin(&direct.msg), &direct.origin);
    assert_null(pl_mail_origin(&phase));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_id_carries_its_address),
        cmocka_unit_test(two_ids_of_one_address_differ_in_their_tail),
        cmocka_unit_test(a_strangers_id_is_refused_and_touches_nothing),
        cmocka_unit_test(a_client_tells_what_it_was_made_of),
        cmocka_unit_test(a_client_may_be_shown_with_more_in_one_channel),
        cmocka_unit_test(a_publication_copies_and_holds),
        cmocka_unit_test(a_small_publication_leaves_its_memory_to_the_next),
        cmocka_unit_test(a_publish_message_keeps_one_memory_for_the_next),
        cmocka_unit_test(every_kind_destroys_what_it_holds),
        cmocka_unit_test(every_kind_has_its_type_and_its_flags),
        cmocka_unit_test(no_memory_is_no_message),
        cmocka_unit_test(an_answer_goes_to_who_asked_however_full_he_is),
        cmocka_unit_test(an_epoch_that_is_not_ours_matches_none),
        cmocka_unit_test(a_sender_finds_its_origin_in_each_kind_of_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
