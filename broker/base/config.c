/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h.
 *
 * The defaults, --insecure, the file and each --set are YAML texts that pass
 * through the same schema in this order; each overrides texts of those before
 * it and records its place.  Only then are values converted and checked.  So an
 * overridden value cannot cause an error, and an error names the place that
 * counts.
 *
 * A failure ends the step that it occurs in, but hides no later finding:
 * conversion and checks go over all keys and report everything.
 *
 * Rejected: merging converted structs, because `false` and "not set" are then
 * the same. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "config_load.h"
#include "config_near.h"
#include "config_yaml.h"

/* The parsed texts that settings point into. */
struct documents {
    struct pl_config_yaml **at;
    size_t count;
};

static const struct pl_config_place nowhere = {NULL, 0, NULL};

const struct pl_config_setting *
pl_config_setting_of(const struct pl_config_loading *l, const char *key)
{
    for (size_t i = 0; i < pl_config_key_count; i++)
        if (strcmp(pl_config_keys[i].name, key) == 0)
            return &l->setting[i];
    assert(!"a key that is not in the table");
    return NULL;
}

static void put_key(struct pl_buf *report, const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        pl_buf_put_byte(report, key[i] > ' ' && key[i] < 0x7f ? key[i] : '?');
    if (len > 0)
        pl_buf_put_span(report, PL_SPAN(": "));
}

static void report_place(struct pl_buf *report,
                         const struct pl_config_place *place, const char *key)
{
    size_t len = strlen(key);

    if (place->file != NULL && place->line != 0)
        pl_buf_printf(report, "%s:%u: ", place->file, place->line);
    else if (place->file != NULL)
        pl_buf_printf(report, "%s: ", place->file);
    if (place->set != NULL && len == 0) {
        key = place->set;
        len = strcspn(key, "=");
    }
    if (place->set != NULL)
        pl_buf_printf(report, "--set%s", len == 0 ? ": " : " ");
    put_key(report, key, len);
}

static void report_text(struct pl_buf *report, const char *format, va_list args)
{
    char text[512];

    vsnprintf(text, sizeof(text), format, args);
    pl_buf_put_span(report, pl_span_of(text));
    pl_buf_put_byte(report, '\n');
}

void pl_config_complain(struct pl_config_loading *l,
                        const struct pl_config_place *place, const char *key,
                        const char *format, ...)
{
    va_list args;

    l->errors++;
    report_place(l->report, place, key);
    va_start(args, format);
    report_text(l->report, format, args);
    va_end(args);
}

void pl_config_warn(struct pl_config_loading *l,
                    const struct pl_config_place *place, const char *key,
                    const char *format, ...)
{
    va_list args;

    report_place(l->report, place, key);
    pl_buf_put_span(l->report, PL_SPAN("warning: "));
    va_start(args, format);
    report_text(l->report, format, args);
    va_end(args);
}

static enum pl_err read_document(struct pl_config_loading *l,
                                 struct documents *docs,
                                 const struct pl_config_place *place,
                                 struct pl_span text)
{
    enum pl_err rc =
        pl_config_yaml_read(&docs->at[docs->count], l, place, text);

    docs->count += rc == PL_OK;
    return rc;
}

/* Read a column of the table as a YAML text.  The keys of a section are
 * together. */
static enum pl_err read_column(struct pl_config_loading *l,
                               struct documents *docs, bool insecure)
{
    struct pl_buf text = {0};
    const char *section = "";
    size_t section_len = 0;
    enum pl_err rc;

    for (size_t i = 0; i < pl_config_key_count; i++) {
        const struct pl_config_key *k = &pl_config_keys[i];
        const char *value = insecure ? k->insecure : k->fallback;
        const char *dot = strchr(k->name, '.');
        size_t len = dot == NULL ? 0 : (size_t)(dot - k->name);

        if (value == NULL)
            continue;
        if (len != section_len || strncmp(section, k->name, len) != 0)
            pl_buf_printf(&text, "%.*s:\n", (int)len, k->name);
        section = k->name;
        section_len = len;
        pl_buf_printf(&text, "%s%s: %s\n", dot == NULL ? "" : "  ",
                      dot == NULL ? k->name : dot + 1, value);
    }
    rc = text.failed ? PL_ENOMEM
                     : read_document(l, docs, &nowhere, pl_buf_span(&text));
    pl_buf_fini(&text);
    assert(rc != PL_EINVAL); /* our own table is valid */
    return rc;
}

static enum pl_err read_all(FILE *f, struct pl_buf *text)
{
    const size_t piece = 16384;

    while (!text->failed && text->len <= PL_CONFIG_FILE_MAX) {
        char *at = pl_buf_reserve(text, piece);
        size_t n = at == NULL ? 0 : fread(at, 1, piece, f);

        if (n == 0)
            break;
        text->len += n;
    }
    if (text->failed)
        return PL_ENOMEM;
    return ferror(f) ? PL_EIO : PL_OK;
}

/* The content of the file may hold secrets. */
static void wipe(struct pl_buf *text)
{
    if (text->data != NULL)
        explicit_bzero(text->data, text->cap);
    pl_buf_fini(text);
}

/* The mode of a pipe does not matter: each byte has only one reader. */
static bool can_others_read(FILE *f)
{
    struct stat st;

    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) &&
           (st.st_mode & S_IROTH) != 0;
}

static enum pl_err read_file(struct pl_config_loading *l,
                             struct documents *docs, const char *name)
{
    const struct pl_config_place place = {name, 0, NULL};
    struct pl_buf text = {0};
    FILE *f = fopen(name, "re");
    enum pl_err rc = f == NULL ? PL_EIO : read_all(f, &text);

    if (rc == PL_EIO)
        pl_config_complain(l, &place, "", "%s", strerror(errno));
    if (rc == PL_OK && text.len > PL_CONFIG_FILE_MAX) {
        pl_config_complain(l, &place, "", "larger than 1 MiB");
        rc = PL_EINVAL;
    }
    if (rc == PL_OK)
        rc = read_document(l, docs, &place, pl_buf_span(&text));
    if (f != NULL) {
        l->can_others_read = can_others_read(f);
        fclose(f);
    }
    wipe(&text);
    return rc;
}

/* Write "a.b=value" as a YAML text: one line per part of the key, each one
 * level deeper. */
static bool put_set(struct pl_buf *text, const char *set, const char *equals)
{
    const char *part = set;
    unsigned depth = 0;

    for (const char *p = set; p <= equals; p++) {
        if (p < equals && *p != '.') {
            if (strspn(p, "abcdefghijklmnopqrstuvwxyz_") == 0)
                return false;
            continue;
        }
        if (p == part || depth == 4)
            return false;
        pl_buf_printf(text, "%s%*s%.*s:", depth == 0 ? "" : "\n",
                      (int)(2 * depth), "", (int)(p - part), part);
        part = p + 1;
        depth++;
    }
    pl_buf_put_byte(text, ' ');
    pl_buf_put_span(text, pl_span_of(equals + 1));
    pl_buf_put_byte(text, '\n');
    return true;
}

static void complain_of_set(struct pl_config_loading *l,
                            const struct pl_config_place *place,
                            const char *set, const char *equals)
{
    char key[PL_CONFIG_KEY_MAX];
    struct pl_span near;

    snprintf(key, sizeof key, "%.*s", (int)(equals - set), set);
    near = pl_config_near(key);
    if (near.at == NULL)
        pl_config_complain(l, place, "", "unknown key");
    else
        pl_config_complain(l, place, "", "unknown key; did you mean %.*s?",
                           (int)near.len, near.at);
}

static enum pl_err read_set(struct pl_config_loading *l, struct documents *docs,
                            const char *set)
{
    const char *equals = strchr(set, '=');
    /* without '=' show nothing: the argument may be a secret */
    const struct pl_config_place place = {NULL, 0, equals == NULL ? "" : set};
    struct pl_buf text = {0};
    enum pl_err rc = PL_EINVAL;

    if (equals == NULL || strpbrk(equals, "\r\n") != NULL)
        pl_config_complain(l, &place, "", "needs key=value, on one line");
    else if (!put_set(&text, set, equals))
        complain_of_set(l, &place, set, equals);
    else
        rc = text.failed ? PL_ENOMEM
                         : read_document(l, docs, &place, pl_buf_span(&text));
    wipe(&text);
    return rc;
}

/* If a source cannot be read, read the others, so that all findings are
 * reported together.  Only a failed allocation ends the load. */
static enum pl_err read_sources(struct pl_config_loading *l,
                                struct documents *docs,
                                const struct pl_config_source *src)
{
    const struct pl_config_place place = {
        src->file == NULL ? "configuration" : src->file, 0, NULL};
    enum pl_err rc, first = PL_OK;

    rc = read_column(l, docs, false);
    if (rc == PL_OK && src->insecure)
        rc = read_column(l, docs, true);
    if (rc == PL_OK && src->text.at != NULL)
        first = read_document(l, docs, &place, src->text);
    else if (rc == PL_OK && src->file != NULL)
        first = read_file(l, docs, src->file);
    for (size_t i = 0; i < src->set_count && rc == PL_OK; i++) {
        rc = read_set(l, docs, src->sets[i]);
        if (rc != PL_ENOMEM) {
            first = first == PL_OK ? rc : first;
            rc = PL_OK;
        }
    }
    return rc == PL_OK ? first : rc;
}

static enum pl_err convert(struct pl_config_loading *l)
{
    enum pl_err rc = PL_OK;

    for (size_t i = 0; i < pl_config_key_count && rc == PL_OK; i++)
        if (l->setting[i].said)
            rc = pl_config_value_store(l, &pl_config_keys[i]);
    return rc;
}

static enum pl_err load(struct pl_config_loading *l,
                        const struct pl_config_source *src, bool check)
{
    struct documents docs = {calloc(src->set_count + 3, sizeof(docs.at[0])), 0};
    enum pl_err rc = PL_ENOMEM;

    if (docs.at != NULL && l->config != NULL)
        rc = read_sources(l, &docs, src);
    if (rc == PL_OK)
        rc = convert(l);
    if (rc == PL_OK && check)
        pl_config_check(l, src);
    if (rc == PL_OK && l->errors == 0 && src->look != NULL)
        src->look(l);
    if (rc == PL_OK && l->errors > 0)
        rc = PL_EINVAL;
    for (size_t i = 0; i < docs.count; i++)
        pl_config_yaml_destroy(docs.at[i]);
    free(docs.at);
    return rc;
}

static enum pl_err create(struct pl_config **out,
                          const struct pl_config_source *src,
                          struct pl_buf *report, bool check)
{
    struct pl_config_loading l = {.config = calloc(1, sizeof(struct pl_config)),
                                  .report = report};
    enum pl_err rc = load(&l, src, check);

    if (report->failed) /* the findings cannot be reported */
        rc = PL_ENOMEM;
    if (rc != PL_OK) {
        pl_config_destroy(l.config);
        return rc;
    }
    l.config->insecure = src->insecure;
    *out = l.config;
    return PL_OK;
}

enum pl_err pl_config_load(struct pl_config **out,
                           const struct pl_config_source *src,
                           struct pl_buf *report)
{
    return create(out, src, report, true);
}

enum pl_err pl_config_create_default(struct pl_config **out)
{
    const struct pl_config_source none = {0};
    struct pl_buf report = {0};
    enum pl_err rc = create(out, &none, &report, false);

    pl_buf_fini(&report);
    return rc;
}

static void destroy_secret(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void free_endpoints(struct pl_config_endpoints *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->at[i].text);
    free(e->at);
}

static void free_strings(struct pl_config_strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->at[i]);
    free(s->at);
}

void pl_config_destroy(struct pl_config *c)
{
    if (c == NULL)
        return;
    free_endpoints(&c->listen);
    free_endpoints(&c->listen_tls);
    free_strings(&c->tls.certificate);
    free_strings(&c->tls.key);
    free(c->tls.client_ca);
    free(c->admin.listen.text);
    free(c->admin.socket);
    free(c->websocket.path);
    free_strings(&c->websocket.allowed_origins);
    free_strings(&c->websocket.allowed_hosts);
    free(c->proxy.trusted.at);
    destroy_secret(c->auth.hmac_secret);
    destroy_secret(c->api.key);
    free(c);
}
