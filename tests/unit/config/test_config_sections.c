/* SPDX-License-Identifier: Apache-2.0 */
/* test_config_sections.c - a schema of two modules with a list of sections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka.h needs the first three */
#include <cmocka.h>

#include "config_sections.h"
#include "failing_alloc.h"

struct loaded {
    struct two_modules values;
    enum pl_err rc;
    char report[2048];
};

/* Up to four sets, NULL at the end. */
static void load(struct loaded *l, const char *yaml, bool insecure,
                 const char *const *sets)
{
    struct pl_config_source src = {.file = "t.yaml",
                                   .text = pl_span_of(yaml),
                                   .sets = sets,
                                   .insecure = insecure};
    struct pl_buf report = {0};

    while (sets != NULL && sets[src.set_count] != NULL)
        src.set_count++;
    *l = (struct loaded){.rc = PL_OK};
    l->rc = pl_config_read(&l->values, &two_schema, &src, NULL, &report);
    snprintf(l->report, sizeof l->report, "%.*s", (int)report.len,
             report.data == NULL ? "" : report.data);
    pl_buf_fini(&report);
}

static void unload(struct loaded *l)
{
    pl_config_values_fini(&l->values, &two_schema);
}

#define SETS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void assert_refused(const char *yaml, const char *const *sets,
                           const char *report)
{
    struct loaded l;

    load(&l, yaml, false, sets);
    assert_string_equal(l.report, report);
    assert_int_equal(l.rc, PL_EINVAL);
    unload(&l);
}

static const struct space *space(const struct loaded *l, size_t i)
{
    assert_true(i < l->values.first.spaces.count);
    return &((const struct space *)l->values.first.spaces.at)[i];
}

static const char three[] = "spaces:\n"
                            "  - name: a\n"
                            "    limits: {size: 3, ttl: 2s}\n"
                            "    tags: [x, y]\n"
                            "  - name: b\n"
                            "    colour: blue\n"
                            "  - {}\n";

static void each_section_of_a_list_has_its_values_and_defaults(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, three, false, NULL);
    assert_string_equal(l.report, "");
    assert_int_equal(l.values.first.spaces.count, 3);
    assert_string_equal(space(&l, 0)->name, "a");
    assert_int_equal(space(&l, 0)->size, 3);
    assert_int_equal(space(&l, 0)->ttl_ms, 2000);
    assert_int_equal(space(&l, 0)->colour, GREEN);
    assert_int_equal(space(&l, 0)->tags.count, 2);
    assert_string_equal(space(&l, 0)->tags.at[1], "y");
    assert_string_equal(space(&l, 1)->name, "b");
    assert_int_equal(space(&l, 1)->size, 7);
    assert_int_equal(space(&l, 1)->colour, BLUE);
    assert_null(space(&l, 2)->name);
    unload(&l);
    load(&l, "spaces: [{name: a}]\n", true, NULL);
    assert_int_equal(space(&l, 0)->size, 70);
    unload(&l);
    load(&l, "", false, NULL);
    assert_int_equal(l.values.first.spaces.count, 0);
    unload(&l);
}

static void modules_share_a_section_and_have_structs_of_their_own(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, "shared: {number: 4, on: true}\n", false, NULL);
    assert_string_equal(l.report, "");
    assert_true(l.values.first.on);
    assert_int_equal(l.values.second.number, 4);
    unload(&l);
    load(&l, "", false, SETS("shared={number: 5, on: true}"));
    assert_string_equal(l.report, "");
    assert_int_equal(l.values.second.number, 5);
    unload(&l);
    assert_refused("shared:\n  nunber: 4\nshared:\n  on: true\n", NULL,
                   "t.yaml:2: shared.nunber: unknown key; did you mean "
                   "shared.number?\n"
                   "t.yaml:3: shared: given twice\n");
}

static void a_set_replaces_the_whole_list(void **state)
{
    struct loaded l;

    (void)state;
    load(&l, three, false, SETS("spaces=[{name: z, limits: {size: 1}}]"));
    assert_string_equal(l.report, "");
    assert_int_equal(l.values.first.spaces.count, 1);
    assert_string_equal(space(&l, 0)->name, "z");
    unload(&l);
    load(&l, "spaces: [{limits: {size: many}, nme: x}]\n", false,
         SETS("spaces=[]"));
    assert_string_equal(l.report, "");
    assert_int_equal(l.rc, PL_OK);
    assert_int_equal(l.values.first.spaces.count, 0);
    unload(&l);
}

static void a_finding_names_the_section_of_the_list_and_the_line(void **state)
{
    (void)state;
    assert_refused("spaces:\n"
                   "  - name: a\n"
                   "  - limits:\n"
                   "      size: 101\n"
                   "      sise: 3\n"
                   "    colour: pink\n"
                   "    colour: red\n"
                   "    tags: [1, 2, 3, 4]\n"
                   "    name: {a: b}\n"
                   "    limits.ttl: 3s\n"
                   "    nonsense: {limits: {size: 1}}\n"
                   "shared: {number: ten}\n",
                   NULL,
                   "t.yaml:5: spaces[2].limits.sise: unknown key; did you mean "
                   "limits.size?\n"
                   "t.yaml:7: spaces[2].colour: given twice\n"
                   "t.yaml:8: spaces[2].tags: has too many items\n"
                   "t.yaml:9: spaces[2].name: must be: string\n"
                   "t.yaml:10: spaces[2].limits.ttl: is for --set; here it "
                   "goes below its section\n"
                   "t.yaml:11: spaces[2].nonsense: unknown key\n"
                   "t.yaml:4: spaces[2].limits.size: must be from 0 to 100\n"
                   "t.yaml:6: spaces[2].colour: `pink` is not red, green or "
                   "blue\n"
                   "t.yaml:12: shared.number: `ten` is not a whole number\n");
    assert_refused("", SETS("spaces=[{}, {limits: {size: x}}]"),
                   "--set spaces[2].limits.size: `x` is not a whole number\n");
}

static void a_list_of_something_else_is_refused(void **state)
{
    (void)state;
    assert_refused("spaces: {name: a}\n", NULL,
                   "t.yaml:1: spaces: must be: list of sections\n");
    assert_refused("spaces: [a]\n", NULL,
                   "t.yaml:1: spaces: must be: list of sections\n");
    assert_refused("spaces: [{name: a}, [b]]\n", NULL,
                   "t.yaml:1: spaces: must be: list of sections\n");
    assert_refused("spaces: [{}, {}, {}, {}]\n", NULL,
                   "t.yaml:1: spaces: has too many items\n");
    assert_refused("spaces: [{name: [{}]}, {}, {}, {}]\n", NULL,
                   "t.yaml:1: spaces: has too many items\n");
}

static void sections_differ_when_one_of_their_values_does(void **state)
{
    static const struct {
        const char *a, *b;
        bool differ;
    } rows[] = {
        {"spaces: [{name: a}]", "spaces: [{name: a, limits: {ttl: 1000ms}}]",
         false},
        {"spaces: [{name: a}]", "spaces: [{name: b}]", true},
        {"spaces: [{tags: [a]}]", "spaces: [{tags: [b]}]", true},
        {"spaces: [{}]", "spaces: [{}, {}]", true},
        {"spaces: []", "{}", false},
    };
    struct loaded a, b;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        load(&a, rows[i].a, false, NULL);
        load(&b, rows[i].b, false, NULL);
        assert_int_equal(pl_config_key_differs(&first_keys[1],
                                               &a.values.first.spaces,
                                               &b.values.first.spaces),
                         rows[i].differ);
        unload(&a);
        unload(&b);
    }
}

static void each_allocation_that_fails_ends_the_load_cleanly(void **state)
{
    struct loaded l;
    unsigned n = 1;

    (void)state;
    for (bool failed = true; failed; n++) {
        alloc_fails_at = n;
        load(&l, three, false, SETS("spaces=[{name: z, limits: {size: 1}}]"));
        failed = alloc_fails_at == 0;
        alloc_fails_at = 0;
        assert_int_equal(l.rc, failed ? PL_ENOMEM : PL_OK);
        unload(&l);
    }
    assert_true(n > 30); /* the wrapping works */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_section_of_a_list_has_its_values_and_defaults),
        cmocka_unit_test(modules_share_a_section_and_have_structs_of_their_own),
        cmocka_unit_test(a_set_replaces_the_whole_list),
        cmocka_unit_test(a_finding_names_the_section_of_the_list_and_the_line),
        cmocka_unit_test(a_list_of_something_else_is_refused),
        cmocka_unit_test(sections_differ_when_one_of_their_values_does),
        cmocka_unit_test(each_allocation_that_fails_ends_the_load_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
