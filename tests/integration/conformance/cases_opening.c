/* SPDX-License-Identifier: Apache-2.0 */
/* cases_opening.c - RFC 6455 section 4.2 and RFC 9112: which requests open a
 * WebSocket, and the status of those that do not. */
#include "suite.h"

#define GET "GET /echo HTTP/1.1\r\n"
#define HOST "Host: $H\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define REST UPGRADE CONNECTION KEY VERSION
#define END "\r\n"
/* The key of RFC 6455 section 1.3, and what it says must come back. */
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
#define TEN "aaaaaaaaaa"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define THOUSAND                                                               \
    HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED    \
        HUNDRED
#define X_FIELD "X-Field: " THOUSAND "\r\n"
#define FOUR_FIELDS "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"
#define SIXTEEN FOUR_FIELDS FOUR_FIELDS FOUR_FIELDS FOUR_FIELDS

const struct opening openings[] = {
    /* What opens. */
    {"a plain request", GET HOST REST END, 101, ACCEPT},
    {"names in lower case",
     "GET /echo HTTP/1.1\r\nhost: $H\r\nupgrade: websocket\r\n"
     "connection: upgrade\r\n"
     "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "sec-websocket-version: 13\r\n\r\n",
     101, ACCEPT},
    {"names in upper case",
     "GET /echo HTTP/1.1\r\nHOST: $H\r\nUPGRADE: WEBSOCKET\r\n"
     "CONNECTION: UPGRADE\r\n"
     "SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "SEC-WEBSOCKET-VERSION: 13\r\n\r\n",
     101, ACCEPT},
    {"no blanks behind the colons",
     "GET /echo HTTP/1.1\r\nHost:$H\r\nUpgrade:websocket\r\n"
     "Connection:Upgrade\r\nSec-WebSocket-Key:dGhlIHNhbXBsZSBub25jZQ==\r\n"
     "Sec-WebSocket-Version:13\r\n\r\n",
     101, ACCEPT},
    {"many blanks around the values",
     GET "Host: \t $H \t\r\n" UPGRADE "Connection:    Upgrade   \r\n" KEY
         "Sec-WebSocket-Version:\t13\t\r\n" END,
     101, ACCEPT},
    {"keep-alive beside Upgrade",
     GET HOST UPGRADE "Connection: keep-alive, Upgrade\r\n" KEY VERSION END,
     101, ACCEPT},
    {"Connection in two fields",
     GET HOST UPGRADE "Connection: keep-alive\r\n" CONNECTION KEY VERSION END,
     101, ACCEPT},
    {"a list of upgrades",
     GET HOST "Upgrade: h2c, websocket\r\n" CONNECTION KEY VERSION END, 101,
     ACCEPT},
    {"empty elements in a list",
     GET HOST UPGRADE "Connection: , ,Upgrade,\r\n" KEY VERSION END, 101,
     ACCEPT},
    {"fields in another order", GET VERSION KEY CONNECTION UPGRADE HOST END,
     101, ACCEPT},
    {"fields that it does not know",
     GET HOST REST "User-Agent: x\r\nAccept: */*\r\nCookie: a=b; c=d\r\n" END,
     101, ACCEPT},
    {"a field without a value", GET HOST REST "X-Nothing:\r\n" END, 101,
     ACCEPT},
    {"a field of 4000 bytes",
     GET HOST REST "X: " THOUSAND THOUSAND THOUSAND THOUSAND "\r\n" END, 101,
     ACCEPT},
    {"bytes above ASCII in a value", GET HOST REST "X: \xC3\xA9\xFF\r\n" END,
     101, ACCEPT},
    {"a query", "GET /echo?a=b&c=%20 HTTP/1.1\r\n" HOST REST END, 101, ACCEPT},
    {"an absolute target", "GET http://$H/echo HTTP/1.1\r\n" HOST REST END, 101,
     ACCEPT},
    {"an absolute target of ws", "GET ws://$H/echo HTTP/1.1\r\n" HOST REST END,
     101, ACCEPT},
    {"an Origin that is the Host", GET HOST REST "Origin: http://$H\r\n" END,
     101, ACCEPT},
    {"a length of no body", GET HOST REST "Content-Length: 0\r\n" END, 101,
     ACCEPT},
    {"extensions that nobody knows",
     GET HOST REST "Sec-WebSocket-Extensions: x-unknown; a=1, x-other\r\n" END,
     101, ACCEPT},
    {"another key",
     GET HOST UPGRADE CONNECTION
     "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n" VERSION END,
     101, "Sec-WebSocket-Accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk="},
    {"64 fields",
     GET HOST REST SIXTEEN SIXTEEN SIXTEEN FOUR_FIELDS FOUR_FIELDS
     "E: 5\r\nF: 6\r\nG: 7\r\n" END,
     101, ACCEPT},
    /* Methods, targets and versions. */
    {"POST", "POST /echo HTTP/1.1\r\n" HOST REST END, 405, "Allow: GET"},
    {"HEAD", "HEAD /echo HTTP/1.1\r\n" HOST REST END, 405, "Allow: GET"},
    {"OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST REST END, 405, "Allow: GET"},
    {"CONNECT", "CONNECT $H HTTP/1.1\r\n" HOST REST END, 405, "Allow: GET"},
    {"get in lower case", "get /echo HTTP/1.1\r\n" HOST REST END, 405, NULL},
    {"GETS", "GETS /echo HTTP/1.1\r\n" HOST REST END, 405, NULL},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 405, NULL},
    {"HTTP/1.0", "GET /echo HTTP/1.0\r\n" HOST REST END, 505, NULL},
    {"HTTP/0.9", "GET /echo HTTP/0.9\r\n" HOST REST END, 505, NULL},
    {"HTTP/2.0", "GET /echo HTTP/2.0\r\n" HOST REST END, 505, NULL},
    {"HTTP/1.2", "GET /echo HTTP/1.2\r\n" HOST REST END, 505, NULL},
    {"no version", "GET /echo\r\n" HOST REST END, 400, NULL},
    {"a version that is none", "GET /echo HTTQ/1.1\r\n" HOST REST END, 400,
     NULL},
    {"a version of three numbers", "GET /echo HTTP/1.1.1\r\n" HOST REST END,
     400, NULL},
    {"http in lower case", "GET /echo http/1.1\r\n" HOST REST END, 400, NULL},
    {"two blanks in the request line", "GET  /echo HTTP/1.1\r\n" HOST REST END,
     400, NULL},
    {"a blank in the target", "GET /ec ho HTTP/1.1\r\n" HOST REST END, 400,
     NULL},
    {"a blank behind the version", "GET /echo HTTP/1.1 \r\n" HOST REST END, 400,
     NULL},
    {"a fragment in the target", "GET /echo#x HTTP/1.1\r\n" HOST REST END, 400,
     NULL},
    {"a target without a slash", "GET echo HTTP/1.1\r\n" HOST REST END, 400,
     NULL},
    {"a target above ASCII", "GET /ech\xC3\xB6 HTTP/1.1\r\n" HOST REST END, 400,
     NULL},
    {"a target of another scheme",
     "GET ftp://$H/echo HTTP/1.1\r\n" HOST REST END, 400, NULL},
    {"another path", "GET /other HTTP/1.1\r\n" HOST REST END, 404, NULL},
    {"the path and more", "GET /echo/ HTTP/1.1\r\n" HOST REST END, 404, NULL},
    {"the path in capitals", "GET /ECHO HTTP/1.1\r\n" HOST REST END, 404, NULL},
    {"the path after another", "GET /x/../echo HTTP/1.1\r\n" HOST REST END, 404,
     NULL},
    {"the path escaped", "GET /%65cho HTTP/1.1\r\n" HOST REST END, 404, NULL},
    {"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n", 400, NULL},
    {"an empty line first", "\r\n" GET HOST REST END, 400, NULL},
    /* Hosts and origins. */
    {"no Host", GET REST END, 400, NULL},
    {"an empty Host", GET "Host: \r\n" REST END, 400, NULL},
    {"two Hosts", GET HOST HOST REST END, 400, NULL},
    {"two different Hosts", GET HOST "Host: elsewhere.example\r\n" REST END,
     400, NULL},
    {"a Host with a path", GET "Host: $H/echo\r\n" REST END, 400, NULL},
    {"a Host with a user", GET "Host: me@$H\r\n" REST END, 400, NULL},
    {"a Host with a comma", GET "Host: a, b\r\n" REST END, 400, NULL},
    {"a Host that is a port", GET "Host: :80\r\n" REST END, 400, NULL},
    {"another Origin", GET HOST REST "Origin: http://evil.example\r\n" END, 403,
     NULL},
    {"the Origin null", GET HOST REST "Origin: null\r\n" END, 403, NULL},
    {"an Origin that begins as the Host",
     GET HOST REST "Origin: http://$H.evil.example\r\n" END, 403, NULL},
    {"an Origin that ends as the Host",
     GET HOST REST "Origin: http://evil-$H\r\n" END, 403, NULL},
    {"an Origin with a user", GET HOST REST "Origin: http://a@$H\r\n" END, 403,
     NULL},
    {"an Origin of another port",
     GET HOST REST "Origin: http://127.0.0.1:1\r\n" END, 403, NULL},
    {"two Origins",
     GET HOST REST "Origin: http://$H\r\nOrigin: http://$H\r\n" END, 400, NULL},
    /* What makes it a WebSocket. */
    {"no Upgrade", GET HOST CONNECTION KEY VERSION END, 426,
     "Sec-WebSocket-Version: 13"},
    {"another Upgrade", GET HOST "Upgrade: h2c\r\n" CONNECTION KEY VERSION END,
     426, "Upgrade: websocket"},
    {"an Upgrade that begins as it",
     GET HOST "Upgrade: websockets\r\n" CONNECTION KEY VERSION END, 426, NULL},
    {"no Connection", GET HOST UPGRADE KEY VERSION END, 426, NULL},
    {"Connection: keep-alive",
     GET HOST UPGRADE "Connection: keep-alive\r\n" KEY VERSION END, 426, NULL},
    {"Connection: Upgraded",
     GET HOST UPGRADE "Connection: Upgraded\r\n" KEY VERSION END, 426, NULL},
    {"no version of WebSocket", GET HOST UPGRADE CONNECTION KEY END, 426,
     "Sec-WebSocket-Version: 13"},
    {"version 8",
     GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 8\r\n" END, 426,
     "Sec-WebSocket-Version: 13"},
    {"version 14",
     GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 14\r\n" END, 426,
     "Sec-WebSocket-Version: 13"},
    {"version 013",
     GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 013\r\n" END, 426,
     NULL},
    {"version +13",
     GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: +13\r\n" END, 426,
     NULL},
    {"versions in a list",
     GET HOST UPGRADE CONNECTION KEY "Sec-WebSocket-Version: 13, 8\r\n" END,
     426, NULL},
    {"two versions", GET HOST REST VERSION END, 400, NULL},
    {"no key", GET HOST UPGRADE CONNECTION VERSION END, 400, NULL},
    {"an empty key",
     GET HOST UPGRADE CONNECTION VERSION "Sec-WebSocket-Key:\r\n" END, 400,
     NULL},
    {"two keys", GET HOST REST KEY END, 400, NULL},
    {"a key of 15 bytes",
     GET HOST UPGRADE CONNECTION VERSION
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n" END,
     400, NULL},
    {"a key of 17 bytes",
     GET HOST UPGRADE CONNECTION VERSION
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n" END,
     400, NULL},
    {"a key that is not base64",
     GET HOST UPGRADE CONNECTION VERSION
     "Sec-WebSocket-Key: dGhlIHNhbXBs*SBub25jZQ==\r\n" END,
     400, NULL},
    {"a key without padding",
     GET HOST UPGRADE CONNECTION VERSION
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n" END,
     400, NULL},
    /* Lines. */
    {"lines that end in LF", "GET /echo HTTP/1.1\nHost: $H\n\n", 400, NULL},
    {"one line that ends in LF", GET "Host: $H\n" REST END, 400, NULL},
    {"a folded line", GET HOST REST "X: a\r\n b\r\n" END, 400, NULL},
    {"a line folded with a tab", GET HOST REST "X: a\r\n\tb\r\n" END, 400,
     NULL},
    {"a blank before a colon", GET HOST REST "X : a\r\n" END, 400, NULL},
    {"a blank before the colon of Host", GET "Host : $H\r\n" REST END, 400,
     NULL},
    {"a line without a colon", GET HOST REST "X\r\n" END, 400, NULL},
    {"a line without a name", GET HOST REST ": a\r\n" END, 400, NULL},
    {"a name with a blank", GET HOST REST "X Y: a\r\n" END, 400, NULL},
    {"a name above ASCII", GET HOST REST "X\xC3\xA9: a\r\n" END, 400, NULL},
    {"a CR inside a value", GET HOST REST "X: a\rb\r\n" END, 400, NULL},
    {"a BEL inside a value", GET HOST REST "X: a\ab\r\n" END, 400, NULL},
    {"a DEL inside a value", GET HOST REST "X: a\x7F\r\n" END, 400, NULL},
    /* Bodies and smuggled requests. */
    {"a body", GET HOST REST "Content-Length: 5\r\n" END "Hello", 413, NULL},
    {"a chunked body",
     GET HOST REST "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n", 413, NULL},
    {"a length and chunks",
     GET HOST REST "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n" END
                   "0\r\n\r\n",
     413, NULL},
    {"chunks, oddly written",
     GET HOST REST "Transfer-Encoding: xchunked\r\n" END, 413, NULL},
    {"two lengths",
     GET HOST REST "Content-Length: 0\r\nContent-Length: 5\r\n" END, 400, NULL},
    {"a negative length", GET HOST REST "Content-Length: -1\r\n" END, 400,
     NULL},
    {"a length with a sign", GET HOST REST "Content-Length: +0\r\n" END, 400,
     NULL},
    {"a length in a list", GET HOST REST "Content-Length: 0, 0\r\n" END, 400,
     NULL},
    {"a length in hex", GET HOST REST "Content-Length: 0x0\r\n" END, 400, NULL},
    {"an empty length", GET HOST REST "Content-Length:\r\n" END, 400, NULL},
    {"a request behind a refused one",
     "GET /other HTTP/1.1\r\n" HOST REST END GET HOST REST END, 404, NULL},
    /* Sizes. */
    {"a line of 9000 bytes",
     GET HOST REST "X: " THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
         THOUSAND THOUSAND THOUSAND "\r\n" END,
     431, NULL},
    {"a target of 9000 bytes",
     "GET /" THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND THOUSAND
         THOUSAND THOUSAND " HTTP/1.1\r\n" HOST REST END,
     431, NULL},
    {"a head of 17000 bytes",
     GET HOST REST X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD
         X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD X_FIELD
             X_FIELD END,
     431, NULL},
    {"69 fields", GET HOST REST SIXTEEN SIXTEEN SIXTEEN SIXTEEN END, 431, NULL},
};

const size_t opening_count = sizeof openings / sizeof *openings;
