/* SPDX-License-Identifier: Apache-2.0 */
/* config_value.c - converts the texts of the configuration into its members.
 *
 * Numbers are decimal and whole.  Durations and sizes need a unit, because
 * users take a bare 10 for milliseconds or for seconds.  Addresses are numeric,
 * or `localhost`.
 *
 * Rejected: host names, because the start and the loopback check would then
 * depend on a name server.
 *
 * Invariant: only a valid value is written to a member; after an invalid one
 * the member stays zero. */
#include "config_load.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SHOWN_MAX = 60, AUTO_PERCENT = 80 /* for limits.memory: auto */ };

/* A value to convert. */
struct job {
    struct pl_config_loading *l;
    const struct pl_config_key *key;
    const struct pl_config_setting *setting;
    void *member;
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

static const struct unit size_units[] = {
    {"B", 1},     {"KiB", 1u << 10}, {"MiB", 1u << 20},  {"GiB", 1u << 30},
    {"KB", 1000}, {"MB", 1000000},   {"GB", 1000000000}, {NULL, 0}};

/* Report "`text` is not ...", with unprintable characters replaced.  Secrets
 * never come here: they are strings, which accept any text. */
static void refuse(const struct job *j, const char *text, const char *wanted)
{
    char shown[SHOWN_MAX + 1];
    size_t i = 0;

    assert(!j->key->secret);
    for (; i < SHOWN_MAX && text[i] != '\0'; i++)
        shown[i] = text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    shown[i] = '\0';
    pl_config_complain(j->l, &j->setting->place, j->key->name, "`%s` is not %s",
                       shown, wanted);
}

/* Read the digits at the start of `text`, saturating at 2^64-1.  Return the
 * rest of the text, or NULL if there are no digits. */
static const char *read_digits(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    const char *p = text;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');

        n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    *out = n;
    return p == text ? NULL : p;
}

static bool read_quantity(const char *text, const struct unit *units,
                          uint64_t *out)
{
    const char *rest = read_digits(text, out);

    if (rest == NULL)
        return false;
    if (*rest == '\0')
        return units == NULL || *out == 0;
    for (; units != NULL && units->name != NULL; units++)
        if (strcmp(units->name, rest) == 0) {
            *out = *out > UINT64_MAX / units->factor ? UINT64_MAX
                                                     : *out * units->factor;
            return true;
        }
    return false;
}

/* Format `n` in the largest unit that leaves a whole number. */
static void format_quantity(const struct job *j, uint64_t n, char *out,
                            size_t size)
{
    const struct unit *unit = NULL, *best = NULL;

    if (j->key->kind == PL_KIND_DURATION)
        unit = duration_units;
    else if (j->key->kind == PL_KIND_SIZE || j->key->kind == PL_KIND_MEMORY ||
             j->key->kind == PL_KIND_SHARE)
        unit = size_units;
    for (; unit != NULL && unit->name != NULL && n > 0; unit++)
        if (n % unit->factor == 0 &&
            (best == NULL || unit->factor > best->factor))
            best = unit;
    snprintf(out, size, "%llu%s",
             (unsigned long long)(best == NULL ? n : n / best->factor),
             best == NULL ? "" : best->name);
}

static bool in_range(const struct job *j, uint64_t n)
{
    char least[32], most[32];

    if (n >= j->key->min && n <= j->key->max)
        return true;
    format_quantity(j, j->key->min, least, sizeof(least));
    format_quantity(j, j->key->max, most, sizeof(most));
    pl_config_complain(j->l, &j->setting->place, j->key->name,
                       "must be from %s to %s", least, most);
    return false;
}

static void store_quantity(const struct job *j)
{
    const char *text = j->setting->text;
    uint64_t n;

    if (j->key->kind == PL_KIND_NUMBER) {
        if (!read_quantity(text, NULL, &n))
            refuse(j, text, "a whole number");
        else if (in_range(j, n))
            *(uint32_t *)j->member = (uint32_t)n;
    } else if (j->key->kind == PL_KIND_DURATION) {
        if (!read_quantity(text, duration_units, &n))
            refuse(j, text, "a duration; as 500ms, 10s, 5m or 1h, or 0");
        else if (in_range(j, n))
            *(uint64_t *)j->member = n;
    } else {
        if (!read_quantity(text, size_units, &n))
            refuse(j, text, "a size; as 512B, 64KiB, 1MiB or 2GB, or 0");
        else if (in_range(j, n))
            *(uint64_t *)j->member = n;
    }
}

/* Parse "80%". */
static bool read_percentage(const char *text, uint32_t *out)
{
    uint64_t n;
    const char *rest = read_digits(text, &n);

    if (rest == NULL || strcmp(rest, "%") != 0 || n < 1 || n > 100)
        return false;
    *out = (uint32_t)n;
    return true;
}

static void store_memory(const struct job *j)
{
    const char *text = j->setting->text;
    struct pl_config_memory *out = j->member;
    uint64_t n;

    bool has_auto = j->key->kind == PL_KIND_MEMORY;

    if (strcmp(text, "off") == 0)
        return;
    if (has_auto && strcmp(text, "auto") == 0)
        out->percent = AUTO_PERCENT;
    else if (read_percentage(text, &out->percent))
        return;
    else if (!read_quantity(text, size_units, &n))
        refuse(j, text,
               has_auto ? "a size; as 512MiB or 2GiB, or a percentage from 1% "
                          "to 100%, or auto, or off"
                        : "a size; as 512MiB or 2GiB, or a percentage from 1% "
                          "to 100%, or off");
    else if (in_range(j, n))
        out->bytes = n;
}

/* Return the index of `text` among `words`, which ends with NULL; -1: none. */
static int word_index(const char *text, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    return -1;
}

static void store_word(const struct job *j)
{
    static const char *const bools[] = {"false", "true", NULL};
    static const char *const allows[] = {"none", "authenticated", "all", NULL};
    static const char *const datas[] = {"json", "binary", NULL};
    static const char *const slows[] = {"close", "drop_oldest", "latest", NULL};
    static const char *const headers[] = {"x-forwarded-for", "forwarded", NULL};
    static const char *const levels[] = {"debug", "info", "warn", "error",
                                         NULL};
    const char *const *words = j->key->kind == PL_KIND_BOOL     ? bools
                               : j->key->kind == PL_KIND_ALLOW  ? allows
                               : j->key->kind == PL_KIND_DATA   ? datas
                               : j->key->kind == PL_KIND_SLOW   ? slows
                               : j->key->kind == PL_KIND_HEADER ? headers
                                                                : levels;
    int index = word_index(j->setting->text, words);

    if (index < 0)
        refuse(j, j->setting->text, pl_config_kind_text(j->key->kind));
    else if (j->key->kind == PL_KIND_BOOL)
        *(bool *)j->member = index == 1;
    else if (j->key->kind == PL_KIND_ALLOW)
        *(enum pl_config_allow *)j->member = (enum pl_config_allow)index;
    else if (j->key->kind == PL_KIND_DATA)
        *(enum pl_config_data *)j->member = (enum pl_config_data)index;
    else if (j->key->kind == PL_KIND_SLOW)
        *(enum pl_config_slow *)j->member = (enum pl_config_slow)index;
    else if (j->key->kind == PL_KIND_HEADER)
        *(enum pl_config_header *)j->member = (enum pl_config_header)index;
    else
        *(enum pl_log_level *)j->member = (enum pl_log_level)index;
}

/* YAML's texts for no value.  `null` must not become a secret. */
static bool is_nothing(const char *text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};

    return word_index(text, words) >= 0;
}

static enum pl_err store_string(const struct job *j, const char *text)
{
    char *copy;

    if (is_nothing(text)) {
        pl_config_complain(j->l, &j->setting->place, j->key->name,
                           "needs a value; leave the key out to unset it");
        return PL_OK;
    }
    if ((copy = strdup(text)) == NULL)
        return PL_ENOMEM;
    *(char **)j->member = copy;
    return PL_OK;
}

/* Root uses /run, a user the directory of the login session or else /tmp, which
 * always exists. parleyd and the tool choose the same path if the same user
 * starts both. */
static void default_socket(char *path, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (geteuid() == 0)
        snprintf(path, size, "/run/parley.sock");
    else if (runtime != NULL && runtime[0] == '/')
        snprintf(path, size, "%s/parley.sock", runtime);
    else
        snprintf(path, size, "/tmp/parley-%lu.sock", (unsigned long)geteuid());
}

static enum pl_err store_socket(const struct job *j)
{
    char path[256];

    if (strcmp(j->setting->text, "off") == 0)
        return PL_OK;
    if (strcmp(j->setting->text, "auto") != 0)
        return store_string(j, j->setting->text);
    default_socket(path, sizeof(path));
    return store_string(j, path);
}

static bool read_port(const char *text, uint16_t *out)
{
    uint64_t n;
    const char *rest = read_digits(text, &n);

    if (rest == NULL || *rest != '\0' || n > UINT16_MAX)
        return false;
    *out = (uint16_t)n;
    return true;
}

/* Parse "a.b.c.d", "localhost" or "[v6]".  `host` keeps the brackets. */
static bool read_host(char *host, size_t size, bool *loopback)
{
    size_t len = strlen(host);
    struct in6_addr six;
    struct in_addr four;

    if (strcmp(host, "localhost") == 0)
        snprintf(host, size, "127.0.0.1");
    if (inet_pton(AF_INET, host, &four) == 1) {
        *loopback = ntohl(four.s_addr) >> 24 == 127;
        return true;
    }
    if (len < 4 || host[0] != '[' || host[len - 1] != ']')
        return false;
    host[len - 1] = '\0';
    if (inet_pton(AF_INET6, host + 1, &six) != 1)
        return false;
    host[len - 1] = ']';
    *loopback = IN6_IS_ADDR_LOOPBACK(&six);
    return true;
}

static enum pl_err read_endpoint(const struct job *j, const char *text,
                                 struct pl_config_endpoint *out)
{
    const char *colon = strrchr(text, ':');
    struct pl_config_endpoint e = {NULL, 0, false};
    char host[64];

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host)) {
        refuse(j, text, "host:port");
        return PL_OK;
    }
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    if (!read_host(host, sizeof(host), &e.loopback)) {
        refuse(j, text,
               "host:port with a numeric host; as 127.0.0.1:8000, "
               "0.0.0.0:8000 or [::1]:8000");
        return PL_OK;
    }
    if (!read_port(colon + 1, &e.port)) {
        refuse(j, text, "host:port with a port from 0 to 65535");
        return PL_OK;
    }
    if (asprintf(&e.text, "%s:%u", host, e.port) < 0)
        return PL_ENOMEM;
    *out = e;
    return PL_OK;
}

static enum pl_err store_endpoint(const struct job *j)
{
    if (strcmp(j->setting->text, "off") == 0)
        return PL_OK;
    return read_endpoint(j, j->setting->text, j->member);
}

static enum pl_err store_endpoints(const struct job *j)
{
    const struct pl_config_setting *s = j->setting;
    struct pl_config_endpoints *out = j->member;
    enum pl_err rc = PL_OK;

    if (s->count == 0)
        return PL_OK;
    if ((out->at = calloc(s->count, sizeof(out->at[0]))) == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < s->count && rc == PL_OK; i++) {
        struct pl_config_endpoint *e = &out->at[out->count];

        rc = read_endpoint(j, s->list[i], e);
        out->count += e->text != NULL;
    }
    return rc;
}

static enum pl_err store_strings(const struct job *j)
{
    const struct pl_config_setting *s = j->setting;
    struct pl_config_strings *out = j->member;

    if (s->count == 0)
        return PL_OK;
    if ((out->at = calloc(s->count, sizeof(out->at[0]))) == NULL)
        return PL_ENOMEM;
    for (; out->count < s->count; out->count++)
        if ((out->at[out->count] = strdup(s->list[out->count])) == NULL)
            return PL_ENOMEM;
    return PL_OK;
}

static enum pl_err store_networks(const struct job *j)
{
    const struct pl_config_setting *s = j->setting;
    struct pl_config_networks *out = j->member;

    if (s->count == 0)
        return PL_OK;
    if ((out->at = calloc(s->count, sizeof(out->at[0]))) == NULL)
        return PL_ENOMEM;
    for (size_t i = 0; i < s->count; i++)
        if (pl_ip_net_parse(&out->at[out->count], pl_span_of(s->list[i])))
            out->count++;
        else
            refuse(j, s->list[i],
                   "a network; as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
    return PL_OK;
}

enum pl_err pl_config_value_store(struct pl_config_loading *l,
                                  const struct pl_config_key *key)
{
    const struct job j = {l, key, &l->setting[key - pl_config_keys],
                          (char *)l->config + key->offset};

    switch (key->kind) {
    case PL_KIND_NUMBER:
    case PL_KIND_DURATION:
    case PL_KIND_SIZE:
        store_quantity(&j);
        return PL_OK;
    case PL_KIND_MEMORY:
    case PL_KIND_SHARE:
        store_memory(&j);
        return PL_OK;
    case PL_KIND_BOOL:
    case PL_KIND_ALLOW:
    case PL_KIND_DATA:
    case PL_KIND_SLOW:
    case PL_KIND_HEADER:
    case PL_KIND_LEVEL:
        store_word(&j);
        return PL_OK;
    case PL_KIND_STRING:
        return store_string(&j, j.setting->text);
    case PL_KIND_SOCKET:
        return store_socket(&j);
    case PL_KIND_ENDPOINT:
        return store_endpoint(&j);
    case PL_KIND_ENDPOINTS:
        return store_endpoints(&j);
    case PL_KIND_STRINGS:
        return store_strings(&j);
    case PL_KIND_NETWORKS:
        return store_networks(&j);
    }
    return PL_EINVAL;
}
