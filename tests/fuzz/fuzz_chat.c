/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_chat.c - any bytes as what a member of a room publishes.
 *
 * What is read as a message or a sign has a text or a nick within the bounds,
 * and a message that is written again is read as the same. */
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "editor.h"
#include "message.h"
#include "names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool true_always)
{
    if (!true_always)
        abort();
}

static void require_clipped(const char *text, size_t units)
{
    require(pl_editor_units(pl_span_of(text)) <= units);
}

static void read_message(struct pl_span data)
{
    struct pl_chat_message m, again;
    struct pl_buf b = {0};

    if (!pl_chat_message_read(&m, data))
        return;
    require(m.text[0] != '\0' && m.nick[0] != '\0' && m.at_ms >= 0);
    require_clipped(m.text, PL_CHAT_TEXT_UNITS);
    require_clipped(m.nick, PL_CHAT_NICK_UNITS);
    require_clipped(m.id, PL_CHAT_ID_UNITS);
    pl_chat_message_write(&b, &m);
    require(!b.failed && pl_chat_message_read(&again, pl_buf_span(&b)));
    require(strcmp(m.text, again.text) == 0 && m.at_ms == again.at_ms);
    require(strcmp(m.nick, again.nick) == 0 && strcmp(m.id, again.id) == 0);
    (void)pl_chat_mentions(m.text, m.nick);
    pl_chat_message_fini(&again);
    pl_chat_message_fini(&m);
    pl_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    char room[PL_CHAT_ROOM_SIZE], again[PL_CHAT_ROOM_SIZE];
    struct pl_chat_sign s;

    require(copy != NULL && setlocale(LC_CTYPE, "C.UTF-8") != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    struct pl_span text = {copy, size};
    read_message(text);
    if (pl_chat_sign_read(&s, text, NULL)) {
        require(s.nick[0] != '\0' && s.client[0] != '\0');
        require_clipped(s.nick, PL_CHAT_NICK_UNITS);
        pl_chat_sign_fini(&s);
    }
    pl_chat_clean_room(room, text);
    pl_chat_clean_room(again, pl_span_of(room));
    require(strcmp(room, again) == 0);
    free(copy);
    return 0;
}
