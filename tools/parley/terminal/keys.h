/* SPDX-License-Identifier: Apache-2.0 */
/* keys.h - the bytes that a terminal sends, as keys. */
#ifndef PL_KEYS_H
#define PL_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pl_key_kind {
    PL_KEY_TEXT,  /* `code` is a character that is no control */
    PL_KEY_PASTE, /* likewise, of a bracketed paste; it may be a newline */
    PL_KEY_CTRL,  /* `code` is 'a' to 'z', or one of @ [ \ ] ^ _ */
    PL_KEY_ENTER,
    PL_KEY_TAB,
    PL_KEY_BACKSPACE,
    PL_KEY_ESCAPE,
    PL_KEY_UP,
    PL_KEY_DOWN,
    PL_KEY_LEFT,
    PL_KEY_RIGHT,
    PL_KEY_HOME,
    PL_KEY_END,
    PL_KEY_INSERT,
    PL_KEY_DELETE,
    PL_KEY_PAGE_UP,
    PL_KEY_PAGE_DOWN,
    PL_KEY_F /* `code` is its number */
};

enum pl_key_mod { PL_KEY_SHIFT = 1, PL_KEY_ALT = 2, PL_KEY_WITH_CTRL = 4 };

struct pl_key {
    enum pl_key_kind kind;
    uint32_t code;
    unsigned mods; /* enum pl_key_mod */
};

typedef void pl_keys_got(const struct pl_key *key, void *arg);

enum { PL_KEYS_SEQUENCE_MAX = 32 };

/* All zero: nothing was fed. */
struct pl_keys {
    pl_keys_got *got;
    void *arg;
    char held[PL_KEYS_SEQUENCE_MAX]; /* of an unfinished sequence */
    size_t held_len;
    bool is_paste;
};

/* Call got() for each key in the bytes. */
void pl_keys_feed(struct pl_keys *k, const char *bytes, size_t len);

/* True if the bytes so far may be an Escape key or the beginning of a longer
 * sequence.  If no byte follows within some 50 ms, call pl_keys_flush(). */
bool pl_keys_is_pending(const struct pl_keys *k);

/* Nothing follows: what is pending becomes an Escape, or is dropped. */
void pl_keys_flush(struct pl_keys *k);

#endif
