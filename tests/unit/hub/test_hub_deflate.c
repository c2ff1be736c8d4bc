/* SPDX-License-Identifier: Apache-2.0 */
/* test_hub_deflate.c - compressed frames, and other forms, are made once,
 * shared, and given to each subscriber as plain frames would be, also when
 * memory fails. */
#include "failing_alloc.h"

#define RIG_CALLOC __real_calloc
#include "rig.h"

#include "deflate.h"
#include "frame.h"

enum { LONG = 600, ROUNDS = 40, CROWD = 8 };

static unsigned compressed; /* frames that came so */
static unsigned derived;    /* deliveries of segments with other forms */

/* --- Subscribers that inflate --- */

/* What a frame carries, behind the text of those before it. */
static size_t read_frame(struct pl_inflater *i, const char *at, size_t len,
                         struct pl_buf *out)
{
    struct pl_span frame = {at, len};
    size_t header;

    frame.len = pl_ws_frame_length(frame);
    assert_true(frame.len <= len);
    assert_int_equal(at[1] & 0x80, 0);
    header = at[1] < 126 ? 2 : at[1] == 126 ? 4 : 10;
    struct pl_span payload = {at + header, frame.len - header};
    if ((at[0] & 0x40) != 0) {
        compressed++;
        assert_int_equal(pl_inflate(i, payload, 100000, &payload), PL_OK);
        assert_true(payload.len > frame.len);
    }
    for (size_t n = 0; n < payload.len; n++) /* readable as text */
        pl_buf_put_byte(out, payload.at[n] < ' ' ? '.' : payload.at[n]);
    pl_buf_put_byte(out, '\n');
    return frame.len;
}

/* The same of a line, or of the line in an event. */
static size_t read_text(enum pl_form form, const char *at, size_t len,
                        struct pl_buf *out)
{
    const char *end = memchr(at, '\n', len);
    size_t before = form == PL_FORM_EVENTS ? strlen("data: ") : 0;

    assert_non_null(end);
    assert_memory_equal(at, "data: ", before);
    pl_buf_put(out, at + before, (size_t)(end - at) + 1 - before);
    return (size_t)(end - at) + (form == PL_FORM_EVENTS ? 2 : 1);
}

static size_t read_message(struct pl_inflater *i, const struct pl_segment *s,
                           uint32_t from, uint32_t to, struct pl_buf *out)
{
    const char *at = s->buf.data + from;

    return pl_form_is_text((enum pl_form)s->form)
               ? read_text((enum pl_form)s->form, at, to - from, out)
               : read_frame(i, at, to - from, out);
}

static void inflate_delivery(struct pl_subscriber *u,
                             const struct pl_delivery *d)
{
    const struct pl_segment *s = d->segment;
    uint32_t from = d->from, to = d->to, frames = d->frames;
    struct listener *l = PL_CONTAINER(u, struct listener, subscriber);
    struct note *n = put_note(u, DELIVERED);
    struct pl_inflater i = {0};
    struct pl_buf text = {0};
    uint32_t count = 0;
    unsigned fails_at = alloc_fails_at;

    derived += s->derived != NULL;
    alloc_fails_at = 0; /* ours must not */
    for (uint32_t at = from; at < to; count++)
        at += (uint32_t)read_message(&i, s, at, to, &text);
    assert_int_equal(count, frames);
    assert_true(to > from);
    pl_buf_put_byte(&text, '\0');
    *n = (struct note){.what = DELIVERED,
                       .segment = s,
                       .from = from,
                       .to = to,
                       .frames = frames,
                       .bytes = text.data};
    pl_inflater_fini(&i);
    alloc_fails_at = fails_at;
    pl_count(&l->rig->metrics, PL_METRIC_FRAMES_SENT, frames);
    pl_gauge_drop(&l->rig->metrics, PL_METRIC_FRAMES_QUEUED, frames);
}

static struct listener *listen_packed(struct rig *r, enum pl_encoding e,
                                      enum pl_form form)
{
    static struct pl_subscriber_ops ops;
    struct listener *l = listen_as(r, e);

    ops = listener_ops;
    ops.deliver = inflate_delivery;
    l->subscriber.ops = &ops;
    l->subscriber.form = (uint8_t)form;
    return l;
}

/* A JSON string that begins with its number; every third one is short. */
static void publish_number(struct rig *r, uint64_t offset)
{
    char data[LONG + 1];
    int len =
        snprintf(data, sizeof data, "\"n%llu.", (unsigned long long)offset);

    for (; offset % 3 != 0 && len < LONG - 1; len++)
        data[len] = (char)('a' + len % 7);
    data[len++] = '"';
    owner_publishes_bytes(r, "c", (struct pl_span){data, (size_t)len}, offset);
}

/* --- Sharing --- */

static void a_turn_is_compressed_once_a_kind_and_shared(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener
        *a = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_WIDE),
        *b = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_WIDE),
        *n = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_NARROW),
        *n2 = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_NARROW),
        *p = listen_packed(r, PL_ENCODING_PROTOBUF, PL_FORM_FRAMES_WIDE),
        *plain = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES);
    struct listener *all[] = {a, b, n, n2, p, plain};
    static const char *const parts[] = {"n1.", "n2.", "n3."};

    (void)state;
    for (int i = 0; i < 6; i++)
        subscribe(r, all[i], "c", 0, 0);
    for (uint64_t i = 1; i <= 3; i++)
        publish_number(r, i);
    compressed = 0;
    turn(r);
    assert_int_equal(compressed, 5 * 2); /* the third is short */
    assert_ptr_equal(a->notes[0].segment, b->notes[0].segment);
    assert_ptr_equal(n->notes[0].segment, n2->notes[0].segment);
    assert_ptr_not_equal(a->notes[0].segment, n->notes[0].segment);
    assert_ptr_not_equal(a->notes[0].segment, p->notes[0].segment);
    assert_ptr_not_equal(a->notes[0].segment, plain->notes[0].segment);
    assert_true(a->notes[0].to < plain->notes[0].to / 2);
    for (int i = 0; i < 6; i++) {
        expect_frames(all[i], 3, parts);
        assert_int_equal(all[i]->count, 0);
    }
    check_ledger(r);
    rig_destroy(r);
}

static void a_plain_audience_costs_no_compression(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a = listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES);

    (void)state;
    subscribe(r, a, "c", 0, 0);
    publish_number(r, 1);
    compressed = derived = 0;
    turn(r);
    assert_int_equal(compressed, 0);
    assert_int_equal(derived, 0);
    expect_frame(a, "n1.");
    rig_destroy(r);
}

static void joins_are_plain_and_in_their_place(void **state)
{
    struct rig *r = rig_create(1000);
    struct listener *a =
        listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_WIDE);

    (void)state;
    subscribe(r, a, "c", PL_SUB_JOIN_LEAVE, 0);
    publish_number(r, 1);
    owner_tells(r, "c", a->subscriber.client, true);
    publish_number(r, 2);
    turn(r);
    expect_frame(a, "n1.");
    expect_frame(a, "\"join\"");
    expect_frame(a, "n2.");
    assert_int_equal(a->count, 0);
    rig_destroy(r);
}

/* --- Cuts: whatever happens, two that differ in nothing but their form are
 * told the same --- */

struct pair {
    struct listener *plain, *packed;
    bool is_here;
};

/* The frames and other notes of a listener as one text. */
static char *story(struct listener *l)
{
    struct pl_buf text = {0};

    for (struct note n; (n = next_note(l)).what != 0;) {
        if (n.what == DELIVERED) {
            pl_buf_put_span(&text, pl_span_of(n.bytes));
            free(n.bytes);
        } else {
            pl_buf_printf(&text, "<%d>\n", (int)n.what);
        }
    }
    pl_buf_put_byte(&text, '\0');
    return text.data;
}

static void check_pair(struct pair *p)
{
    char *plain = story(p->plain), *packed = story(p->packed);

    assert_string_equal(plain, packed);
    free(plain);
    free(packed);
}

static void both(struct rig *r, struct pair *p,
                 void (*act)(struct rig *, struct listener *))
{
    act(r, p->plain);
    act(r, p->packed);
}

static void begin(struct rig *r, struct listener *l)
{
    begin_subscribe(r, l, "c", 0);
}

static void leave(struct rig *r, struct listener *l)
{
    pl_hub_leave(r->hub, &l->subscriber);
}

/* One turn of the hub: publications with settling and joining in between. */
static void random_turn(struct rig *r, struct pair *pairs, unsigned count,
                        uint64_t *offset)
{
    unsigned steps = pl_random_below(pl_sim_random(r->sim), 6);
    bool joins[CROWD] = {false}, asks[CROWD] = {false};

    for (unsigned i = 0; i < count; i++) {
        joins[i] = !pairs[i].is_here;
        asks[i] = pairs[i].is_here;
        both(r, &pairs[i], joins[i] ? begin : ask_query);
        pairs[i].is_here = true;
    }
    run(r);
    for (unsigned i = 0; i < count; i++) {
        for (unsigned s = pl_random_below(pl_sim_random(r->sim), steps + 1);
             s > 0; s--)
            publish_number(r, ++*offset);
        for (int twice = 0; twice < 2; twice++) {
            if (joins[i])
                owner_attaches(r, 0, true, *offset);
            if (asks[i])
                owner_answers_query(r);
        }
    }
    for (unsigned s = 0; s < steps; s++)
        publish_number(r, ++*offset);
    turn(r);
}

static void a_form_changes_nothing_that_is_told(void **state)
{
    static const enum pl_form forms[] = {PL_FORM_FRAMES_WIDE,
                                         PL_FORM_FRAMES_NARROW, PL_FORM_LINES,
                                         PL_FORM_EVENTS};

    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct rig *r = rig_create(1000);
        struct pair pairs[4] = {{0}};
        uint64_t offset = 0;

        for (unsigned i = 0; i < 4; i++) {
            enum pl_encoding e =
                i % 2 == 0 ? PL_ENCODING_JSON : PL_ENCODING_PROTOBUF;

            pairs[i].plain = listen_packed(r, e, PL_FORM_FRAMES);
            bool is_text = e == PL_ENCODING_JSON && round % 2 == 0;
            pairs[i].packed = listen_packed(r, e, forms[i / 2 + 2 * is_text]);
        }
        for (unsigned t = 0; t < 4; t++) {
            random_turn(r, pairs, 4, &offset);
            for (unsigned i = 0; i < 4; i++)
                check_pair(&pairs[i]);
            check_ledger(r);
            unsigned who = (unsigned)pl_random_below(pl_sim_random(r->sim), 4);
            both(r, &pairs[who], leave);
            pairs[who].is_here = false;
        }
        rig_destroy(r);
    }
}

static void who_closes_amid_a_turn_is_owed_the_same_frames(void **state)
{
    (void)state;
    for (int packs = 0; packs < 3; packs++) {
        struct rig *r = rig_create(1000);
        struct listener *a = listen_packed(r, PL_ENCODING_JSON,
                                           PL_FORM_FRAMES_WIDE),
                        *b = listen_packed(r, PL_ENCODING_JSON,
                                           PL_FORM_FRAMES_WIDE);

        subscribe(r, a, "c", 0, 0);
        subscribe(r, b, "c", 0, 0);
        for (int i = 0; i < packs; i++)
            ask_query(r, i == 0 ? a : b);
        run(r);
        b->sends_away = a;
        publish_number(r, 1);
        publish_number(r, 2);
        if (packs > 0)
            owner_answers_query(r); /* a has had two */
        publish_number(r, 3);
        if (packs > 1)
            owner_answers_query(r); /* the third is compressed for b */
        publish_number(r, 4);
        pl_actor_send(&r->owner->actor, pl_actor_address(&b->actor),
                      &pl_gap_mail_create()->msg);
        turn(r);
        assert_int_equal(r->metrics.value[PL_METRIC_FRAMES_CANCELLED],
                         packs > 0 ? 2 : 4);
        check_ledger(r);
        rig_destroy(r);
    }
}

/* --- Memory --- */

/* Everything came, in order, plain or compressed, or it was dropped; gives in
 * how many parts. */
static unsigned check_all(struct listener *l, uint64_t last)
{
    uint64_t next = 1;
    unsigned parts = 0;
    bool is_dropped = false;

    for (struct note n; (n = next_note(l)).what != 0;) {
        is_dropped |= n.what == DROPPED;
        if (n.what != DELIVERED)
            continue;
        const char *at = n.bytes;
        parts++;
        for (uint32_t i = 0; i < n.frames && !is_dropped; i++) {
            char wanted[32];

            snprintf(wanted, sizeof wanted, "\"n%llu.",
                     (unsigned long long)next++);
            at = strstr(at, wanted);
            assert_non_null(at);
        }
        free(n.bytes);
    }
    if (!is_dropped)
        assert_int_equal(next, last + 1);
    return is_dropped ? 0 : parts;
}

/* Two that each ask in the middle of a turn in which the nth allocation fails.
 * Gives whether there were as many; counts in *split who got a part both
 * compressed and plain. */
static bool run_short_of_memory(unsigned n, unsigned more, unsigned *split)
{
    struct rig *r = rig_create(1000);
    struct listener *a =
                        listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_WIDE),
                    *b =
                        listen_packed(r, PL_ENCODING_JSON, PL_FORM_FRAMES_WIDE);
    uint64_t offset = 0;

    subscribe(r, a, "c", 0, 0);
    subscribe(r, b, "c", 0, 0);
    ask_query(r, a);
    ask_query(r, a);
    run(r);
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 0; k <= more; k++)
            publish_number(r, ++offset);
        owner_answers_query(r);
    }
    publish_number(r, ++offset);
    pl_loop_turn(rig_loop(r, 1));
    alloc_fails_at = n;
    turn(r);
    bool failed = alloc_fails_at == 0;
    alloc_fails_at = 0;
    *split += check_all(a, offset) > 3;
    *split += check_all(b, offset) > 1;
    check_ledger(r);
    rig_destroy(r);
    return failed;
}

static void without_memory_frames_stay_plain_and_in_order(void **state)
{
    unsigned split = 0;

    (void)state;
    for (unsigned more = 0; more < 4; more++) {
        unsigned n = 1;

        while (run_short_of_memory(n, more, &split))
            n++;
        assert_true(n > 10);
    }
    assert_true(split > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_compressed_once_a_kind_and_shared),
        cmocka_unit_test(a_plain_audience_costs_no_compression),
        cmocka_unit_test(joins_are_plain_and_in_their_place),
        cmocka_unit_test(a_form_changes_nothing_that_is_told),
        cmocka_unit_test(who_closes_amid_a_turn_is_owed_the_same_frames),
        cmocka_unit_test(without_memory_frames_stay_plain_and_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
