/* SPDX-License-Identifier: Apache-2.0 */
/* addresses.c - see addresses.h. */
#include "addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static bool is_v6(const union plc_address *a)
{
    return a->any.sa_family == AF_INET6;
}

void plc_addresses_add_list(struct plc_addresses *a,
                            const struct addrinfo *list, uint16_t port)
{
    for (; list != NULL && a->count < PLC_ADDRESSES_MAX; list = list->ai_next) {
        union plc_address *to = &a->at[a->count];

        if (list->ai_addrlen > sizeof *to ||
            (list->ai_family != AF_INET && list->ai_family != AF_INET6))
            continue;
        memset(to, 0, sizeof *to);
        memcpy(to, list->ai_addr, list->ai_addrlen);
        if (is_v6(to))
            to->v6.sin6_port = htons(port);
        else
            to->v4.sin_port = htons(port);
        a->count++;
    }
}

/* With AI_NUMERICHOST, getaddrinfo() asks no server and never waits. */
bool plc_addresses_add_text(struct plc_addresses *a, const char *text,
                            uint16_t port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list;

    if (getaddrinfo(text, NULL, &hints, &list) != 0)
        return false;
    plc_addresses_add_list(a, list, port);
    freeaddrinfo(list);
    return true;
}

/* Return the index of the next address of the family from `from` on, or the
 * count. */
static size_t next_of(const struct plc_addresses *a, size_t from, bool v6)
{
    while (from < a->count && is_v6(&a->at[from]) != v6)
        from++;
    return from;
}

void plc_addresses_interleave(struct plc_addresses *a)
{
    struct plc_addresses sorted = {.count = a->count};
    size_t next[2] = {next_of(a, 0, false), next_of(a, 0, true)};
    bool v6 = true;

    for (size_t i = 0; i < a->count; i++, v6 = !v6) {
        if (next[v6] == a->count)
            v6 = !v6;
        sorted.at[i] = a->at[next[v6]];
        next[v6] = next_of(a, next[v6] + 1, v6);
    }
    *a = sorted;
}

void plc_address_text(const union plc_address *a, char text[PLC_ADDRESS_TEXT])
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (is_v6(a)) {
        inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
        snprintf(text, PLC_ADDRESS_TEXT, "[%s]:%u", host,
                 ntohs(a->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
        snprintf(text, PLC_ADDRESS_TEXT, "%s:%u", host, ntohs(a->v4.sin_port));
    }
}
