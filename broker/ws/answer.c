/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - the responses to a handshake; see handshake.h.
 *
 * A refusal is a whole HTTP response with a body, so that curl and a browser's
 * console show the reason.  It always closes: after a request that was not
 * understood, no byte can be trusted to begin another request.
 *
 * Invariant: a response repeats nothing of the request except the checked
 * key. */
#include "handshake.h"

#include <openssl/evp.h>

#include "reason.h"

enum { KEY_LEN = 24, SHA1_LEN = 20 };

/* RFC 6455 section 1.3: hashed with the key, it proves that the server speaks
 * WebSocket. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* Return false only if OpenSSL has no memory or no SHA-1. */
static bool accept_key(struct pl_span key,
                       char accept[PL_HANDSHAKE_ACCEPT_LEN + 1])
{
    char text[KEY_LEN + sizeof guid];
    unsigned char digest[SHA1_LEN];
    size_t len = key.len < KEY_LEN ? key.len : KEY_LEN;

    accept[0] = '\0';
    memcpy(text, key.at, len);
    memcpy(text + len, guid, sizeof guid - 1);
    if (EVP_Digest(text, len + sizeof guid - 1, digest, NULL, EVP_sha1(),
                   NULL) != 1)
        return false;
    EVP_EncodeBlock((unsigned char *)accept, digest, SHA1_LEN);
    return true;
}

void pl_handshake_accept_key(struct pl_span key,
                             char accept[PL_HANDSHAKE_ACCEPT_LEN + 1])
{
    accept_key(key, accept);
}

static void put_text(struct pl_buf *b, const char *text)
{
    pl_buf_put_span(b, pl_span_of(text));
}

static void put_field(struct pl_buf *b, const char *name, const char *value)
{
    put_text(b, name);
    put_text(b, ": ");
    put_text(b, value);
    put_text(b, "\r\n");
}

void pl_handshake_accept(struct pl_buf *b, const struct pl_handshake *h,
                         const char *protocol, const char *extensions)
{
    char accept[PL_HANDSHAKE_ACCEPT_LEN + 1];

    if (!accept_key(h->key, accept)) {
        b->failed = true;
        return;
    }
    put_text(b, "HTTP/1.1 101 Switching Protocols\r\n");
    put_field(b, "Upgrade", "websocket");
    put_field(b, "Connection", "Upgrade");
    put_field(b, "Sec-WebSocket-Accept", accept);
    if (protocol != NULL)
        put_field(b, "Sec-WebSocket-Protocol", protocol);
    if (extensions != NULL)
        put_field(b, "Sec-WebSocket-Extensions", extensions);
    put_text(b, "\r\n");
}

/* The additional header lines of a status. */
static const char *fields_of(int status)
{
    switch (status) {
    case 401:
        return "WWW-Authenticate: apikey\r\n";
    case 405:
        return "Allow: GET\r\n";
    case 426:
        return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    case 503:
        return "Retry-After: 1\r\n";
    default:
        return "";
    }
}

void pl_handshake_refuse(struct pl_buf *b, struct pl_handshake_error error,
                         int64_t now_s)
{
    /* A 426 has Upgrade, which must be listed in Connection (RFC 9110 section
     * 7.8). */
    pl_buf_printf(b, "HTTP/1.1 %d %s\r\nConnection: close%s\r\n%s",
                  error.status, pl_http_reason(error.status),
                  error.status == 426 ? ", Upgrade" : "",
                  fields_of(error.status));
    pl_http_put_date(b, now_s);
    if (error.is_head)
        put_text(b, "\r\n");
    else if (error.text[0] == '\0')
        put_text(b, "Content-Length: 0\r\n\r\n");
    else
        pl_buf_printf(b,
                      "Content-Type: text/plain\r\n"
                      "Content-Length: %zu\r\n\r\n%s\n",
                      strlen(error.text) + 1, error.text);
}
