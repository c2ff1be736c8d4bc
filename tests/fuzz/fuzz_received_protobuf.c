/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_received_protobuf.c - any bytes as a protobuf message of a server; see
 * fuzz_received.h. */
#include "fuzz_received.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return fuzz_received(PL_ENCODING_PROTOBUF, bytes, size);
}
