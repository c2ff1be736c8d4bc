/* SPDX-License-Identifier: Apache-2.0 */
/* config_kind.c - the kinds of keys: how a text becomes a member, and how
 * members are compared and freed.
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
#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config_kind.h"
#include "ip.h"
#include "pattern.h"

enum { SHOWN_MAX = 60, AUTO_PERCENT = 80 /* for limits.memory: auto */ };

static const struct pl_config_unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0}};

static const struct pl_config_unit size_units[] = {
    {"B", 1},     {"KiB", 1u << 10}, {"MiB", 1u << 20},  {"GiB", 1u << 30},
    {"KB", 1000}, {"MB", 1000000},   {"GB", 1000000000}, {NULL, 0}};

/* Report "`text` is not ...", with unprintable characters replaced.  Secrets
 * never come here: they are strings, which accept any text. */
static enum pl_err refuse(const struct pl_config_job *j, const char *wanted)
{
    char shown[SHOWN_MAX + 1];
    const char *text = j->text;
    size_t i = 0;

    assert(!j->key->secret);
    for (; i < SHOWN_MAX && text[i] != '\0'; i++)
        shown[i] = text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    shown[i] = '\0';
    pl_config_report(j->l, PL_CONFIG_ERROR, j->place, j->key->name,
                     "`%s` is not %s", shown, wanted);
    return PL_OK;
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

static bool read_quantity(const char *text, const struct pl_config_unit *units,
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
static void format_quantity(const struct pl_config_unit *unit, uint64_t n,
                            char *out, size_t size)
{
    const struct pl_config_unit *best = NULL;

    for (; unit != NULL && unit->name != NULL && n > 0; unit++)
        if (n % unit->factor == 0 &&
            (best == NULL || unit->factor > best->factor))
            best = unit;
    snprintf(out, size, "%llu%s",
             (unsigned long long)(best == NULL ? n : n / best->factor),
             best == NULL ? "" : best->name);
}

/* Read a number in the range of the key.  Return false after a complaint. */
static bool read_number(const struct pl_config_job *j, uint64_t *out)
{
    const struct pl_config_unit *units = pl_config_kinds[j->key->kind].units;
    char least[32], most[32];

    if (!read_quantity(j->text, units, out)) {
        refuse(j, pl_config_kinds[j->key->kind].wanted);
        return false;
    }
    if (*out >= j->key->min && *out <= j->key->max)
        return true;
    format_quantity(units, j->key->min, least, sizeof(least));
    format_quantity(units, j->key->max, most, sizeof(most));
    pl_config_report(j->l, PL_CONFIG_ERROR, j->place, j->key->name,
                     "must be from %s to %s", least, most);
    return false;
}

static enum pl_err store_number(const struct pl_config_job *j)
{
    uint64_t n;

    if (read_number(j, &n))
        *(uint32_t *)j->member = (uint32_t)n;
    return PL_OK;
}

static enum pl_err store_quantity(const struct pl_config_job *j)
{
    uint64_t n;

    if (read_number(j, &n))
        *(uint64_t *)j->member = n;
    return PL_OK;
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

static enum pl_err store_memory(const struct pl_config_job *j)
{
    struct pl_config_memory *out = j->member;
    uint64_t n;

    if (strcmp(j->text, "off") == 0)
        return PL_OK;
    if (j->key->kind == PL_KIND_MEMORY && strcmp(j->text, "auto") == 0)
        out->percent = AUTO_PERCENT;
    else if (!read_percentage(j->text, &out->percent) && read_number(j, &n))
        out->bytes = n;
    return PL_OK;
}

/* Return the index of `text` among words such as "none, some or all"; -1: it is
 * none of them. */
static int word_index(const char *text, const char *words)
{
    size_t len = strlen(text);

    for (int i = 0;; i++) {
        size_t n = strcspn(words, ", ");

        if (n == len && strncmp(words, text, n) == 0)
            return i;
        if (words[n] == '\0')
            return -1;
        words += n + strlen(words[n] == ',' ? ", " : " or ");
    }
}

static enum pl_err store_word(const struct pl_config_job *j)
{
    const char *words = pl_config_key_type(j->key);
    int index = word_index(j->text, words);

    if (index < 0)
        return refuse(j, words);
    if (j->key->kind == PL_KIND_BOOL)
        *(bool *)j->member = index == 0;
    else
        *(unsigned *)j->member = (unsigned)index;
    return PL_OK;
}

static enum pl_err copy_string(const struct pl_config_job *j)
{
    char *copy = strdup(j->text);

    if (copy == NULL)
        return PL_ENOMEM;
    *(char **)j->member = copy;
    return PL_OK;
}

/* Refuse YAML's texts for no value.  `null` must not become a secret. */
static enum pl_err store_string(const struct pl_config_job *j)
{
    if (*j->text != '\0' && word_index(j->text, "~, null, Null or NULL") < 0)
        return copy_string(j);
    pl_config_report(j->l, PL_CONFIG_ERROR, j->place, j->key->name,
                     "needs a value; leave the key out to unset it");
    return PL_OK;
}

static enum pl_err store_name(const struct pl_config_job *j)
{
    static const char good[] = "-_.0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strspn(j->text, good);

    if (len >= j->key->min && len <= j->key->max && j->text[len] == '\0')
        return copy_string(j);
    pl_config_report(j->l, PL_CONFIG_ERROR, j->place, j->key->name,
                     "must be %u to %u letters, digits, '-', '_' or '.'",
                     (unsigned)j->key->min, (unsigned)j->key->max);
    return PL_OK;
}

static enum pl_err store_pattern(const struct pl_config_job *j)
{
    char why[160];
    enum pl_err rc = pl_pattern_check(
        (struct pl_span){j->text, strlen(j->text)}, why, sizeof why);

    if (rc == PL_EINVAL)
        pl_config_report(j->l, PL_CONFIG_ERROR, j->place, j->key->name,
                         "is no regular expression: %s", why);
    return rc == PL_OK ? store_string(j) : rc == PL_EINVAL ? PL_OK : rc;
}

static bool is_mark(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || isalnum(text[i]))
            return false;
    return len > 0 && len < sizeof(struct pl_config_mark);
}

/* Letters and digits would make the mark of most texts. */
static enum pl_err store_mark(const struct pl_config_job *j)
{
    if (strcmp(j->text, "off") == 0)
        return PL_OK;
    if (!is_mark(j->text))
        return refuse(j, "1 to 7 characters of ASCII without letters, digits "
                         "and spaces, in quotes; or off");
    memcpy(j->member, j->text, strlen(j->text));
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

static enum pl_err store_socket(const struct pl_config_job *j)
{
    struct pl_config_job with = *j;
    char path[256];

    if (strcmp(j->text, "off") == 0)
        return PL_OK;
    if (strcmp(j->text, "auto") == 0) {
        default_socket(path, sizeof(path));
        with.text = path;
    }
    return store_string(&with);
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

static enum pl_err store_endpoint(const struct pl_config_job *j)
{
    const char *colon = strrchr(j->text, ':');
    struct pl_config_endpoint e = {NULL, 0, false};
    char host[64];

    if (colon == NULL || (size_t)(colon - j->text) >= sizeof(host))
        return refuse(j, "host:port");
    snprintf(host, sizeof(host), "%.*s", (int)(colon - j->text), j->text);
    if (!read_host(host, sizeof(host), &e.loopback))
        return refuse(j, "host:port with a numeric host; as 127.0.0.1:8000, "
                         "0.0.0.0:8000 or [::1]:8000");
    if (!read_port(colon + 1, &e.port))
        return refuse(j, "host:port with a port from 0 to 65535");
    if (asprintf(&e.text, "%s:%u", host, e.port) < 0)
        return PL_ENOMEM;
    *(struct pl_config_endpoint *)j->member = e;
    return PL_OK;
}

static enum pl_err store_endpoint_or_off(const struct pl_config_job *j)
{
    return strcmp(j->text, "off") == 0 ? PL_OK : store_endpoint(j);
}

static enum pl_err store_network(const struct pl_config_job *j)
{
    struct pl_ip_net net;

    if (!pl_ip_net_parse(&net, pl_span_of(j->text)))
        return refuse(j,
                      "a network; as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
    *(struct pl_ip_net *)j->member = net;
    return PL_OK;
}

/* `member` is a string, or begins with one. */
static bool is_other_string(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;

    return x == NULL || y == NULL ? x != y : strcmp(x, y) != 0;
}

static void free_string(void *member)
{
    char **text = member;

    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

#define OF(type) .size = sizeof(type)
#define STRING .differs = is_other_string, .fini = free_string
#define SHARE "a size; as 512MiB or 2GiB, or a percentage from 1% to 100%, or "

const struct pl_config_kind_ops pl_config_kinds[] = {
    [PL_KIND_BOOL] = {"true or false", OF(bool), .store = store_word},
    [PL_KIND_WORD] = {NULL, OF(unsigned), .store = store_word},
    [PL_KIND_NUMBER] = {"number", OF(uint32_t), .store = store_number,
                        .wanted = "a whole number"},
    [PL_KIND_DURATION] = {"duration", OF(uint64_t), .store = store_quantity,
                          .units = duration_units,
                          .wanted =
                              "a duration; as 500ms, 10s, 5m or 1h, or 0"},
    [PL_KIND_SIZE] = {"size", OF(uint64_t), .store = store_quantity,
                      .units = size_units,
                      .wanted = "a size; as 512B, 64KiB, 1MiB or 2GB, or 0"},
    [PL_KIND_MEMORY] = {"size, percentage, auto or off",
                        OF(struct pl_config_memory), .store = store_memory,
                        .units = size_units, .wanted = SHARE "auto, or off"},
    [PL_KIND_SHARE] = {"size, percentage or off", OF(struct pl_config_memory),
                       .store = store_memory, .units = size_units,
                       .wanted = SHARE "off"},
    [PL_KIND_STRING] = {"string", OF(char *), .store = store_string, STRING},
    [PL_KIND_NAME] = {"name", OF(char *), .store = store_name, STRING},
    [PL_KIND_PATTERN] = {"regular expression", OF(char *),
                         .store = store_pattern, STRING},
    [PL_KIND_MARK] = {"characters or off", OF(struct pl_config_mark),
                      .store = store_mark},
    [PL_KIND_SOCKET] = {"path, auto or off", OF(char *), .store = store_socket,
                        STRING},
    [PL_KIND_ENDPOINT] = {"host:port or off", OF(struct pl_config_endpoint),
                          .store = store_endpoint_or_off, STRING},
    [PL_KIND_ENDPOINTS] = {"list of host:port", OF(struct pl_config_endpoint),
                           .is_list = true, .store = store_endpoint, STRING},
    [PL_KIND_STRINGS] = {"list of strings", OF(char *), .is_list = true,
                         .store = copy_string, STRING},
    [PL_KIND_NETWORKS] = {"list of networks", OF(struct pl_ip_net),
                          .is_list = true, .store = store_network},
    [PL_KIND_SECTIONS] = {"list of sections", .is_list = true},
};

const char *pl_config_key_type(const struct pl_config_key *key)
{
    return key->kind == PL_KIND_WORD ? key->words
                                     : pl_config_kinds[key->kind].type;
}
