/* SPDX-License-Identifier: Apache-2.0 */
/* commands.h - commands about a channel, each with the id 9, and what replies
 * to it look like. */
#ifndef COMMANDS_H
#define COMMANDS_H

#define OK "{\"id\":9,\"*\":{*"
#define ERROR(code) "{\"id\":9,\"error\":{\"code\":" #code ",*"
#define SUBSCRIBE(channel)                                                     \
    "{\"id\":9,\"subscribe\":{\"channel\":\"" channel "\"}}"
#define PUBLISH(channel, data)                                                 \
    "{\"id\":9,\"publish\":{\"channel\":\"" channel "\",\"data\":" data "}}"
#define PRESENCE(channel)                                                      \
    "{\"id\":9,\"presence\":{\"channel\":\"" channel "\"}}"
#define STATS(channel)                                                         \
    "{\"id\":9,\"presence_stats\":{\"channel\":\"" channel "\"}}"
#define HISTORY(channel)                                                       \
    "{\"id\":9,\"history\":{\"channel\":\"" channel "\",\"limit\":-1}}"

#endif
