/* SPDX-License-Identifier: Apache-2.0 */
/* deflate.h: what is agreed, against RFC 7692 sections 5 and 7.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deflate.h"

#define PMD "permessage-deflate"
#define AGREED PMD "; server_no_context_takeover; client_no_context_takeover"

struct row {
    const char *offers; /* NULL: absent */
    const char *answer;
    enum pl_deflate kind;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pl_deflate_terms terms;
        struct pl_span offers = pl_span_of(rows[i].offers);

        pl_deflate_choose(offers, &terms);
        if (terms.kind != rows[i].kind)
            fail_msg("\"%s\" gives kind %d", rows[i].offers, (int)terms.kind);
        assert_string_equal(terms.answer, rows[i].answer);
    }
}

#define CHECK(rows) check_rows(rows, sizeof rows / sizeof *rows)
#define TAKEN(offer, more)                                                     \
    {                                                                          \
        offer, AGREED more, PL_DEFLATE_WIDE                                    \
    }
#define SMALL(offer, more)                                                     \
    {                                                                          \
        offer, AGREED more, PL_DEFLATE_NARROW                                  \
    }
#define DECLINED(offer)                                                        \
    {                                                                          \
        offer, "", PL_DEFLATE_NONE                                             \
    }

static void a_plain_offer_is_taken_without_contexts(void **state)
{
    static const struct row rows[] = {
        TAKEN(PMD, ""),
        TAKEN("PerMessage-Deflate", ""),
        TAKEN(PMD "; client_max_window_bits", ""),
        TAKEN(PMD ";client_max_window_bits", ""),
        TAKEN("  " PMD " ;\tclient_max_window_bits ", ""),
        TAKEN(PMD "; server_no_context_takeover", ""),
        TAKEN(PMD "; client_no_context_takeover", ""),
        TAKEN(PMD "; CLIENT_NO_CONTEXT_TAKEOVER; server_no_context_takeover",
              ""),
    };

    (void)state;
    CHECK(rows);
}

static void window_bits_are_agreed_both_ways(void **state)
{
    static const struct row rows[] = {
        TAKEN(PMD "; server_max_window_bits=15", "; server_max_window_bits=15"),
        SMALL(PMD "; server_max_window_bits=14", "; server_max_window_bits=9"),
        SMALL(PMD "; server_max_window_bits=10", "; server_max_window_bits=9"),
        SMALL(PMD "; server_max_window_bits=9", "; server_max_window_bits=9"),
        SMALL(PMD "; server_max_window_bits=8", "; server_max_window_bits=8"),
        SMALL(PMD "; server_max_window_bits=\"12\"",
              "; server_max_window_bits=9"),
        TAKEN(PMD "; client_max_window_bits=15", "; client_max_window_bits=15"),
        TAKEN(PMD "; client_max_window_bits=8", "; client_max_window_bits=8"),
        TAKEN(PMD "; client_max_window_bits = \"11\"",
              "; client_max_window_bits=11"),
        SMALL(PMD "; client_max_window_bits=10; server_max_window_bits=9; "
                  "client_no_context_takeover; server_no_context_takeover",
              "; server_max_window_bits=9; client_max_window_bits=10"),
        SMALL(PMD "; server_max_window_bits=9; client_max_window_bits",
              "; server_max_window_bits=9"),
    };

    (void)state;
    CHECK(rows);
}

static void wrong_parameters_decline_an_offer(void **state)
{
    static const struct row rows[] = {
        DECLINED(PMD "; unknown"),
        DECLINED(PMD "; unknown=1"),
        DECLINED(PMD ";"),
        DECLINED(PMD "; ; client_max_window_bits"),
        DECLINED(PMD "; client_max_window_bits;"),
        DECLINED(PMD "; server_no_context_takeover=1"),
        DECLINED(PMD "; server_no_context_takeover="),
        DECLINED(PMD "; server_no_context_takeover=\"\""),
        DECLINED(PMD "; client_no_context_takeover=true"),
        DECLINED(PMD "; client_no_context_takeover; "
                     "client_no_context_takeover"),
        DECLINED(PMD "; server_no_context_takeover; "
                     "server_no_context_takeover"),
        DECLINED(PMD "; server_max_window_bits"),
        DECLINED(PMD "; server_max_window_bits="),
        DECLINED(PMD "; server_max_window_bits=\"\""),
        DECLINED(PMD "; server_max_window_bits=7"),
        DECLINED(PMD "; server_max_window_bits=16"),
        DECLINED(PMD "; server_max_window_bits=0"),
        DECLINED(PMD "; server_max_window_bits=08"),
        DECLINED(PMD "; server_max_window_bits=009"),
        DECLINED(PMD "; server_max_window_bits=100"),
        DECLINED(PMD "; server_max_window_bits=-9"),
        DECLINED(PMD "; server_max_window_bits=+9"),
        DECLINED(PMD "; server_max_window_bits=1a"),
        DECLINED(PMD "; server_max_window_bits=1 0"),
        DECLINED(PMD "; server_max_window_bits=\"10"),
        DECLINED(PMD "; server_max_window_bits=10\""),
        DECLINED(PMD "; server_max_window_bits=\"1\\0\""),
        DECLINED(PMD "; server_max_window_bits=10; server_max_window_bits=10"),
        DECLINED(PMD "; client_max_window_bits=7"),
        DECLINED(PMD "; client_max_window_bits=16"),
        DECLINED(PMD "; client_max_window_bits="),
        DECLINED(PMD "; client_max_window_bits=x"),
        DECLINED(PMD "; client_max_window_bits; client_max_window_bits"),
        DECLINED(PMD "; client_max_window_bits=9; client_max_window_bits"),
        DECLINED(PMD " client_max_window_bits"),
        DECLINED(PMD "=1"),
    };

    (void)state;
    CHECK(rows);
}

static void the_first_right_offer_is_taken(void **state)
{
    static const struct row rows[] = {
        SMALL(PMD "; server_max_window_bits=9, " PMD,
              "; server_max_window_bits=9"),
        TAKEN(PMD ", " PMD "; server_max_window_bits=9", ""),
        TAKEN(PMD "; server_max_window_bits=7, " PMD, ""),
        SMALL(PMD "; x," PMD "; x=1," PMD "; server_max_window_bits=8",
              "; server_max_window_bits=8"),
        TAKEN("x-webkit-deflate-frame, " PMD, ""),
        TAKEN("foo; a=\"1, " PMD "; x\", " PMD, ""),
        TAKEN("foo; a=\"\\\", x\" , " PMD, ""),
        TAKEN(",, ," PMD, ""),
        DECLINED("foo; a=\"1, " PMD),
        DECLINED(PMD "; x, " PMD "; y"),
    };

    (void)state;
    CHECK(rows);
}

static void without_an_offer_there_is_no_extension(void **state)
{
    static const struct row rows[] = {
        DECLINED(NULL),
        DECLINED(""),
        DECLINED(" , "),
        DECLINED("permessage-deflat"),
        DECLINED("permessage-deflate2"),
        DECLINED("permessage-bzip2; client_max_window_bits"),
        DECLINED("; " PMD),
    };

    (void)state;
    CHECK(rows);
}

static void the_longest_answer_fits(void **state)
{
    struct pl_deflate_terms terms;

    (void)state;
    pl_deflate_choose(PL_SPAN(PMD "; server_max_window_bits=15; "
                                  "client_max_window_bits=15"),
                      &terms);
    assert_string_equal(terms.answer, AGREED "; server_max_window_bits=15"
                                             "; client_max_window_bits=15");
}

/* --- A client's side --- */

struct verdict {
    const char *answer;
    const char *text; /* NULL: agreed */
    enum pl_deflate kind;
};

static void check_verdicts(const struct verdict *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum pl_deflate kind = PL_DEFLATE_NONE;
        const char *text = pl_deflate_agree(pl_span_of(rows[i].answer), &kind);

        if (rows[i].text == NULL
                ? text != NULL
                : text == NULL || strcmp(text, rows[i].text) != 0)
            fail_msg("\"%s\" for \"%s\"", text, rows[i].answer);
        assert_int_equal(kind, rows[i].kind);
    }
}

#define SERVER PMD "; server_no_context_takeover"

static void a_client_compresses_as_the_server_allows(void **state)
{
    static const struct verdict rows[] = {
        {SERVER, NULL, PL_DEFLATE_WIDE},
        {AGREED, NULL, PL_DEFLATE_WIDE},
        {"  PERMESSAGE-DEFLATE ;Server_No_Context_Takeover", NULL,
         PL_DEFLATE_WIDE},
        {SERVER "; server_max_window_bits=8", NULL, PL_DEFLATE_WIDE},
        {SERVER "; client_max_window_bits=15", NULL, PL_DEFLATE_WIDE},
        {SERVER "; client_max_window_bits=14", NULL, PL_DEFLATE_NARROW},
        {SERVER "; client_max_window_bits=\"9\"", NULL, PL_DEFLATE_NARROW},
        {"permessage-deflate; client_max_window_bits=8; "
         "server_max_window_bits=15; client_no_context_takeover; "
         "server_no_context_takeover",
         NULL, PL_DEFLATE_NARROW},
    };

    (void)state;
    check_verdicts(rows, sizeof rows / sizeof *rows);
}

static void an_answer_beyond_the_offer_is_refused(void **state)
{
    static const char other[] =
        "the server accepted other extensions than were offered";
    static const char context[] =
        "the server keeps its context between messages";
    static const char two[] = "the server accepted more than one extension";
    static const struct verdict rows[] = {
        {PMD, context, PL_DEFLATE_NONE},
        {PMD "; client_no_context_takeover", context, PL_DEFLATE_NONE},
        {SERVER "; client_max_window_bits",
         "the server named no client_max_window_bits", PL_DEFLATE_NONE},
        {SERVER "; client_max_window_bits=7", other, PL_DEFLATE_NONE},
        {SERVER "; client_max_window_bits=16", other, PL_DEFLATE_NONE},
        {SERVER "; client_max_window_bits=08", other, PL_DEFLATE_NONE},
        {SERVER "; server_max_window_bits=7", other, PL_DEFLATE_NONE},
        {SERVER "; server_max_window_bits", other, PL_DEFLATE_NONE},
        {SERVER "; server_no_context_takeover", other, PL_DEFLATE_NONE},
        {SERVER "; client_max_window_bits=9; client_max_window_bits=9", other,
         PL_DEFLATE_NONE},
        {SERVER "=1", other, PL_DEFLATE_NONE},
        {SERVER "; level=9", other, PL_DEFLATE_NONE},
        {"x-webkit-deflate-frame", other, PL_DEFLATE_NONE},
        {"bbf-usp-protocol", other, PL_DEFLATE_NONE},
        {SERVER ", " SERVER, two, PL_DEFLATE_NONE},
        {SERVER ", x", two, PL_DEFLATE_NONE},
    };

    (void)state;
    check_verdicts(rows, sizeof rows / sizeof *rows);
}

static void our_server_agrees_to_our_offer(void **state)
{
    struct pl_deflate_terms terms;
    enum pl_deflate kind = PL_DEFLATE_NONE;

    (void)state;
    pl_deflate_choose(PL_SPAN(PL_DEFLATE_OFFER), &terms);
    assert_int_equal(terms.kind, PL_DEFLATE_WIDE);
    assert_null(pl_deflate_agree(pl_span_of(terms.answer), &kind));
    assert_int_equal(kind, PL_DEFLATE_WIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_offer_is_taken_without_contexts),
        cmocka_unit_test(window_bits_are_agreed_both_ways),
        cmocka_unit_test(wrong_parameters_decline_an_offer),
        cmocka_unit_test(the_first_right_offer_is_taken),
        cmocka_unit_test(without_an_offer_there_is_no_extension),
        cmocka_unit_test(the_longest_answer_fits),
        cmocka_unit_test(a_client_compresses_as_the_server_allows),
        cmocka_unit_test(an_answer_beyond_the_offer_is_refused),
        cmocka_unit_test(our_server_agrees_to_our_offer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
