/* SPDX-License-Identifier: Apache-2.0 */
/* client_codes.h - codes of the official SDKs that a client makes up itself,
 * and codes of a server that it knows. */
#ifndef PLC_CLIENT_CODES_H
#define PLC_CLIENT_CODES_H

enum plc_code {
    PLC_CODE_CALLED = 0, /* connect(), disconnect(), subscribe() ... */
    PLC_CODE_TRANSPORT = 1,
    PLC_CODE_UNAUTHORIZED = 1,
    PLC_CODE_NO_PING = 2,
    PLC_CODE_CLOSED = 2, /* of a subscription: its client is destroyed */
    PLC_CODE_SUBSCRIBE_TIMEOUT = 3,
    PLC_CODE_MESSAGE_SIZE = 3,
    PLC_CODE_UNSUBSCRIBE_ERROR = 4,
    /* of error() */
    PLC_ERROR_TIMEOUT = 1,
    PLC_ERROR_TRANSPORT = 2,
    PLC_ERROR_CONNECT_TOKEN = 5,
    PLC_ERROR_REFRESH_TOKEN = 6,
    PLC_ERROR_SUBSCRIBE_TOKEN = 8,
    PLC_ERROR_SUB_REFRESH_TOKEN = 9,
    PLC_ERROR_CONFIGURATION = 12,
    /* of the server */
    PLC_CODE_TOKEN_EXPIRED = 109,
    PLC_CODE_INSUFFICIENT_STATE = 2502,
    PLC_CODE_STATE_INVALIDATED = 3014
};

#endif
