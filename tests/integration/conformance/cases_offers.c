/* SPDX-License-Identifier: Apache-2.0 */
/* cases_offers.c - RFC 7692 sections 5 and 7.1: which offers of
 * permessage-deflate are taken.  A server without it declines all of them. */
#include "suite.h"

#define PMD "permessage-deflate"
#define AGAIN "\r\nSec-WebSocket-Extensions: "
#define ALL                                                                    \
    PMD "; server_no_context_takeover; client_no_context_takeover; "           \
        "server_max_window_bits=10; client_max_window_bits=11"

/* Both sides' windows in one offer. */
#define BITS(n)                                                                \
    {"server_max_window_bits=" #n, PMD "; server_max_window_bits=" #n,         \
     PMD "; server_max_window_bits=" #n},                                      \
        {"client_max_window_bits=" #n, PMD "; client_max_window_bits=" #n,     \
         PMD "; client_max_window_bits=" #n},                                  \
    {                                                                          \
        "both windows of " #n " and no context",                               \
            PMD "; server_no_context_takeover; client_max_window_bits=" #n     \
                "; client_no_context_takeover; server_max_window_bits=" #n,    \
            PMD "; server_no_context_takeover; client_max_window_bits=" #n     \
                "; client_no_context_takeover; server_max_window_bits=" #n     \
    }

/* Declined: no other offer is there. */
#define BAD(parameter)                                                         \
    {                                                                          \
        "declined: " parameter, PMD "; " parameter, NULL                       \
    }

const struct offer offers[] = {
    {"nothing but the name", PMD, PMD},
    BITS(8),
    BITS(9),
    BITS(10),
    BITS(11),
    BITS(12),
    BITS(13),
    BITS(14),
    BITS(15),
    {"client_max_window_bits without a number", PMD "; client_max_window_bits",
     PMD "; client_max_window_bits"},
    {"server_no_context_takeover", PMD "; server_no_context_takeover",
     PMD "; server_no_context_takeover"},
    {"client_no_context_takeover", PMD "; client_no_context_takeover",
     PMD "; client_no_context_takeover"},
    {"no context on both sides",
     PMD "; server_no_context_takeover; client_no_context_takeover",
     PMD "; server_no_context_takeover; client_no_context_takeover"},
    {"all parameters", ALL, ALL},
    {"a quoted number", PMD "; server_max_window_bits=\"10\"",
     PMD "; server_max_window_bits=10"},
    {"no blanks", PMD ";server_max_window_bits=10;client_max_window_bits",
     PMD "; server_max_window_bits=10; client_max_window_bits"},
    {"many blanks", " \t" PMD " \t;\t client_max_window_bits \t",
     PMD "; client_max_window_bits"},
    {"two offers, the first is taken", PMD "; server_max_window_bits=9, " PMD,
     PMD "; server_max_window_bits=9"},
    {"three offers, each less than the one before",
     PMD "; client_no_context_takeover; client_max_window_bits; "
         "server_no_context_takeover; server_max_window_bits=9, " PMD
         "; client_no_context_takeover; client_max_window_bits; "
         "server_no_context_takeover, " PMD,
     PMD "; client_no_context_takeover; client_max_window_bits; "
         "server_no_context_takeover; server_max_window_bits=9"},
    {"two offers, the first is not right",
     PMD "; server_max_window_bits=7, " PMD "; server_max_window_bits=12",
     PMD "; server_max_window_bits=12"},
    {"an unknown parameter, then without it", PMD "; x_unknown=1, " PMD, PMD},
    {"another extension before it", "x-other; a=1, " PMD, PMD},
    {"another extension behind it", PMD ", x-other", PMD},
    {"a quoted value before it", "x-other; a=\"" PMD "\", " PMD, PMD},
    {"offers in two fields", "x-other" AGAIN PMD, PMD},
    {"empty elements", ", ," PMD ",", PMD},
    {"only another extension", "x-webkit-deflate-frame", NULL},
    {"a name that begins as it", PMD "2", NULL},
    {"a name that ends as it", "x" PMD, NULL},
    {"only its name in quotes", "x; a=\"" PMD "\"", NULL},
    BAD("x_unknown"),
    BAD("x_unknown=1"),
    BAD("server_max_window_bits"),
    BAD("server_max_window_bits=0"),
    BAD("server_max_window_bits=7"),
    BAD("server_max_window_bits=16"),
    BAD("server_max_window_bits=08"),
    BAD("server_max_window_bits=+9"),
    BAD("server_max_window_bits=-9"),
    BAD("server_max_window_bits=9.0"),
    BAD("server_max_window_bits=9x"),
    BAD("server_max_window_bits=100000000009"),
    BAD("server_max_window_bits=10; server_max_window_bits=10"),
    BAD("client_max_window_bits=7"),
    BAD("client_max_window_bits=16"),
    BAD("client_max_window_bits=010"),
    BAD("client_max_window_bits; client_max_window_bits=10"),
    BAD("client_max_window_bits; client_max_window_bits"),
    BAD("server_no_context_takeover=1"),
    BAD("server_no_context_takeover; server_no_context_takeover"),
    BAD("client_no_context_takeover=true"),
    BAD("client_no_context_takeover; client_no_context_takeover"),
};

const size_t offer_count = sizeof offers / sizeof *offers;
